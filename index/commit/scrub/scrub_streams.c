// SPDX-License-Identifier: Apache-2.0
/* Where the bytes of streams lie, and the objects that nobody else reads. A copy names the object that it was
 * made of by a hash (index/FORMAT.md, "Manifest"), which no stream does: that one goes with it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "index/catalog/groups/clips.h"
#include "index/catalog/groups/streams.h"
#include "index/catalog/pieces.h"
#include "index/catalog/rows.h"
#include "index/commit/scrub/scrub_state.h"

struct streams {
    struct streams_row rows[STREAMS_ROWS];
};

static void streams_done(struct streams *streams)
{
    streams_rows_done(streams->rows);
}

static int bad_group(struct db *db, int64_t group, struct error *err)
{
    return db_damaged(db, err, "the streams of the group %lld are not in order", (long long)group);
}

/* ---- rows ---- */

static void add_objects(const struct streams_row *row, struct rowset *objects)
{
    for (uint32_t i = 0; i < row->count; i++)
        if (row->list[i].object != CATALOG_NO_OBJECT)
            rowset_add(objects, row->list[i].object);
}

static int drop_extra(struct scrub *scrub, uint32_t row, struct error *err)
{
    int64_t first = (int64_t)row << SCHEMA_STREAM_BITS;
    int rc = db_drop_rows(scrub->db, QUERY_INLINES_DROP, first, first + (1 << SCHEMA_STREAM_BITS) - 1, err);
    return rc ? rc : pieces_drop(scrub->db, &pieces_extra, row, row, err);
}

static int scrub_group(struct scrub *scrub, uint32_t group, struct error *err)
{
    CLEANUP_BUF struct buf was = BUF_INIT, bytes = BUF_INIT;
    struct streams streams CLEANUP(streams_done) = {0};
    uint32_t first = group << STREAMS_ROW_BITS;
    int rc = clips_bytes(scrub->db, QUERY_STREAM, group, &was, err), found = rc;
    if (rc < 0)
        return rc;
    rc = 0;
    if (found && streams_decode_all(was.data, was.len, streams.rows))
        return bad_group(scrub->db, group, err);
    for (uint32_t i = 0; !rc && i < STREAMS_ROWS; i++) {
        if (!rowset_contains(scrub->rows, first + i))
            continue;
        free(streams.rows[i].list);
        streams.rows[i] = (struct streams_row){0};
        rc = drop_extra(scrub, first + i, err);
    }
    if (rc || !found)
        return rc;
    streams_encode(streams.rows, &bytes);
    return db_put_bytes(scrub->db, QUERY_STREAM_PUT, group, &bytes, err);
}

int scrub_streams(struct scrub *scrub, struct error *err)
{
    uint32_t row;
    int rc = 0;
    for (uint64_t from = 0; !rc && scrub_next(scrub, from, &row);
         from = ((uint64_t)(row >> STREAMS_ROW_BITS) + 1) << STREAMS_ROW_BITS)
        rc = scrub_group(scrub, row >> STREAMS_ROW_BITS, err);
    return rc;
}

static int find_in_group(struct db *db, uint32_t group, const struct rowset *rows, struct rowset *objects,
                         struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct streams streams CLEANUP(streams_done) = {0};
    int rc = clips_bytes(db, QUERY_STREAM, group, &bytes, err);
    if (rc < 1)
        return rc;
    if (streams_decode_all(bytes.data, bytes.len, streams.rows))
        return bad_group(db, group, err);
    for (uint32_t i = 0; i < STREAMS_ROWS; i++)
        if (rowset_contains(rows, group << STREAMS_ROW_BITS | i))
            add_objects(&streams.rows[i], objects);
    return 0;
}

int scrub_find_objects(struct overlay *file, const struct rowset *rows, struct rowset *objects,
                       struct error *err)
{
    CLEANUP_DB struct db *db = NULL;
    uint32_t row;
    int rc = db_open_overlay(file, &db, err);
    for (uint64_t from = 0; !rc && rowset_rows(rows, from, &row, 1);
         from = ((uint64_t)(row >> STREAMS_ROW_BITS) + 1) << STREAMS_ROW_BITS)
        rc = find_in_group(db, row >> STREAMS_ROW_BITS, rows, objects, err);
    return rc;
}

/* ---- objects ---- */

static int take_used(struct db *db, sqlite3_stmt *stmt, struct rowset *used, struct error *err)
{
    enum { ID, BYTES };
    struct streams streams CLEANUP(streams_done) = {0};
    int64_t group;
    const uint8_t *bytes;
    size_t len;
    int rc = db_column_number(db, stmt, ID, 0, &group, err);
    if (!rc)
        rc = db_column_bytes(db, stmt, BYTES, &bytes, &len, err);
    if (rc)
        return rc;
    if (streams_decode_all(bytes, len, streams.rows))
        return bad_group(db, group, err);
    for (uint32_t i = 0; i < STREAMS_ROWS; i++)
        add_objects(&streams.rows[i], used);
    return 0;
}

static int find_used(struct scrub *scrub, struct rowset *used, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(scrub->db, QUERY_STREAMS, &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_step(scrub->db, stmt, err)) == 1 && !(rc = take_used(scrub->db, stmt, used, err)))
        ;
    sqlite3_reset(stmt);
    return rc;
}

/* ---- what copies were made of ---- */

enum { COPY_BYTES = 16, COPY_DIGITS = 2 * COPY_BYTES };

/* The name of a copy, which says what it was made of; NULL: it is none. */
static const char *copy_name(const char *path)
{
    static const char copies[] = "elidefs/data/";
    if (strncmp(path, copies, sizeof copies - 1) != 0)
        return NULL;
    const char *name = strrchr(path, '/') + 1;
    return strlen(name) == COPY_DIGITS ? name : NULL;
}

