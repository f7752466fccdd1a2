// SPDX-License-Identifier: Apache-2.0
/*
 * What the cross-check against other readers drives:
 *
 *     tool dump FILE                  every readable column as one JSON object a row group
 *     tool cut FILE FIRST COUNT OUT   the row groups as a file of their own
 */
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
    return 2;
}
