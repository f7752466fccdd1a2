// SPDX-License-Identifier: Apache-2.0
/* Opening a catalog costs no read: connections are made when readers are taken, and read the schema then.
 * Readers go back to the catalog with their statements and pages, so a steady load opens no connection. */
#include "index/catalog/catalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/live.h"
#include "index/catalog/reader.h"
#include "index/catalog/vfs.h"

static struct catalog *catalog_new(const char *name)
{
    struct catalog *catalog = MEM_NEW(struct catalog);
    atomic_init(&catalog->refs, 1);
    catalog->name = mem_text(name);
    pthread_mutex_init(&catalog->lock, NULL);
    patch_pool_init(&catalog->patch_indices);
    return catalog;
}

int catalog_open_path(const char *path, struct catalog **ret, struct error *err)
{
    if (access(path, R_OK))
        return error_set(err, errno, "%s: %s", path, strerror(errno));
    struct catalog *catalog = catalog_new(path);
    catalog->path = mem_text(path);
    *ret = catalog;
    return 0;
}

struct catalog *catalog_open_pages(struct pages *pages)
{
    struct catalog *catalog = catalog_new(pages_name(pages));
    catalog->pages = pages_ref(pages);
    return catalog;
}

void catalog_set_siblings(struct catalog *catalog, catalog_sibling_fn *open, void *ctx)
{
    catalog->open_sibling = open;
    catalog->sibling_ctx = ctx;
}

struct catalog *catalog_ref(struct catalog *catalog)
{
    atomic_fetch_add(&catalog->refs, 1);
    return catalog;
}

static void forget_shards(struct catalog_reader *reader)
{
    while (reader->shards_count) {
        struct reader_shards *own = reader->shards[--reader->shards_count];
        shards_done(&own->shards);
        free(own);
    }
    reader->shards_bytes = 0;
}

static void reader_free(struct catalog_reader *reader)
{
    db_close(reader->db);
    rowset_unref(reader->live);
    forget_shards(reader);
    free(reader->shards);
    attributes_done(&reader->attributes);
    attributes_done(&reader->first);
    cells_done(&reader->cells);
    ahead_done(&reader->ahead);
    free(reader->which);
    record_group_done(&reader->group);
    record_values_done(&reader->by_id);
    record_values_done(&reader->values);
    lists_done(&reader->lists);
    record_group_done(&reader->event_group);
    events_done(&reader->events);
    origins_done(&reader->origins);
    clips_done(&reader->clips);
    hash_runs_done(&reader->runs);
    sourced_done(&reader->sourced);
    buf_done(&reader->text);
    free(reader);
}

void catalog_unref(struct catalog *catalog)
{
    if (!catalog || atomic_fetch_sub(&catalog->refs, 1) != 1)
        return;
    while (catalog->idle) {
        struct catalog_reader *reader = catalog->idle;
        catalog->idle = reader->next;
        reader_free(reader);
    }
    rowset_unref(catalog->live);
    if (catalog->growth)
        json_growth_done(catalog->growth);
    free(catalog->growth);
    pages_unref(catalog->pages);
    patch_pool_done(&catalog->patch_indices);
    pthread_mutex_destroy(&catalog->lock);
    free(catalog->name);
    free(catalog->path);
    free(catalog);
}

static int open_db(struct catalog *catalog, const struct catalog_patience *patience, struct db **ret,
                   struct error *err)
{
    return catalog->pages ? db_open_pages(catalog->pages, catalog->name, patience, ret, err)
                          : db_open_path(catalog->path, catalog->name, patience, ret, err);
}

static int reader_new(struct catalog *catalog, const struct catalog_patience *patience,
                      struct catalog_reader **ret, struct error *err)
{
    struct db *db = NULL;
    int rc = open_db(catalog, patience, &db, err);
    if (rc)
        return rc;
    struct catalog_reader *reader = MEM_NEW(struct catalog_reader);
    reader->db = db;
    reader->group = RECORD_GROUP_INIT;
    reader->event_group = RECORD_GROUP_EVENTS;
    reader->cells.pool = &catalog->patch_indices;
    *ret = reader;
    return 0;
}

int catalog_reader_acquire(struct catalog *catalog, const struct catalog_patience *patience,
                           struct catalog_reader **ret, struct error *err)
{
    pthread_mutex_lock(&catalog->lock);
    struct catalog_reader *reader = catalog->idle;
    if (reader)
        catalog->idle = reader->next;
    pthread_mutex_unlock(&catalog->lock);
    int rc = reader ? 0 : reader_new(catalog, patience, &reader, err);
    if (rc)
        return rc;
    reader->next = NULL;
    reader->catalog = catalog_ref(catalog);
    db_set_patience(reader->db, patience);
    *ret = reader;
    return 0;
}

bool catalog_reader_nowait(const struct catalog_reader *reader)
{
    return db_nowait(reader->db);
}

