// SPDX-License-Identifier: Apache-2.0
/*
 * What the cross-check against other readers drives:
 *
 *     tool dump FILE                  every readable column as one JSON object a row group
 *     tool cut FILE FIRST COUNT OUT   the row groups as a file of their own
 *     tool rows FILE FIRST COUNT OUT   rows of the file as a file of their own
 *     tool check FILE                 every page is decoded
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/containers/parquet/parquet.h"
#include "tests/parquet/print.h"

static int fail(const struct error *err)
{
    fprintf(stderr, "%s\n", err->text);
    return 1;
}

static int dump(struct parquet *parquet)
{
    struct error err;
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t group = 0; group < parquet_groups(parquet); group++) {
        buf_clear(&text);
        if (print_group(parquet, group, &text, &err))
            return fail(&err);
        puts(buf_text(&text));
    }
    return 0;
}

static int cut(const struct parquet *parquet, const struct buf *bytes, char **argv)
{
    struct error err;
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    CLEANUP_BUF struct buf file = BUF_INIT;
    if (parquet_slice(parquet, strtoul(argv[0], NULL, 10), strtoul(argv[1], NULL, 10), &slice, &err))
        return fail(&err);
    print_slice(&slice, bytes->data, &file);
    if (file_replace(argv[2], file.data, file.len, 0644, &err))
        return fail(&err);
    return 0;
}

/* Gives those their rows that are not whole: the first and the last. */
static int unpack(const struct parquet *parquet, struct parquet_part *parts, size_t count,
                  struct parquet_rows *unpacked[2], struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        struct parquet_rows **rows = &unpacked[i && i + 1 == count];
        if (parquet_part_is_whole(parquet, &parts[i]))
            continue;
        rc = parquet_rows_new(parquet, parts[i].group, rows, err);
        parts[i].rows = *rows;
    }
    return rc;
}

static int rows(const struct parquet *parquet, const struct buf *bytes, char **argv)
{
    struct error err;
    struct parquet_rows *unpacked[2] = {NULL, NULL};
    CLEANUP_FREE struct parquet_part *parts = NULL;
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    CLEANUP_BUF struct buf file = BUF_INIT;
    size_t count = parquet_parts(parquet, strtoull(argv[0], NULL, 10), strtoull(argv[1], NULL, 10), &parts);
    int rc = unpack(parquet, parts, count, unpacked, &err);
    if (!rc)
        rc = parquet_slice_parts(parquet, parts, count, &slice, &err);
    if (!rc) {
        print_slice(&slice, bytes->data, &file);
        rc = file_replace(argv[2], file.data, file.len, 0644, &err);
    }
    for (size_t i = 0; i < 2; i++)
        if (unpacked[i])
            parquet_rows_free(unpacked[i]);
    return rc ? fail(&err) : 0;
}

int main(int argc, char **argv)
{
    struct error err;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_PARQUET struct parquet *parquet = NULL;
    if (argc < 3)
        return 2;
    struct memory_recording recording;
    if (file_read(argv[2], 1 << 30, &bytes, &err))
        return fail(&err);
    recording_of_memory(&recording, argv[2], bytes.data, bytes.len);
    if (parquet_open(&recording.recording, &parquet, &err))
        return fail(&err);
    if (!strcmp(argv[1], "dump"))
        return dump(parquet);
    if (!strcmp(argv[1], "cut") && argc == 6)
        return cut(parquet, &bytes, argv + 3);
    if (!strcmp(argv[1], "rows") && argc == 6)
        return rows(parquet, &bytes, argv + 3);
    if (!strcmp(argv[1], "check"))
        return parquet_check(parquet, &err) ? fail(&err) : 0;
    return 2;
}
