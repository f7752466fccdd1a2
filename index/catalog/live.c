// SPDX-License-Identifier: Apache-2.0
/* Nearly all rows are live, and of most data sets all: only what differs is written. */
#include "index/catalog/live.h"

enum { PART_BITS = SCHEMA_PART_BITS };

static uint64_t end_of(uint64_t part, uint64_t rows)
{
    uint64_t end = (part + 1) << PART_BITS;
    return end < rows ? end : rows;
}

static int read_part(struct db *db, sqlite3_stmt *stmt, uint64_t rows, struct rowset *live, struct error *err)
{
    const uint8_t *bytes;
    size_t len;
    int64_t part;
    uint32_t outside;
    struct error why;
    CLEANUP_ROWSET struct rowset *set = NULL, *all = rowset_new();
    int rc = db_column_number(db, stmt, 0, 0, &part, err);
    if (!rc)
        rc = db_column_bytes(db, stmt, 1, &bytes, &len, err);
    if (rc)
        return rc;
    if (part >= SCHEMA_PARTS || (uint64_t)part << PART_BITS >= rows)
        return db_damaged(db, err, "live %lld: there is no such part", (long long)part);
    uint32_t first = (uint32_t)part << PART_BITS;
    if (rowset_decode("it", bytes, len, first, &set, &why))
        return db_damaged(db, err, "live %lld: %s", (long long)part, why.text);
    if (rowset_rows(set, end_of((uint64_t)part, rows), &outside, 1))
        return db_damaged(db, err, "live %lld: it has rows of other parts", (long long)part);
    rowset_add_range(all, first, end_of((uint64_t)part, rows));
    rowset_andnot(live, all);
    rowset_or(live, set);
    return 0;
}

int live_read(struct db *db, uint64_t rows, struct rowset **ret, struct error *err)
{
    sqlite3_stmt *stmt;
    CLEANUP_ROWSET struct rowset *live = rowset_new();
    rowset_add_range(live, 0, rows);
    int rc = db_query(db, QUERY_LIVE, &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_step(db, stmt, err)) == 1 && !(rc = read_part(db, stmt, rows, live, err)))
        ;
    sqlite3_reset(stmt);
    if (!rc)
        *ret = STEAL(live);
    return rc;
}

static int put_part(struct db *db, uint32_t part, uint64_t rows, const struct rowset *live, struct error *err)
{
    uint32_t first = part << PART_BITS;
    uint64_t end = end_of(part, rows);
    sqlite3_stmt *stmt;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    bool all = rowset_rank(live, end) - rowset_rank(live, first) == end - first;
    int rc = db_query(db, all ? QUERY_LIVE_DROP : QUERY_LIVE_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, part);
    if (!all) {
        rowset_encode_part(live, first, ((uint64_t)part + 1) << PART_BITS, &bytes);
        db_bind_bytes(stmt, 2, bytes.data, bytes.len);
    }
    return db_run(db, stmt, err);
}

int live_write(struct db *db, uint64_t rows_before, uint64_t rows, const struct rowset *live,
               const struct rowset *touched, struct error *err)
{
    CLEANUP_ROWSET struct rowset *parts = rowset_copy(touched);
    uint32_t row;
    int rc = 0;
    if (rows > rows_before) /* what meant all of a part would mean its new rows, too */
        rowset_add_range(parts, rows_before, rows);
    for (uint64_t from = 0; !rc && rowset_rows(parts, from, &row, 1);) {
        rc = put_part(db, row >> PART_BITS, rows, live, err);
        from = ((uint64_t)(row >> PART_BITS) + 1) << PART_BITS;
    }
    return rc;
}
