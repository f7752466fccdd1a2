// SPDX-License-Identifier: Apache-2.0
/* Changes come by value, so all parts that fit into the budget are in the open at once. */
#include "index/catalog/shard/shard_parts.h"

#include <stdlib.h>
#include <string.h>

#include "index/catalog/pieces.h"
#include "index/catalog/shard/shard_write.h"

enum { PARTS_MAX = 16 }; /* of the largest shard */

static int read_part(struct db *db, int64_t id, struct column_values *values, struct error *err)
{
    sqlite3_stmt *stmt;
    struct column_part part;
    CLEANUP_BUF struct buf expanded = BUF_INIT;
    memset(values, 0, sizeof *values);
    int rc = db_query(db, QUERY_PARTS, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, id);
    db_bind_number(stmt, 2, id);
    rc = db_step(db, stmt, err);
    if (rc == 1 && !(rc = column_part_read(db, stmt, &part, err)) &&
        !(rc = column_part_expand(db, &part, &expanded, err)))
        column_part_values(&part, &expanded, values);
    sqlite3_reset(stmt);
    return rc;
}

static int drop_parts(struct db *db, int64_t first, int64_t last, struct error *err)
{
    int rc = pieces_drop(db, &pieces_codes, first, last, err);
    return rc ? rc : db_drop_rows(db, QUERY_PART_DROP, first, last, err);
}

static int put_part(struct db *db, int64_t id, const struct column_values *values, uint64_t *written,
                    struct error *err)
{
    struct column_part part;
    sqlite3_stmt *stmt;
    CLEANUP_BUF struct buf codes = BUF_INIT;
    column_part_make(db_packer(db), values, &part, &codes);
    if (!part.clips)
        return drop_parts(db, id, id, err);
    int rc = pieces_put(db, &pieces_codes, id, codes.data, codes.len, err);
    if (!rc)
        rc = db_query(db, QUERY_PART_PUT, &stmt, err);
    if (rc)
        return rc;
    const int64_t numbers[] = {id,        part.low, part.high, part.clips, part.different, (int64_t)part.step,
                               part.width};
    for (int i = 0; i < 7; i++)
        db_bind_number(stmt, i + 1, numbers[i]);
    *written += codes.len;
    return db_run(db, stmt, err);
}

/* ---- changes ---- */

struct changing {
    struct db *db;
    const struct shard_target *to;
    uint32_t from, end;                     /* parts of the shard that are changed in this slice */
    struct column_values *parts[PARTS_MAX]; /* NULL: not touched */
};

/* The part of a row in the open; NULL in *ret: another slice's. */
static int part_of(struct changing *all, uint32_t row, struct column_values **ret, struct error *err)
{
    uint32_t part = (row - shard_first(all->to->number)) >> SCHEMA_PART_BITS;
    *ret = NULL;
    if (part < all->from || part >= all->end)
        return 0;
    int rc = 0;
    if (!all->parts[part]) {
        all->parts[part] = mem_alloc(sizeof **all->parts);
        rc = read_part(all->db, shard_part_id(all->to->attribute, row >> SCHEMA_PART_BITS), all->parts[part],
                       err);
    }
    *ret = all->parts[part];
    return rc;
}

/* A number may be lost after another one was gained in its place. */
static void change_row(struct column_values *values, uint32_t row, int64_t number, bool gained)
{
    uint32_t at = row & (ROWSET_PART_ROWS - 1);
    uint64_t bit = 1ull << at % 64;
    if (!gained && values->values[at] != number)
        return;
    values->values[at] = gained ? number : 0;
    values->present[at / 64] = (values->present[at / 64] & ~bit) | (gained ? bit : 0);
}

static int change_rows(struct changing *all, int64_t number, const uint32_t *rows, size_t count, bool gained,
                       struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        struct column_values *values;
        rc = part_of(all, rows[i], &values, err);
        if (!rc && values)
            change_row(values, rows[i], number, gained);
    }
    return rc;
}

static int put_parts(struct changing *all, uint64_t *written, struct error *err)
{
    int rc = 0;
    uint32_t first = shard_first(all->to->number) >> SCHEMA_PART_BITS;
    for (uint32_t i = all->from; !rc && i < all->end; i++)
        if (all->parts[i])
            rc = put_part(all->db, shard_part_id(all->to->attribute, first + i), all->parts[i], written, err);
    return rc;
}

int shard_parts_change(struct db *db, const struct shard_target *to, const struct shard_source *source,
                       uint64_t budget, uint64_t *written, uint64_t *part, struct error *err)
{
    enum { PART_BYTES = ROWSET_PART_ROWS * 4 }; /* what one takes, about */
    uint64_t left = budget > *written ? budget - *written : 0, fit = left / PART_BYTES;
    uint32_t count = shard_span(to->number) >> SCHEMA_PART_BITS;
    struct changing all = {.db = db, .to = to, .from = (uint32_t)*part, .end = count};
    if (*part >= count)
        return 0;
    if (fit < count - all.from)
        all.end = all.from + (fit ? (uint32_t)fit : 1);
    struct shard_change change;
    int rc;
    while ((rc = source->next(source->ctx, &change, err)) == 1) {
        rc = change_rows(&all, change.key.number, change.lost, change.lost_count, false, err);
        if (!rc)
            rc = change_rows(&all, change.key.number, change.gained, change.gained_count, true, err);
        if (rc)
            break;
    }
    if (!rc)
        rc = put_parts(&all, written, err);
    for (size_t i = 0; i < PARTS_MAX; i++)
        free(all.parts[i]);
    if (rc)
        return rc;
    *part = all.end;
    return all.end < count;
}

/* ---- whole attributes ---- */

int shard_parts_drop(struct db *db, uint32_t attribute, struct error *err)
{
    return drop_parts(db, shard_part_id(attribute, 0), shard_part_id(attribute, SCHEMA_PARTS - 1), err);
}

static int map_part(struct db *db, int64_t id, shard_part_fn *map, struct error *err)
{
    CLEANUP_FREE struct column_values *values = mem_alloc(sizeof *values);
    uint64_t written = 0;
    int rc = read_part(db, id, values, err);
    if (rc)
        return rc;
    for (uint32_t row = 0; row < ROWSET_PART_ROWS; row++)
        if (values->present[row / 64] >> row % 64 & 1)
            values->values[row] = map(values->values[row]);
    return put_part(db, id, values, &written, err);
}

/* The first part from `id` on; 1, or 0: there is none up to `last`. */
static int find_part(struct db *db, int64_t *id, int64_t last, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_PARTS, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, *id);
    db_bind_number(stmt, 2, last);
    rc = db_step(db, stmt, err);
    if (rc == 1 && (rc = db_column_number(db, stmt, 0, *id, id, err)) == 0)
        rc = 1;
    sqlite3_reset(stmt);
    return rc;
}

int shard_parts_map(struct db *db, uint32_t attribute, shard_part_fn *map, struct error *err)
{
    int64_t id = shard_part_id(attribute, 0), last = shard_part_id(attribute, SCHEMA_PARTS - 1);
    int rc;
    while ((rc = find_part(db, &id, last, err)) == 1) {
        rc = map_part(db, id++, map, err);
        if (rc)
            break;
    }
    return rc;
}
