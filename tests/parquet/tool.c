// SPDX-License-Identifier: Apache-2.0
/*
 * What the cross-check against other readers drives:
 *
 *     tool dump FILE                  every readable column as one JSON object a row group
 *     tool cut FILE FIRST COUNT OUT   the row groups as a file of their own
 *     tool rows FILE GROUP FIRST COUNT OUT   rows of a row group as a file of their own; 3: an encoding that
 * is not read
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/parquet/parquet.h"
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

static int rows(const struct parquet *parquet, char **argv)
{
    struct error err;
    CLEANUP_PARQUET_ROWS struct parquet_rows *rows = NULL;
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    int rc = parquet_rows_new(parquet, strtoul(argv[0], NULL, 10), &rows, &err);
    if (!rc)
        rc = parquet_rows_slice(rows, strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10), &slice, &err);
    if (!rc && (slice.count != 1 || slice.pieces[0].kind != SLICE_INLINE))
        rc = error_set(&err, EPROTO, "not one inline piece");
    if (!rc)
        rc = file_replace(argv[3], slice.inline_bytes.data, slice.inline_bytes.len, 0644, &err);
    return rc == -ENOTSUP ? 3 : rc ? fail(&err) : 0;
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
    if (!strcmp(argv[1], "rows") && argc == 7)
        return rows(parquet, argv + 3);
    return 2;
}
