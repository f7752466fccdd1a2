// SPDX-License-Identifier: Apache-2.0
/* What a row says is checked here once, for readers and for apply. */
#include "index/catalog/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/extent.h"
#include "index/base/clip.h"
#include "index/base/name.h"
#include "index/catalog/files.h"

/* The row of a query with one number bound. The statement is left at its row; 1, 0 or -errno. */
static int find(struct db *db, enum schema_query query, int64_t number, sqlite3_stmt **ret, struct error *err)
{
    int rc = db_query(db, query, ret, err);
    if (rc)
        return rc;
    db_bind_number(*ret, 1, number);
    return db_step(db, *ret, err);
}

/* ---- clips ---- */

enum clip_column { KEY, T0, T1, H64, FINGERPRINT, JSON_SIZE, JSON_CHANGED, FILES };

static int read_time(struct db *db, sqlite3_stmt *stmt, int at, int64_t *ret, struct error *err)
{
    *ret = CLIP_NO_TIME;
    return db_column_null(stmt, at) ? 0 : db_column_number(db, stmt, at, INT64_MIN, ret, err);
}

static int read_numbers(struct db *db, sqlite3_stmt *stmt, struct rows_clip *clip, struct error *err)
{
    int64_t h64, json_size, json_changed;
    int rc = db_column_number(db, stmt, H64, INT64_MIN, &h64, err);
    if (!rc)
        rc = db_column_number(db, stmt, JSON_SIZE, 0, &json_size, err);
    if (!rc)
        rc = db_column_number(db, stmt, JSON_CHANGED, 0, &json_changed, err);
    if (!rc)
        rc = read_time(db, stmt, T0, &clip->t0_ns, err);
    if (!rc)
        rc = read_time(db, stmt, T1, &clip->t1_ns, err);
    if (rc)
        return rc;
    if (json_changed > UINT32_MAX)
        return db_damaged(db, err, "a clip's version is out of range");
    clip->h64 = (uint64_t)h64;
    clip->json_size = (uint64_t)json_size;
    clip->json_changed = (uint32_t)json_changed;
    return 0;
}

static int read_clip(struct db *db, sqlite3_stmt *stmt, struct rows_clip *clip, struct error *err)
{
    const uint8_t *files;
    size_t len, fingerprint_len;
    int rc = db_column_text(db, stmt, KEY, &clip->key, err);
    if (!rc)
        rc = db_column_bytes(db, stmt, FILES, &files, &len, err);
    if (!rc)
        rc = db_column_bytes(db, stmt, FINGERPRINT, &clip->fingerprint, &fingerprint_len, err);
    if (!rc)
        rc = read_numbers(db, stmt, clip, err);
    if (rc)
        return rc;
    if (name_check(clip->key, strlen(clip->key), NULL))
        return db_damaged(db, err, "a clip's key is none");
    if (fingerprint_len != SHA256_BYTES)
        return db_damaged(db, err, "the fingerprint of the clip '%s' is none", clip->key);
    if (files_decode(clip->key, files, len, clip->files, &clip->file_count))
        return db_damaged(db, err, "the files of the clip '%s' are not in order", clip->key);
    return 0;
}

int rows_clip(struct db *db, uint32_t row, struct catalog_file *files, struct rows_clip *ret,
              struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = find(db, QUERY_CLIP, row, &stmt, err);
    if (rc < 1)
        return rc;
    struct rows_clip clip = {.files = files};
    rc = read_clip(db, stmt, &clip, err);
    if (rc)
        return rc;
    *ret = clip;
    return 1;
}

/* ---- streams ---- */

