// SPDX-License-Identifier: Apache-2.0
/*
 * What the cross-check against other readers drives:
 *
 *     tool dump FILE                  every readable column as one JSON object a row group
 *     tool cut FILE FIRST COUNT OUT   the row groups as a file of their own
 *     tool rows FILE FIRST COUNT OUT   rows of the file as a file of their own
 *     tool check FILE                 every page is decoded
 *     tool table OUT ROWS alike|packed   a table of every kind and depth that is written, see tables.py
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
#include "index/containers/parquet/writer.h"
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

enum { ITEMS_MAX = 4 };

static struct parquet_cell cell_of(enum parquet_kind kind, uint64_t number)
{
    static const char *const texts[] = {"", "pick up", "the \xc3\xbc", "x"};
    const char *text = texts[number % 4];
    struct parquet_cell cell = {.null = number % 7 == 3, .text = text, .len = strlen(text)};
    cell.integer = kind == PARQUET_BOOL ? number % 3 == 0 : (int64_t)number * 1000003 - 500;
    cell.real = (double)(number % 50) / 8;
    return cell;
}

/* A cell of this depth; what it holds lies in `room`, of ITEMS_MAX a level. */
static struct parquet_cell nested(enum parquet_kind kind, unsigned depth, uint64_t number,
                                  struct parquet_cell **room)
{
    if (!depth)
        return cell_of(kind, number);
    struct parquet_cell *items = *room, cell = {.null = number % 11 == 5, .count = number % ITEMS_MAX};
    *room += cell.count;
    for (size_t i = 0; i < cell.count; i++)
        items[i] = nested(kind, depth - 1, number + i, room);
    cell.items = items;
    return cell;
}

static int table(const char *path, uint64_t rows, bool alike)
{
    static const struct parquet_pair metadata[] = {
        {"pandas",
         "{\"index_columns\": [\"text-0\"], \"columns\": [{\"name\": \"text-0\", \"field_name\": \"text-0\", "
         "\"pandas_type\": \"unicode\", \"numpy_type\": \"object\", \"metadata\": null}]}"},
        {"other", ""}};
    static const enum parquet_kind kinds[] = {PARQUET_BOOL, PARQUET_INT, PARQUET_DOUBLE, PARQUET_TEXT,
                                              PARQUET_TIMESTAMP};
    static const char *const names[] = {"bool", "int", "double", "text", "time"};
    enum { KINDS = 5, DEPTHS = PARQUET_WRITER_DEPTH_MAX + 1, COLUMNS = KINDS * DEPTHS + 1 };
    struct error err;
    char name[COLUMNS][16];
    struct parquet_written columns[COLUMNS];
    CLEANUP_BUF struct buf file = BUF_INIT;
    CLEANUP_PARQUET_WRITER struct parquet_writer *writer = NULL;
    for (unsigned i = 0; i < COLUMNS; i++) {
        snprintf(name[i], sizeof name[i], "%s-%u", i + 1 < COLUMNS ? names[i % KINDS] : "null", i / KINDS);
        columns[i] = (struct parquet_written){name[i], i + 1 < COLUMNS ? kinds[i % KINDS] : PARQUET_INT,
                                              i + 1 < COLUMNS ? i / KINDS : 0};
    }
    const struct parquet_writer_to to = {
        .name = path, .buf = &file, .alike = alike, .metadata = metadata, .metadata_count = 2};
    int rc = parquet_writer_new(&to, columns, COLUMNS, &writer, &err);
    for (uint64_t row = 0; !rc && row < rows; row++) {
        struct parquet_cell cells[COLUMNS], room[COLUMNS * 40], *next = room;
        for (unsigned i = 0; i + 1 < COLUMNS; i++)
            cells[i] = nested(columns[i].kind, columns[i].depth, row + i, &next);
        cells[COLUMNS - 1] = (struct parquet_cell){.null = true};
        rc = parquet_writer_add(writer, cells, &err);
    }
    if (!rc)
        rc = parquet_writer_finish(writer, &err);
    if (!rc)
        rc = file_replace(path, file.data, file.len, 0644, &err);
    return rc ? fail(&err) : 0;
}

int main(int argc, char **argv)
{
    struct error err;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_PARQUET struct parquet *parquet = NULL;
    if (argc < 3)
        return 2;
    if (argc == 5 && !strcmp(argv[1], "table"))
        return table(argv[2], strtoull(argv[3], NULL, 10), !strcmp(argv[4], "alike"));
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
