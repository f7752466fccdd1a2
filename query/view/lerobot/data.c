// SPDX-License-Identifier: Apache-2.0
/*
 * The rows of a clip were cut out of a recording with a footer of their own, which the catalog has: nothing
 * is fetched to join them. Where the rows are a file as it lies, its footer is read through the cache.
 */
#include "query/view/lerobot/data.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "cache/cache.h"
#include "index/containers/parquet/join.h"

enum { EPISODE_INDEX, INDEX, TASK_INDEX, COLUMNS };
static const char *const column_names[COLUMNS] = {"episode_index", "index", "task_index"};

/* ---- the rows of a clip as a recording ---- */

struct rows {
    struct recording recording;
    const struct view_ask *ask;
    uint32_t row, stream;
    struct catalog_stream found;
    struct cache_file *file; /* once something was read that the catalog has not */
    char name[64];
};

static void rows_done(struct rows *rows)
{
    if (rows->file)
        cache_close(rows->file);
    catalog_stream_done(&rows->found);
}

static int read_cached(struct rows *rows, uint64_t offset, size_t len, void *to, struct error *err)
{
    const struct view_ask *ask = rows->ask;
    CLEANUP_EXTENT_MAP struct extent_map *map = NULL;
    int rc = 0;
    if (catalog_reader_nowait(ask->reader))
        return error_set(err, EAGAIN, "%s: its footer is not here", rows->name);
    if (!ask->cache)
        return error_set(err, ENOTSUP, "%s: its footer cannot be read without a cache", rows->name);
    if (!rows->file)
        rc = dataset_stream_map(ask->dataset, ask->reader, rows->row, rows->stream, &map, err);
    if (!rc && !rows->file)
        rc = cache_open_map(ask->cache, map, &rows->file, err);
    return rc ? rc : cache_read_wait(rows->file, offset, len, to, 0, err);
}

/* From one piece, as much of [offset, offset + len) as it has, which begins in it at `at`. */
static int read_piece(struct rows *rows, const struct catalog_piece *piece, uint64_t at, uint64_t offset,
                      size_t len, void *to, struct error *err)
{
    if (piece->kind == EXTENT_OBJECT)
        return read_cached(rows, offset, len, to, err);
    if (piece->kind == EXTENT_ZERO)
        memset(to, 0, len);
    else if (piece->offset > rows->found.inline_bytes.len ||
             piece->len > rows->found.inline_bytes.len - piece->offset)
        return error_set(err, EUCLEAN, "%s: its pieces do not fit it", rows->name);
    else
        memcpy(to, rows->found.inline_bytes.data + piece->offset + at, len);
    return 0;
}

static int read_rows(void *ctx, uint64_t offset, size_t len, void *to, struct error *err)
{
    struct rows *rows = ctx;
    uint64_t start = 0;
    uint8_t *at = to;
    int rc = 0;
    for (size_t i = 0; !rc && len && i < rows->found.piece_count; i++) {
        const struct catalog_piece *piece = &rows->found.pieces[i];
        uint64_t inside = offset - start;
        size_t n = 0;
        if (inside < piece->len) {
            n = len < piece->len - inside ? len : (size_t)(piece->len - inside);
            rc = read_piece(rows, piece, inside, offset, n, at, err);
        }
        offset += n;
        at += n;
        len -= n;
        start += piece->len;
    }
    return rc || !len ? rc : error_set(err, EUCLEAN, "%s: its pieces do not fit it", rows->name);
}

static int rows_init(struct rows *rows, const struct view_ask *ask, const struct lerobot_episode *episode,
                     struct error *err)
{
    *rows = (struct rows){.ask = ask, .row = episode->row, .stream = episode->rows_stream};
    snprintf(rows->name, sizeof rows->name, "the rows of the clip in row %u", episode->row);
    int rc = catalog_stream(ask->reader, episode->row, episode->rows_stream, &rows->found, err);
    if (rc)
        return rc;
    const struct catalog_stream *found = &rows->found;
    const struct catalog_piece *last = found->piece_count ? &found->pieces[found->piece_count - 1] : NULL;
    rows->recording =
        (struct recording){.name = rows->name, .size = found->size, .read = read_rows, .ctx = rows};
    if (last && last->kind == EXTENT_INLINE)
        rows->recording.at_hand = (size_t)last->len;
    return 0;
}

/* ---- a file ---- */