int catalog_reader_sibling(struct catalog_reader *reader, uint32_t version, struct catalog_reader **ret,
                           struct error *err)
{
    const struct catalog *catalog = reader->catalog;
    const struct catalog_patience *patience = db_patience(reader->db);
    CLEANUP_CATALOG struct catalog *sibling = NULL;
    if (!catalog->open_sibling)
        return error_set(err, ENOTSUP, "catalog %s: other versions are not known here", catalog->name);
    int rc = patience_check(patience, err);
    if (rc >= 0)
        rc = catalog->open_sibling(catalog->sibling_ctx, version, patience, &sibling, err);
    return rc < 0 ? rc : catalog_reader_acquire(sibling, patience, ret, err);
}

void catalog_reader_release(struct catalog_reader *reader)
{
    if (!reader)
        return;
    struct catalog *catalog = STEAL(reader->catalog);
    reader->values_of = 0;
    cells_trim(&reader->cells);
    pthread_mutex_lock(&catalog->lock);
    reader->next = catalog->idle;
    catalog->idle = reader;
    pthread_mutex_unlock(&catalog->lock);
    catalog_unref(catalog);
}

/* ---- the version ---- */

int catalog_info(struct catalog_reader *reader, struct catalog_info *ret, struct error *err)
{
    if (!reader->has_info) {
        int64_t version, rows, clips, sealed, next_attribute;
        int rc = db_meta(reader->db, "version", &version, err);
        if (!rc)
            rc = db_meta(reader->db, "rows", &rows, err);
        if (!rc)
            rc = db_meta(reader->db, "clips", &clips, err);
        if (!rc)
            rc = db_meta(reader->db, "sealed", &sealed, err);
        if (!rc)
            rc = db_meta(reader->db, "next_attribute", &next_attribute, err);
        if (rc)
            return rc;
        if (version >= SCHEMA_VERSIONS_MAX || rows > UINT32_MAX || clips > rows || sealed > rows ||
            next_attribute > SCHEMA_ATTRIBUTES_MAX)
            return db_damaged(reader->db, err, "its counts in 'meta' are out of range");
        reader->info = (struct catalog_info){(uint32_t)version, (uint32_t)rows, (uint64_t)clips};
        reader->sealed = (uint32_t)sealed;
        reader->next_attribute = (uint32_t)next_attribute;
        reader->has_info = true;
    }
    *ret = reader->info;
    return 0;
}

int catalog_commit_time(struct catalog_reader *reader, uint32_t version, int64_t *ret_ns, struct error *err)
{
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (!rc && version > info.version)
        return db_damaged(reader->db, err, "something in it is of version %u", version);
    if (!rc)
        rc = db_number(reader->db, QUERY_VERSION_TIME, version, ret_ns, err);
    return rc == -ENOENT ? db_damaged(reader->db, err, "the time of version %u is missing", version) : rc;
}

/* The set is read outside the lock; should two readers do so at once, the second set is dropped. */
static void share_live(struct catalog_reader *reader, struct rowset *rows)
{
    struct catalog *catalog = reader->catalog;
    pthread_mutex_lock(&catalog->lock);
    if (!catalog->live)
        catalog->live = rowset_ref(rows);
    reader->live = rowset_ref(catalog->live);
    pthread_mutex_unlock(&catalog->lock);
}

static bool take_live(struct catalog_reader *reader)
{
    pthread_mutex_lock(&reader->catalog->lock);
    if (reader->catalog->live)
        reader->live = rowset_ref(reader->catalog->live);
    pthread_mutex_unlock(&reader->catalog->lock);
    return reader->live;
}

int reader_live(struct catalog_reader *reader, struct error *err)
{
    if (reader->live || take_live(reader))
        return 0;
    struct catalog_info info;
    CLEANUP_ROWSET struct rowset *rows = NULL;
    int rc = catalog_info(reader, &info, err);
    if (!rc)
        rc = live_read(reader->db, info.rows, &rows, err);
    if (rc)
        return rc;
    if (rowset_count(rows) != info.clips)
        return db_damaged(reader->db, err, "its live rows are not as many as it says");
    share_live(reader, rows);
    return 0;
}

int catalog_live(struct catalog_reader *reader, struct rowset **ret, struct error *err)
{
    int rc = reader_live(reader, err);
    if (!rc)
        *ret = rowset_ref(reader->live);
    return rc;
}

/* As above: it is read outside the lock. */
int reader_growth(struct catalog_reader *reader, struct error *err)
{
    struct catalog *catalog = reader->catalog;
    struct json_growth growth;
    if (reader->growth)
        return 0;
    pthread_mutex_lock(&catalog->lock);
    reader->growth = catalog->growth;
    pthread_mutex_unlock(&catalog->lock);
    int rc = reader->growth ? 0 : clips_growth(reader->db, &growth, err);
    if (rc || reader->growth)
        return rc;
    pthread_mutex_lock(&catalog->lock);
    bool first = !catalog->growth;
    if (first)
        catalog->growth = mem_copy(&growth, sizeof growth);
    reader->growth = catalog->growth;
    pthread_mutex_unlock(&catalog->lock);
    if (!first)
        json_growth_done(&growth);
    return 0;
}

