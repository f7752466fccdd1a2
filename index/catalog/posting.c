// SPDX-License-Identifier: Apache-2.0
/* Most values of most attributes are rare: a blob, a row and an id for each would cost more than its rows. */
#include "index/catalog/posting.h"

#include <assert.h>
#include <errno.h>

static int64_t shard_id(uint32_t number, uint32_t shard)
{
    return (int64_t)number * SCHEMA_SHARDS + shard;
}

static int read_shard(struct db *db, sqlite3_stmt *stmt, uint32_t number, struct rowset *rows,
                      struct error *err)
{
    const uint8_t *bytes;
    size_t len;
    int64_t id;
    struct error why;
    CLEANUP_ROWSET struct rowset *part = NULL;
    int rc = db_column_number(db, stmt, 0, shard_id(number, 0), &id, err);
    if (!rc)
        rc = db_column_bytes(db, stmt, 1, &bytes, &len, err);
    if (rc)
        return rc;
    uint32_t shard = (uint32_t)(id - shard_id(number, 0)) & (SCHEMA_SHARDS - 1);
    if (rowset_decode("a posting", bytes, len, shard << SCHEMA_SHARD_BITS, &part, &why))
        return db_damaged(db, err, "%s", why.text);
    rowset_or(rows, part);
    return 0;
}

int posting_read(struct db *db, uint32_t number, struct rowset **ret, struct error *err)
{
    sqlite3_stmt *stmt;
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    int rc = db_query(db, QUERY_POSTINGS, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, shard_id(number, 0));
    db_bind_number(stmt, 2, shard_id(number, SCHEMA_SHARDS - 1));
    while ((rc = db_step(db, stmt, err)) == 1 && !(rc = read_shard(db, stmt, number, rows, err)))
        ;
    if (!rc)
        *ret = STEAL(rows);
    return rc;
}

static int put_shard(struct db *db, uint32_t number, uint32_t shard, const struct rowset *rows,
                     struct error *err)
{
    uint64_t first = (uint64_t)shard << SCHEMA_SHARD_BITS, end = first + (1u << SCHEMA_SHARD_BITS);
    uint32_t member;
    bool empty = !rowset_rows(rows, first, &member, 1) || member >= end;
    sqlite3_stmt *stmt;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    int rc = db_query(db, empty ? QUERY_POSTING_DROP : QUERY_POSTING_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, shard_id(number, shard));
    if (empty) {
        db_bind_number(stmt, 2, shard_id(number, shard));
    } else {
        rowset_encode_part(rows, (uint32_t)first, end, &bytes);
        db_bind_bytes(stmt, 2, bytes.data, bytes.len);
    }
    return db_run(db, stmt, err);
}

int posting_write(struct db *db, uint32_t number, const struct rowset *rows, const struct rowset *touched,
                  struct error *err)
{
    uint32_t row;
    uint64_t from = 0;
    int rc = 0;
    while (!rc && rowset_rows(touched, from, &row, 1)) {
        uint32_t shard = row >> SCHEMA_SHARD_BITS;
        rc = put_shard(db, number, shard, rows, err);
        from = ((uint64_t)shard + 1) << SCHEMA_SHARD_BITS;
    }
    return rc;
}

int posting_drop(struct db *db, uint32_t number, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_POSTING_DROP, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, shard_id(number, 0));
    db_bind_number(stmt, 2, shard_id(number, SCHEMA_SHARDS - 1));
    return db_run(db, stmt, err);
}

int posting_value_read(struct db *db, sqlite3_stmt *stmt, enum value_type type, struct posting_value *ret,
                       struct error *err)
{
    enum { VALUE, CLIPS, FEW, POSTING };
    struct posting_value value = {0};
    int64_t clips, posting = 0;
    int rc = db_column_value(db, stmt, VALUE, type, &value.value, err);
    if (!rc)
        rc = db_column_number(db, stmt, CLIPS, 1, &clips, err);
    if (!rc && !db_column_null(stmt, FEW))
        rc = db_column_bytes(db, stmt, FEW, &value.few, &value.few_len, err);
    else if (!rc)
        rc = db_column_number(db, stmt, POSTING, 1, &posting, err);
    if (rc)
        return rc;
    if (clips > UINT32_MAX || posting > UINT32_MAX)
        return db_damaged(db, err, "a value's numbers are out of range");
    value.clips = (uint64_t)clips;
    value.posting = (uint32_t)posting;
    *ret = value;
    return 0;
}

int posting_value_rows(struct db *db, const struct posting_value *value, struct rowset *rows,
                       struct error *err)
{
    if (!value->few) {
        CLEANUP_ROWSET struct rowset *read = NULL;
        int rc = posting_read(db, value->posting, &read, err);
        if (!rc)
            rowset_or(rows, read);
        return rc;
    }
    struct cursor c = cursor_of(value->few, value->few_len);
    for (uint64_t row = 0, i = 0; cursor_left(&c); i++) {
        uint64_t step = cursor_varint(&c);
        if (c.failed || (i && !step) || step > UINT32_MAX || (row += step) > UINT32_MAX ||
            i == SCHEMA_FEW_ROWS)
            return db_damaged(db, err, "a value's rows are not in order");
        rowset_add(rows, (uint32_t)row);
    }
    return 0;
}

void posting_few(const struct rowset *rows, struct buf *buf)
{
    uint32_t few[SCHEMA_FEW_ROWS + 1], before = 0;
    size_t count = rowset_rows(rows, 0, few, SCHEMA_FEW_ROWS + 1);
    assert(count <= SCHEMA_FEW_ROWS);
    for (size_t i = 0; i < count; before = few[i++])
        buf_varint(buf, few[i] - before);
}
