// SPDX-License-Identifier: Apache-2.0
/* Runs lead from a key or a hash to rows and objects; what they lead to is compared, for a hash may be out of
 * date. */
#include "index/catalog/catalog_known.h"

#include <string.h>

#include "cache/base/cursor.h"
#include "index/base/clip.h"
#include "index/catalog/groups/streams.h"
#include "index/catalog/hash/keys.h"
#include "index/catalog/reader.h"
#include "index/catalog/rows.h"

static int ready(struct catalog_reader *reader, struct error *err)
{
    int rc = reader_live(reader, err);
    return rc ? rc : reader_runs(reader, err);
}

static int read_row(struct catalog_reader *reader, uint32_t row, const char **ret_key,
                    struct catalog_known *ret, struct error *err)
{
    struct clips_row clip;
    struct ident_row ident;
    int rc = reader_row(reader, row, &clip, err);
    if (!rc)
        rc = clips_ident(reader->db, row, &ident, err);
    if (rc < 1)
        return rc ? rc : db_damaged(reader->db, err, "the fingerprint of row %u is missing", row);
    *ret = (struct catalog_known){.row = row, .live = rowset_contains(reader->live, row)};
    memcpy(ret->print, ident.print, CLIP_PRINT_BYTES);
    *ret_key = clip.key;
    return 0;
}

int catalog_known_key(struct catalog_reader *reader, const char *key, struct catalog_known *ret,
                      struct error *err)
{
    uint32_t row;
    const char *found = NULL;
    int rc = ready(reader, err);
    if (!rc)
        rc = keys_find(reader->db, &reader->runs, key, strlen(key), &row, err);
    if (rc < 1)
        return rc;
    rc = read_row(reader, row, &found, ret, err);
    return rc ? rc : 1;
}

bool catalog_known_has(const struct catalog_known *known, const uint8_t fingerprint[SHA256_BYTES])
{
    return !memcmp(known->print, fingerprint, CLIP_PRINT_BYTES);
}

/* ---- attributes ---- */

int catalog_known_former(struct catalog_reader *reader, const char *name, uint32_t *ret_id, struct error *err)
{
    sqlite3_stmt *stmt;
    int64_t id = CATALOG_DROPPED;
    int rc = db_query(reader->db, QUERY_FORMER, &stmt, err);
    if (rc)
        return rc;
    db_bind_text(stmt, 1, name, strlen(name));
    rc = db_step(reader->db, stmt, err);
    bool found = rc == 1;
    if (found && !db_column_null(stmt, 0))
        rc = db_column_number(reader->db, stmt, 0, 0, &id, err);
    sqlite3_reset(stmt);
    if (rc < 0 || !found)
        return rc < 0 ? rc : 0;
    if (id > UINT32_MAX)
        return db_damaged(reader->db, err, "the attribute that was '%s' is missing", name);
    *ret_id = (uint32_t)id;
    return 1;
}

/* The attribute that had this name before; NULL: none did, or it was dropped. */
static int find_former(struct catalog_reader *reader, const char *name, const struct attribute **ret,
                       struct error *err)
{
    uint32_t id;
    *ret = NULL;
    int rc = catalog_known_former(reader, name, &id, err);
    if (rc < 1 || id == CATALOG_DROPPED)
        return rc < 0 ? rc : 0;
    *ret = attributes_by_id(&reader->attributes, id);
    return *ret ? 0 : db_damaged(reader->db, err, "the attribute that was '%s' is missing", name);
}

int catalog_known_attribute(struct catalog_reader *reader, const char *name, struct catalog_attribute *ret,
                            struct error *err)
{
    int rc = reader_attributes(reader, err);
    if (rc)
        return rc;
    const struct attribute *attribute = attributes_by_name(&reader->attributes, name, strlen(name));
    if (!attribute)
        rc = find_former(reader, name, &attribute, err);
    if (rc)
        return rc;
    if (attribute)
        *ret = attribute->info;
    return attribute != NULL;
}

