// SPDX-License-Identifier: Apache-2.0
/* What a row says is checked here once, for readers and for apply. */
#include "index/catalog/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "index/base/clip.h"
#include "index/catalog/groups/streams.h"
#include "index/catalog/pieces.h"

/* The row of a query with one number bound. The statement is left at its row; 1, 0 or -errno. */
static int find(struct db *db, enum schema_query query, int64_t number, sqlite3_stmt **ret, struct error *err)
{
    int rc = db_query(db, query, ret, err);
    if (rc)
        return rc;
    db_bind_number(*ret, 1, number);
    return db_step(db, *ret, err);
}

/* ---- streams ---- */

static int take_text(struct db *db, int64_t id, const char *text, char *to, size_t size, struct error *err)
{
    if (strlen(text) >= size)
        return db_damaged(db, err, "a text of a stream of row %lld is too long",
                          (long long)(id >> SCHEMA_STREAM_BITS));
    memcpy(to, text, strlen(text) + 1);
    return 0;
}

static int read_inline(struct db *db, int64_t id, size_t len, struct buf *ret, struct error *err)
{
    sqlite3_stmt *stmt;
    const uint8_t *packed = NULL;
    size_t packed_len = 0;
    int rc = find(db, QUERY_INLINE, id, &stmt, err);
    if (rc < 0)
        return rc;
    bool found = rc;
    rc = found ? db_column_bytes(db, stmt, 0, &packed, &packed_len, err) : 0;
    if (!rc && (!found || packer_unpack(db_packer(db), packed, packed_len, len, ret) || ret->len != len))
        rc = db_damaged(db, err, "the header of a stream of row %lld is missing or cannot be expanded",
                        (long long)(id >> SCHEMA_STREAM_BITS));
    sqlite3_reset(stmt);
    return rc;
}

static int take_stream(struct db *db, const struct streams_entry *entry, int64_t id,
                       struct catalog_stream *stream, struct error *err)
{
    int rc = take_text(db, id, entry->container, stream->container, sizeof stream->container, err);
    if (!rc)
        rc = take_text(db, id, entry->reason, stream->reason, sizeof stream->reason, err);
    stream->preroll_ns = entry->preroll_ns;
    stream->object = entry->object;
    if (!rc && entry->inline_bytes)
        buf_append(&stream->inline_bytes, entry->inline_bytes, entry->inline_len);
    else if (!rc)
        rc = read_inline(db, id, entry->inline_len, &stream->inline_bytes, err);
    if (!rc && !streams_give_pieces(entry, stream))
        rc = db_damaged(db, err, "the pieces of a stream of row %lld do not fit",
                        (long long)(id >> SCHEMA_STREAM_BITS));
    return rc;
}

static int decode_stream(struct db *db, sqlite3_stmt *stmt, uint32_t row, uint32_t number,
                         struct catalog_stream *stream, struct error *err)
{
    struct streams_entry entry;
    const uint8_t *bytes;
    size_t len;
    int rc = db_column_bytes(db, stmt, 0, &bytes, &len, err);
    if (rc)
        return rc;
    if (streams_decode(bytes, len, row % STREAMS_ROWS, number, &entry))
        return db_damaged(db, err, "the streams of row %u and its neighbours are not in order", row);
    return take_stream(db, &entry, (int64_t)row << SCHEMA_STREAM_BITS | number, stream, err);
}

int rows_stream(struct db *db, uint32_t row, uint32_t number, uint64_t size, struct catalog_stream *ret,
                struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = find(db, QUERY_STREAM, row >> STREAMS_ROW_BITS, &stmt, err);
    if (rc < 1)
        return rc;
    struct catalog_stream stream = {.size = size};
    rc = decode_stream(db, stmt, row, number, &stream, err);
    sqlite3_reset(stmt);
    if (rc) {
        catalog_stream_done(&stream);
        return rc;
    }
    *ret = stream;
    return 1;
}

/* ---- objects and extras ---- */

static int read_object(struct db *db, sqlite3_stmt *stmt, struct catalog_object *ret, struct error *err)
{
    enum { ROOT, PATH, SIZE, PIN };
    int64_t root, size;
    const char *path, *pin;
    int rc = db_column_number(db, stmt, ROOT, 0, &root, err);
    if (!rc)
        rc = db_column_number(db, stmt, SIZE, 0, &size, err);
    if (!rc)
        rc = db_column_text(db, stmt, PATH, &path, err);
    if (!rc)
        rc = db_column_text(db, stmt, PIN, &pin, err);
    if (rc)
        return rc;
    if (root > UINT32_MAX)
        return db_damaged_row(db, stmt, err, "the root is out of range");
    *ret = (struct catalog_object){(uint32_t)root, (uint64_t)size, mem_text(path), mem_text(pin)};
    return 0;
}

int rows_object(struct db *db, uint32_t id, struct catalog_object *ret, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = find(db, QUERY_OBJECT, id, &stmt, err);
    if (rc < 1)
        return rc;
    rc = read_object(db, stmt, ret, err);
    sqlite3_reset(stmt);
    return rc ? rc : 1;
}

uint32_t rows_object_hash(uint32_t root, const char *path)
{
    static const uint8_t zero_key[16];
    CLEANUP_BUF struct buf name = BUF_INIT;
    buf_le32(&name, root);
    buf_text_append(&name, path);
    return (uint32_t)(siphash24(zero_key, name.data, name.len) >> 32);
}

int rows_extra(struct db *db, uint32_t row, struct buf *buf, struct error *err)
{
    CLEANUP_BUF struct buf packed = BUF_INIT;
    int rc = pieces_read(db, &pieces_extra, row, &packed, err);
    if (rc < 0 || (!rc && !packed.len))
        return rc;
    if (!rc || packer_unpack(db_packer(db), packed.data, packed.len, CLIP_BYTES_MAX, buf))
        return db_damaged(db, err, "the extra of row %u cannot be expanded", row);
    return 1;
}
