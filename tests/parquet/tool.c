// SPDX-License-Identifier: Apache-2.0
/*
 * What the cross-check against other readers drives:
 *
 *     tool dump FILE                  every readable column as one JSON object a row group
 *     tool cut FILE FIRST COUNT OUT   the row groups as a file of their own
 *     tool rows FILE FIRST COUNT OUT   rows of the file as a file of their own
 *     tool check FILE                 every page is decoded
 *     tool join OUT MAP FILE...       the files as one: `episode_index` is the file's number, `index` runs on
 * from 100, and `task_index` is mapped by MAP, "2,0,1"
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/containers/parquet/join.h"
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

enum { MAP_MAX = 64 };

static size_t read_map(const char *text, int64_t to[MAP_MAX])
{
    size_t count = 0;
    char *end = NULL;
    for (const char *at = text; *at && count < MAP_MAX; at = *end ? end + 1 : end)
        to[count++] = strtoll(at, &end, 10);
    return count;
}

static void gather_joined(const struct parquet_joined *joined, const struct buf *parts, struct buf *to)
{
    for (size_t i = 0; i < joined->count; i++) {
        const struct parquet_join_piece *piece = &joined->pieces[i];
        const uint8_t *from =
            piece->part == PARQUET_JOIN_INLINE ? joined->inline_bytes.data : parts[piece->part].data;
        buf_append(to, from + piece->offset, (size_t)piece->len);
    }
}

static int add_file(struct parquet_join *join, const char *path, size_t number,
                    const struct parquet_join_value *map, struct buf *bytes, struct error *err)
{
    struct memory_recording recording;
    int rc = file_read(path, 1 << 30, bytes, err);
    if (rc)
        return rc;
    recording_of_memory(&recording, path, bytes->data, bytes->len);
    const struct parquet_join_value values[] = {
        {.how = PARQUET_JOIN_CONSTANT, .first = (int64_t)number},
        {.how = PARQUET_JOIN_SEQUENCE, .first = 100 + (int64_t)parquet_join_rows(join)},
        *map};
    return parquet_join_add(join, &recording.recording, values, err);
}

/* Tells how many pieces and inline bytes the file has. */
static int join_files(const char *out, const char *map, char **files, size_t count)
{
    static const char *const columns[] = {"episode_index", "index", "task_index"};
    struct error err;
    int64_t numbers[MAP_MAX];
    const struct parquet_join_value mapped = {
        .how = PARQUET_JOIN_MAPPED, .map = numbers, .map_count = read_map(map, numbers)};
    CLEANUP_PARQUET_JOIN struct parquet_join *join = parquet_join_new(columns, 3);
    CLEANUP_PARQUET_JOINED struct parquet_joined joined = {0};
    CLEANUP_BUF struct buf file = BUF_INIT;
    struct buf *parts = mem_zero(count * sizeof *parts);
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++)
        rc = add_file(join, files[i], i, &mapped, &parts[i], &err);
    if (!rc)
        rc = parquet_join_finish(join, &joined, &err);
    if (!rc) {
        gather_joined(&joined, parts, &file);
        rc = file_replace(out, file.data, file.len, 0644, &err);
        printf("%zu %zu\n", joined.count, joined.inline_bytes.len);
    }
    for (size_t i = 0; i < count; i++)
        buf_done(&parts[i]);
    free(parts);
    return rc ? fail(&err) : 0;
}

int main(int argc, char **argv)
{
    struct error err;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_PARQUET struct parquet *parquet = NULL;
    if (argc < 3)
        return 2;
    if (argc > 4 && !strcmp(argv[1], "join"))
        return join_files(argv[2], argv[3], argv + 4, (size_t)argc - 4);
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