/* What rows call an episode's tasks becomes what they are called here. */
static int task_value(const struct lerobot_set *set, const struct lerobot_episode *episode, int64_t **ret_map,
                      struct parquet_join_value *ret, struct error *err)
{
    enum { NUMBER_MAX = 1 << 20 };
    const struct lerobot_task_ref *refs = &set->task_refs[episode->first_task];
    int64_t largest = -1;
    if (episode->task_count <= 1) {
        *ret = (struct parquet_join_value){.how = PARQUET_JOIN_CONSTANT,
                                           .first = episode->task_count ? refs->task : 0};
        return 0;
    }
    for (uint32_t i = 0; i < episode->task_count; i++)
        largest = refs[i].number > largest ? refs[i].number : largest;
    if (largest > NUMBER_MAX)
        return error_set(err, EUCLEAN, "the clip in row %u has a task of number %lld", episode->row,
                         (long long)largest);
    int64_t *map = mem_alloc((size_t)(largest + 2) * sizeof *map);
    for (int64_t i = 0; i <= largest; i++)
        map[i] = -1; /* of none of the episode's tasks */
    for (uint32_t i = 0; i < episode->task_count; i++)
        if (refs[i].number >= 0)
            map[refs[i].number] = refs[i].task;
    *ret_map = map;
    *ret =
        (struct parquet_join_value){.how = PARQUET_JOIN_MAPPED, .map = map, .map_count = (size_t)largest + 1};
    return 0;
}

static int add_episode(const struct lerobot_set *set, const struct view_ask *ask, uint32_t number,
                       struct parquet_join *join, struct error *err)
{
    const struct lerobot_episode *episode = &set->episodes[number];
    struct rows rows CLEANUP(rows_done) = {.file = NULL};
    CLEANUP_FREE int64_t *map = NULL;
    struct parquet_join_value values[COLUMNS] = {
        [EPISODE_INDEX] = {.how = PARQUET_JOIN_CONSTANT, .first = number},
        [INDEX] = {.how = PARQUET_JOIN_SEQUENCE, .first = (int64_t)episode->first_frame},
    };
    uint64_t before = parquet_join_rows(join);
    int rc = rows_init(&rows, ask, episode, err);
    if (!rc)
        rc = task_value(set, episode, &map, &values[TASK_INDEX], err);
    if (!rc)
        rc = parquet_join_add(join, &rows.recording, values, err);
    if (!rc && parquet_join_rows(join) - before != episode->length)
        rc = error_set(err, EUCLEAN, "the clip in row %u has %llu rows, and %u frames", episode->row,
                       (unsigned long long)(parquet_join_rows(join) - before), episode->length);
    return rc;
}

static int join_file(const struct lerobot_set *set, const struct view_ask *ask, uint32_t first, uint32_t end,
                     struct parquet_joined *ret, struct error *err)
{
    CLEANUP_PARQUET_JOIN struct parquet_join *join = parquet_join_new(column_names, COLUMNS);
    int rc = 0;
    for (uint32_t i = first; !rc && i < end; i++)
        rc = add_episode(set, ask, i, join, err);
    return rc ? rc : parquet_join_finish(join, ret, err);
}

int lerobot_data_size(const struct lerobot_set *set, const struct view_ask *ask, uint32_t first, uint32_t end,
                      uint64_t *ret, struct error *err)
{
    struct parquet_joined joined CLEANUP_PARQUET_JOINED = {0};
    int rc = join_file(set, ask, first, end, &joined, err);
    if (!rc)
        *ret = joined.size;
    return rc;
}

/* The stream of a part in the map, where pieces of one part follow each other. */
static int part_stream(const struct lerobot_set *set, const struct view_ask *ask, uint32_t episode,
                       struct extent_map *map, uint32_t *ret, struct error *err)
{
    CLEANUP_EXTENT_MAP struct extent_map *stream = NULL;
    const struct lerobot_episode *of = &set->episodes[episode];
    int rc = dataset_stream_map(ask->dataset, ask->reader, of->row, of->rows_stream, &stream, err);
    if (!rc)
        *ret = extent_map_stream(map, stream);
    return rc;
}

int lerobot_data_map(const struct lerobot_set *set, const struct view_ask *ask, uint32_t first, uint32_t end,
                     struct extent_map **ret, struct error *err)
{
    struct parquet_joined joined CLEANUP_PARQUET_JOINED = {0};
    CLEANUP_EXTENT_MAP struct extent_map *map = extent_map_new();
    uint32_t part = PARQUET_JOIN_INLINE, stream = 0;
    int rc = join_file(set, ask, first, end, &joined, err);
    for (size_t i = 0; !rc && i < joined.count; i++) {
        const struct parquet_join_piece *piece = &joined.pieces[i];
        if (piece->part == PARQUET_JOIN_INLINE) {
            extent_map_append_inline(map, joined.inline_bytes.data + piece->offset, (size_t)piece->len);
            continue;
        }
        if (piece->part != part)
            rc = part_stream(set, ask, first + piece->part, map, &stream, err);
        part = piece->part;
        if (!rc)
            extent_map_append(map, EXTENT_STREAM, stream, piece->offset, piece->len);
    }
    if (!rc)
        rc = extent_map_seal(map, err);
    if (!rc)
        *ret = STEAL(map);
    return rc;
}