static int take_copies(struct scrub *scrub, struct strmap *names, struct error *err)
{
    uint32_t id;
    int rc = 0;
    for (uint64_t from = 0; rc >= 0 && rowset_rows(scrub->objects, from, &id, 1); from = id + UINT64_C(1)) {
        struct catalog_object object = {0};
        rc = rows_object(scrub->db, id, &object, err);
        const char *name = rc == 1 ? copy_name(object.path) : NULL;
        if (name)
            strmap_put(names, name, COPY_DIGITS, NULL);
        catalog_object_done(&object);
    }
    return rc < 0 ? rc : 0;
}

/* A row of the table of objects. */
struct object_row {
    uint32_t id;
    int64_t size;
    const char *path, *pin;
};

/* The name that a copy of the object has. */
static void print_copy_name(const struct object_row *row, char ret_name[COPY_DIGITS + 1])
{
    CLEANUP_BUF struct buf what = BUF_INIT;
    uint8_t digest[SHA256_BYTES];
    buf_printf(&what, "%lld\n%s\n%s", (long long)row->size, row->pin, row->path);
    sha256_of(what.data, what.len, digest);
    hex_print(digest, COPY_BYTES, ret_name);
}

static int read_object_row(struct db *db, sqlite3_stmt *stmt, struct object_row *ret, struct error *err)
{
    enum { ID, PATH, SIZE, PIN };
    int64_t id;
    int rc = db_column_number(db, stmt, ID, 0, &id, err);
    if (!rc)
        rc = db_column_number(db, stmt, SIZE, 0, &ret->size, err);
    if (!rc)
        rc = db_column_text(db, stmt, PATH, &ret->path, err);
    if (!rc)
        rc = db_column_text(db, stmt, PIN, &ret->pin, err);
    if (!rc && id >= UINT32_MAX)
        rc = db_damaged(db, err, "an object has the number %lld", (long long)id);
    if (!rc)
        ret->id = (uint32_t)id;
    return rc;
}

struct copies {
    struct scrub *scrub;
    const struct rowset *used;
    struct strmap *names;
};

static int each_object(struct copies *copies,
                       void (*take)(struct copies *copies, const struct object_row *row), struct error *err)
{
    struct db *db = copies->scrub->db;
    struct object_row row;
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_OBJECTS, &stmt, err);
    if (rc)
        return rc;
    while ((rc = db_step(db, stmt, err)) == 1 && !(rc = read_object_row(db, stmt, &row, err)))
        take(copies, &row);
    sqlite3_reset(stmt);
    return rc;
}

static void add_origin(struct copies *copies, const struct object_row *row)
{
    char name[COPY_DIGITS + 1];
    print_copy_name(row, name);
    if (strmap_find(copies->names, name, COPY_DIGITS))
        rowset_add(copies->scrub->objects, row->id);
}

static int find_origins(struct scrub *scrub, struct error *err)
{
    CLEANUP_STRMAP struct strmap *names = strmap_new();
    struct copies copies = {.scrub = scrub, .names = names};
    int rc = take_copies(scrub, names, err);
    return rc || !strmap_count(names) ? rc : each_object(&copies, add_origin, err);
}

/* ---- what nothing reads ---- */

static void add_unread(struct copies *copies, const struct object_row *row)
{
    if (!rowset_contains(copies->used, row->id)) {
        rowset_add(copies->scrub->objects, row->id);
        return;
    }
    const char *name = copy_name(row->path);
    if (name)
        strmap_put(copies->names, name, COPY_DIGITS, NULL);
}

static void keep_origin(struct copies *copies, const struct object_row *row)
{
    char name[COPY_DIGITS + 1];
    if (!rowset_contains(copies->scrub->objects, row->id))
        return;
    print_copy_name(row, name);
    if (strmap_find(copies->names, name, COPY_DIGITS))
        rowset_remove(copies->scrub->objects, row->id);
}

/* All but what copies that are read were made of. */
static int find_unread(struct scrub *scrub, const struct rowset *used, struct error *err)
{
    CLEANUP_STRMAP struct strmap *names = strmap_new();
    struct copies copies = {scrub, used, names};
    int rc = each_object(&copies, add_unread, err);
    return rc || !strmap_count(names) ? rc : each_object(&copies, keep_origin, err);
}

static int find_objects(struct scrub *scrub, struct error *err)
{
    const struct scrub_options *options = scrub->options;
    CLEANUP_ROWSET struct rowset *used = rowset_new();
    int rc = rowset_empty(options->objects) && !options->unread ? 0 : find_used(scrub, used, err);
    rowset_andnot(scrub->objects, used);
    if (!rc)
        rc = options->unread ? find_unread(scrub, used, err) : find_origins(scrub, err);
    rowset_andnot(scrub->objects, used);
    return rc;
}

int scrub_objects(struct scrub *scrub, struct error *err)
{
    uint32_t id;
    scrub->objects = rowset_copy(scrub->options->objects);
    int rc = find_objects(scrub, err);
    for (uint64_t from = 0; !rc && rowset_rows(scrub->objects, from, &id, 1); from = id + UINT64_C(1)) {
        rc = db_drop_rows(scrub->db, QUERY_OBJECT_DROP, id, id, err);
        if (!rc)
            rc = db_drop_rows(scrub->db, QUERY_RECORDING_DROP, id, id, err);
        if (!rc)
            rc = db_drop_rows(scrub->db, QUERY_EVIDENCE_DROP, id, id, err);
    }
    scrub->counts.objects = rowset_count(scrub->objects);
    return rc;
}