/* ---- attributes ---- */

int reader_attributes(struct catalog_reader *reader, struct error *err)
{
    if (reader->has_attributes)
        return 0;
    if (!db_patience(reader->db)->local) {
        reader_name_attributes(reader);
        ahead_ask(&reader->ahead, reader->db);
    }
    int rc = attributes_read(reader->db, SCHEMA_ATTRIBUTES_MAX, &reader->attributes, err);
    reader->has_attributes = !rc;
    return rc;
}

int reader_attributes_first(struct catalog_reader *reader, const struct attributes **ret, struct error *err)
{
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (!rc && reader->next_attribute <= ATTRIBUTES_FIRST)
        rc = reader_attributes(reader, err);
    if (!rc && !reader->has_attributes && !reader->has_first) {
        rc = attributes_read(reader->db, ATTRIBUTES_FIRST, &reader->first, err);
        reader->has_first = !rc;
    }
    if (!rc)
        *ret = reader->has_attributes ? &reader->attributes : &reader->first;
    return rc;
}

int reader_attribute(struct catalog_reader *reader, uint32_t id, const struct attribute **ret,
                     struct error *err)
{
    const struct attributes *attributes = &reader->attributes;
    int rc = id < ATTRIBUTES_FIRST ? reader_attributes_first(reader, &attributes, err)
                                   : reader_attributes(reader, err);
    if (rc)
        return rc;
    const struct attribute *attribute = attributes_by_id(attributes, id);
    if (!attribute)
        return error_set(err, ENOENT, "catalog %s has no attribute number %u", reader->catalog->name, id);
    *ret = attribute;
    return 0;
}

/* Where they are, or belong. */
static size_t place_of_shards(const struct catalog_reader *reader, uint32_t attribute)
{
    size_t low = 0, high = reader->shards_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reader->shards[middle]->attribute < attribute)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct reader_shards *shards_of(const struct catalog_reader *reader, uint32_t attribute)
{
    size_t at = place_of_shards(reader, attribute);
    return at < reader->shards_count && reader->shards[at]->attribute == attribute ? reader->shards[at]
                                                                                   : NULL;
}

static void keep_shards(struct catalog_reader *reader, struct reader_shards *own)
{
    size_t at = place_of_shards(reader, own->attribute);
    mem_grow(&reader->shards, &reader->shards_cap, reader->shards_count + 1, sizeof *reader->shards);
    memmove(&reader->shards[at + 1], &reader->shards[at],
            (reader->shards_count++ - at) * sizeof *reader->shards);
    reader->shards[at] = own;
    reader->shards_bytes += shards_bytes(&own->shards);
}

/* All are forgotten where they become too many: those in use are read again at once, and are hot. */
int reader_shards(struct catalog_reader *reader, const struct attribute *attribute, const struct shards **ret,
                  struct error *err)
{
    enum { KEPT_BYTES = 8 << 20 };
    struct reader_shards *own = shards_of(reader, attribute->info.id);
    if (!own) {
        struct shards shards;
        if (reader->shards_bytes > KEPT_BYTES)
            forget_shards(reader);
        int rc = shards_open(reader->db, attribute->info.id, attribute->info.type, &shards, err);
        if (rc)
            return rc;
        own = MEM_NEW(struct reader_shards);
        *own = (struct reader_shards){attribute->info.id, shards};
        keep_shards(reader, own);
    }
    *ret = &own->shards;
    return 0;
}

bool reader_has_shards(const struct catalog_reader *reader, const struct attribute *attribute)
{
    return shards_of(reader, attribute->info.id);
}

int catalog_attribute_get(struct catalog_reader *reader, uint32_t id, struct catalog_attribute *ret,
                          struct error *err)
{
    const struct attribute *attribute;
    int rc = reader_attribute(reader, id, &attribute, err);
    if (!rc)
        *ret = attribute->info;
    return rc;
}

int catalog_attribute_find(struct catalog_reader *reader, const char *name, size_t len,
                           struct catalog_attribute *ret, struct error *err)
{
    const struct attributes *first;
    int rc = reader_attributes_first(reader, &first, err);
    const struct attribute *attribute = rc ? NULL : attributes_by_name(first, name, len);
    if (!rc && !attribute && !reader->has_attributes) {
        rc = reader_attributes(reader, err);
        attribute = rc ? NULL : attributes_by_name(&reader->attributes, name, len);
    }
    if (rc)
        return rc;
    if (!attribute)
        return error_set(err, ENOENT, "there is no attribute '%.*s'", len < 200 ? (int)len : 200, name);
    *ret = attribute->info;
    return 0;
}

int catalog_attributes(struct catalog_reader *reader, catalog_attribute_fn *each, void *ctx,
                       struct error *err)
{
    int rc = reader_attributes(reader, err);
    for (size_t i = 0; !rc && i < reader->attributes.count; i++)
        rc = each(ctx, &reader->attributes.list[reader->attributes.by_name[i]].info, err);
    return rc;
}
