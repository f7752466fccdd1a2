// SPDX-License-Identifier: Apache-2.0
/* The last piece is known by its length, so no row behind it is looked for. */
#include "index/catalog/pieces.h"

#include <errno.h>

const struct pieces pieces_posting = {QUERY_POSTING, QUERY_POSTING_PUT, QUERY_POSTING_DROP,
                                      SCHEMA_POSTING_PIECE_BITS};
const struct pieces pieces_codes = {QUERY_CODES, QUERY_CODES_PUT, QUERY_CODES_DROP, SCHEMA_CODES_PIECE_BITS};
const struct pieces pieces_growth = {QUERY_GROWTHS, QUERY_GROWTH_PUT, QUERY_GROWTHS_DROP,
                                     SCHEMA_GROWTH_PIECE_BITS};
const int64_t pieces_growth_ids[2] = {0, SCHEMA_VERSIONS_MAX - 1};
const struct pieces pieces_run = {QUERY_RUN, QUERY_RUN_PUT, QUERY_RUN_DROP, SCHEMA_RUN_PIECE_BITS};
const struct pieces pieces_extra = {QUERY_EXTRA, QUERY_EXTRA_PUT, QUERY_EXTRA_DROP, SCHEMA_EXTRA_PIECE_BITS};
const struct pieces pieces_file = {QUERY_FILE, QUERY_FILE_PUT, QUERY_FILES_DROP, SCHEMA_FILE_PIECE_BITS};

enum { LAST, NOT_LAST, NOT_WHOLE };

/* Piece `id` of a value. One of these, or -errno. */
static int take_piece(struct db *db, sqlite3_stmt *stmt, int64_t id, struct buf *buf, struct error *err)
{
    enum { ID, BYTES };
    const uint8_t *bytes;
    size_t len;
    int64_t own;
    int rc = db_column_number(db, stmt, ID, INT64_MIN, &own, err); /* below 0 in shards from 2^31 rows on */
    if (!rc)
        rc = db_column_bytes(db, stmt, BYTES, &bytes, &len, err);
    if (rc)
        return rc;
    if (own != id || len > PIECE_BYTES)
        return NOT_WHOLE;
    buf_append(buf, bytes, len);
    return len == PIECE_BYTES ? NOT_LAST : LAST;
}

int pieces_read(struct db *db, const struct pieces *of, int64_t id, struct buf *buf, struct error *err)
{
    int64_t at = pieces_first(of, id);
    sqlite3_stmt *stmt;
    int rc = db_query(db, of->get, &stmt, err), taken = NOT_LAST;
    if (rc)
        return rc;
    db_bind_number(stmt, 1, at);
    db_bind_number(stmt, 2, pieces_last(of, id));
    while (taken == NOT_LAST && (rc = db_step(db, stmt, err)) == 1)
        taken = take_piece(db, stmt, at++, buf, err);
    sqlite3_reset(stmt);
    return rc < 0 ? rc : taken < 0 ? taken : taken == LAST;
}

static int64_t row_id(sqlite3_stmt *stmt)
{
    return sqlite3_column_int64(stmt, 0); /* its type is checked with the piece */
}

int pieces_each(struct db *db, const struct pieces *of, const int64_t ids[2], pieces_fn *each, void *ctx,
                struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    sqlite3_stmt *stmt;
    int64_t at = 0;
    int rc = db_query(db, of->get, &stmt, err), taken = LAST;
    if (rc)
        return rc;
    db_bind_number(stmt, 1, pieces_first(of, ids[0]));
    db_bind_number(stmt, 2, pieces_last(of, ids[1]));
    while ((rc = db_step(db, stmt, err)) == 1) {
        if (taken == LAST) {
            at = pieces_first(of, row_id(stmt) >> of->bits);
            buf_clear(&bytes);
        }
        taken = take_piece(db, stmt, at++, &bytes, err);
        rc = taken == LAST ? each(ctx, (at - 1) >> of->bits, &bytes, err) : taken < 0 ? taken : 0;
        if (rc || taken == NOT_WHOLE)
            break;
    }
    sqlite3_reset(stmt);
    return rc < 0 ? rc : taken == LAST;
}

int pieces_put(struct db *db, const struct pieces *of, int64_t id, const void *bytes, size_t len,
               struct error *err)
{
    uint64_t count = len / PIECE_BYTES + 1;
    if (count > UINT64_C(1) << of->bits)
        return error_set(err, EFBIG, "a value of %zu bytes is too long for its table", len);
    int64_t first = pieces_first(of, id);
    int rc = 0;
    for (uint64_t i = 0; !rc && i < count; i++) {
        size_t at = i * PIECE_BYTES, left = len - at;
        sqlite3_stmt *stmt;
        rc = db_query(db, of->put, &stmt, err);
        if (rc)
            return rc;
        db_bind_number(stmt, 1, first + (int64_t)i);
        db_bind_bytes(stmt, 2, (const uint8_t *)bytes + at, left < PIECE_BYTES ? left : PIECE_BYTES);
        rc = db_run(db, stmt, err);
    }
    int64_t behind = first + (int64_t)count, last = pieces_last(of, id);
    return rc || behind > last ? rc : db_drop_rows(db, of->drop, behind, last, err);
}

int pieces_drop(struct db *db, const struct pieces *of, int64_t first, int64_t last, struct error *err)
{
    return db_drop_rows(db, of->drop, pieces_first(of, first), pieces_last(of, last), err);
}