static bool decode_pieces(struct cursor c, struct catalog_stream *stream)
{
    size_t cap = 0;
    uint64_t sum = 0;
    while (cursor_left(&c)) {
        struct catalog_piece piece = {.kind = (enum extent_kind)cursor_u8(&c)};
        piece.offset = cursor_varint(&c);
        piece.len = cursor_varint(&c);
        bool known = piece.kind == EXTENT_OBJECT || piece.kind == EXTENT_INLINE || piece.kind == EXTENT_ZERO;
        uint64_t room = piece.kind == EXTENT_INLINE ? stream->inline_bytes.len : INT64_MAX;
        if (c.failed || !known || !piece.len || piece.offset > room || piece.len > room - piece.offset ||
            (piece.kind == EXTENT_OBJECT && stream->object == CATALOG_NO_OBJECT) ||
            __builtin_add_overflow(sum, piece.len, &sum))
            return false;
        mem_grow(&stream->pieces, &cap, stream->piece_count + 1, sizeof *stream->pieces);
        stream->pieces[stream->piece_count++] = piece;
    }
    return sum == stream->size;
}

static int copy_text(struct db *db, sqlite3_stmt *stmt, int at, char *to, size_t size, struct error *err)
{
    const char *text;
    int rc = db_column_text(db, stmt, at, &text, err);
    if (rc)
        return rc;
    if (strlen(text) >= size)
        return db_damaged(db, err, "a stream's text is too long");
    memcpy(to, text, strlen(text) + 1);
    return 0;
}

static int read_stream(struct db *db, sqlite3_stmt *stmt, struct catalog_stream *stream, struct error *err)
{
    enum { CONTAINER, OBJECT, PREROLL, REASON, PIECES, INLINE };
    const uint8_t *pieces, *packed;
    size_t pieces_len, packed_len;
    int64_t object = CATALOG_NO_OBJECT;
    int rc = copy_text(db, stmt, CONTAINER, stream->container, sizeof stream->container, err);
    if (!rc)
        rc = copy_text(db, stmt, REASON, stream->reason, sizeof stream->reason, err);
    if (!rc)
        rc = db_column_number(db, stmt, PREROLL, INT64_MIN, &stream->preroll_ns, err);
    if (!rc && !db_column_null(stmt, OBJECT))
        rc = db_column_number(db, stmt, OBJECT, 0, &object, err);
    if (!rc)
        rc = db_column_bytes(db, stmt, PIECES, &pieces, &pieces_len, err);
    if (!rc)
        rc = db_column_bytes(db, stmt, INLINE, &packed, &packed_len, err);
    if (rc)
        return rc;
    stream->object = object > UINT32_MAX ? CATALOG_NO_OBJECT : (uint32_t)object;
    if (packer_unpack(db_packer(db), packed, packed_len, CLIP_BYTES_MAX, &stream->inline_bytes))
        return db_damaged(db, err, "the header of a stream cannot be expanded");
    return decode_pieces(cursor_of(pieces, pieces_len), stream)
               ? 0
               : db_damaged(db, err, "the pieces of a stream do not fit");
}

int rows_stream(struct db *db, int64_t id, uint64_t size, struct catalog_stream *ret, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = find(db, QUERY_STREAM, id, &stmt, err);
    if (rc < 1)
        return rc;
    struct catalog_stream stream = {.size = size};
    rc = read_stream(db, stmt, &stream, err);
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
        return db_damaged(db, err, "an object's root is out of range");
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

uint64_t rows_object_hash(uint32_t root, const char *path)
{
    static const uint8_t zero_key[16];
    CLEANUP_BUF struct buf name = BUF_INIT;
    buf_le32(&name, root);
    buf_text_append(&name, path);
    return siphash24(zero_key, name.data, name.len);
}

int rows_extra(struct db *db, uint32_t row, struct buf *buf, struct error *err)
{
    sqlite3_stmt *stmt;
    const uint8_t *bytes;
    size_t len;
    int rc = find(db, QUERY_EXTRA, row, &stmt, err);
    if (rc < 1)
        return rc;
    rc = db_column_bytes(db, stmt, 0, &bytes, &len, err);
    if (!rc && packer_unpack(db_packer(db), bytes, len, CLIP_BYTES_MAX, buf))
        rc = db_damaged(db, err, "the extra of row %u cannot be expanded", row);
    sqlite3_reset(stmt);
    return rc ? rc : 1;
}