/* ---- by content ---- */

struct content_search {
    struct catalog_reader *reader;
    const uint8_t *fingerprint;
    catalog_known_fn *each;
    void *ctx;
};

static int is_content(void *ctx, uint32_t row, struct error *err)
{
    struct content_search *search = ctx;
    struct catalog_known known;
    const char *key = NULL;
    int rc = read_row(search->reader, row, &key, &known, err);
    if (rc || !catalog_known_has(&known, search->fingerprint))
        return rc;
    return search->each(search->ctx, key, &known, err);
}

int catalog_known_content(struct catalog_reader *reader, const uint8_t fingerprint[SHA256_BYTES],
                          catalog_known_fn *each, void *ctx, struct error *err)
{
    struct content_search search = {reader, fingerprint, each, ctx};
    struct cursor start = cursor_of(fingerprint, SHA256_BYTES);
    int rc = ready(reader, err);
    return rc ? rc
              : hash_runs_each(reader->db, &reader->runs, SCHEMA_HASH_FINGERPRINT, cursor_be32(&start),
                               is_content, &search, err);
}

/* ---- objects ---- */

struct object_search {
    struct catalog_reader *reader;
    uint32_t root;
    const char *path, *pin;
    uint64_t size;
};

static int is_object(void *ctx, uint32_t id, struct error *err)
{
    struct object_search *search = ctx;
    struct catalog_object object = {0};
    int rc = rows_object(search->reader->db, id, &object, err);
    if (rc < 1)
        return rc;
    bool same = object.root == search->root && !strcmp(object.path, search->path) &&
                (!search->pin || (object.size == search->size && !strcmp(object.pin, search->pin)));
    catalog_object_done(&object);
    return same;
}

int catalog_known_object(struct catalog_reader *reader, uint32_t root, const char *path, uint64_t size,
                         const char *pin, uint32_t *ret, struct error *err)
{
    struct object_search search = {.reader = reader, .root = root, .path = path, .pin = pin, .size = size};
    int rc = ready(reader, err);
    if (!rc)
        rc = hash_runs_find(
            reader->db, &reader->runs,
            &(struct hash_search){SCHEMA_HASH_OBJECT, rows_object_hash(root, path), is_object, &search}, ret,
            err);
    return rc;
}

struct objects_walk {
    struct catalog_reader *reader;
    uint32_t root;
    const char *path;
    catalog_object_fn *each;
    void *ctx;
};

static int walk_object(void *ctx, uint32_t id, struct error *err)
{
    struct objects_walk *walk = ctx;
    struct catalog_object object = {0};
    int rc = rows_object(walk->reader->db, id, &object, err);
    if (rc < 1)
        return rc;
    bool same = object.root == walk->root && !strcmp(object.path, walk->path);
    rc = same ? walk->each(walk->ctx, id, &object, err) : 0;
    catalog_object_done(&object);
    return rc;
}

int catalog_known_objects(struct catalog_reader *reader, uint32_t root, const char *path,
                          catalog_object_fn *each, void *ctx, struct error *err)
{
    struct objects_walk walk = {reader, root, path, each, ctx};
    int rc = ready(reader, err);
    return rc ? rc
              : hash_runs_each(reader->db, &reader->runs, SCHEMA_HASH_OBJECT, rows_object_hash(root, path),
                               walk_object, &walk, err);
}

int catalog_known_recording(struct catalog_reader *reader, uint32_t object, const char *container,
                            struct buf *buf, struct error *err)
{
    sqlite3_stmt *stmt;
    const char *is = NULL;
    int rc = db_query(reader->db, QUERY_RECORDING, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, object);
    rc = db_step(reader->db, stmt, err);
    bool found = rc == 1;
    const uint8_t *bytes = NULL;
    size_t len = 0;
    if (found)
        rc = db_column_text(reader->db, stmt, 0, &is, err);
    if (found && !rc)
        rc = db_column_bytes(reader->db, stmt, 1, &bytes, &len, err);
    found = found && !rc && !strcmp(is, container);
    if (found && packer_unpack(db_packer(reader->db), bytes, len, CLIP_BYTES_MAX, buf))
        rc = db_damaged(reader->db, err, "the recording of object %u cannot be expanded", object);
    sqlite3_reset(stmt);
    return rc < 0 ? rc : found;
}

int catalog_known_evidence(struct catalog_reader *reader, uint32_t object, uint64_t size,
                           struct evidence *ret, struct error *err)
{
    sqlite3_stmt *stmt;
    const uint8_t *bytes = NULL;
    size_t len = 0;
    int rc = db_query(reader->db, QUERY_EVIDENCE, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, object);
    rc = db_step(reader->db, stmt, err);
    bool found = rc == 1;
    if (found)
        rc = db_column_bytes(reader->db, stmt, 0, &bytes, &len, err);
    if (found && !rc && !evidence_decode(bytes, len, size, ret))
        rc = db_damaged(reader->db, err, "the evidence of object %u is none", object);
    sqlite3_reset(stmt);
    return rc < 0 ? rc : found;
}

struct stream_walk {
    struct catalog_reader *reader;
    bool reads;
    catalog_stream_fn *each;
    void *ctx;
};

static int walk_row(const struct stream_walk *walk, uint32_t row, const struct streams_row *streams,
                    struct error *err)
{
    int rc = 0;
    for (uint32_t i = 0; !rc && i < streams->count; i++) {
        const struct streams_entry *entry = &streams->list[i];
        if (entry->object != CATALOG_NO_OBJECT && (!walk->reads || streams_reads(entry)))
            rc = walk->each(walk->ctx, row, entry->object, err);
    }
    return rc;
}

static int walk_group(const struct stream_walk *walk, sqlite3_stmt *stmt, struct error *err)
{
    enum { ID, BYTES };
    struct db *db = walk->reader->db;
    struct streams_row rows[STREAMS_ROWS];
    const uint8_t *bytes;
    size_t len;
    int64_t id;
    int rc = db_column_number(db, stmt, ID, 0, &id, err);
    if (!rc)
        rc = db_column_bytes(db, stmt, BYTES, &bytes, &len, err);
    if (rc)
        return rc;
    if (id > UINT32_MAX >> STREAMS_ROW_BITS || streams_decode_all(bytes, len, rows))
        return db_damaged(db, err, "group %lld of streams is not in order", (long long)id);
    uint32_t first = (uint32_t)id << STREAMS_ROW_BITS;
    for (uint32_t i = 0; !rc && i < STREAMS_ROWS; i++)
        if (rows[i].count && rowset_contains(walk->reader->live, first + i))
            rc = walk_row(walk, first + i, &rows[i], err);
    streams_rows_done(rows);
    return rc;
}

static int walk_streams(struct catalog_reader *reader, bool reads, catalog_stream_fn *each, void *ctx,
                        struct error *err)
{
    const struct stream_walk walk = {reader, reads, each, ctx};
    sqlite3_stmt *stmt;
    int rc = ready(reader, err);
    if (!rc)
        rc = db_query(reader->db, QUERY_STREAMS, &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_step(reader->db, stmt, err)) == 1)
        if ((rc = walk_group(&walk, stmt, err)))
            break;
    sqlite3_reset(stmt);
    return rc;
}

int catalog_known_streams(struct catalog_reader *reader, catalog_stream_fn *each, void *ctx,
                          struct error *err)
{
    return walk_streams(reader, false, each, ctx, err);
}

int catalog_known_reads(struct catalog_reader *reader, catalog_stream_fn *each, void *ctx, struct error *err)
{
    return walk_streams(reader, true, each, ctx, err);
}
