// SPDX-License-Identifier: Apache-2.0
/* Version by version, downwards; what was seen is known by number, and which paths by name. */
#include "index/dataset/root_walk.h"

#include <errno.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "index/catalog/catalog_known.h"

struct walk {
    struct dataset *dataset;
    uint32_t root;
    root_walk_fn *each;
    void *ctx;
    struct rowset *seen; /* objects, of any root */
    struct strmap *paths;
};

static int take_stream(void *ctx, uint32_t row, uint32_t object, struct error *err)
{
    (void)row;
    (void)err;
    rowset_add(ctx, object);
    return 0;
}

static void object_done(struct catalog_object *object)
{
    catalog_object_done(object);
}

static int walk_object(struct walk *walk, struct catalog_reader *reader, uint32_t id, struct error *err)
{
    struct catalog_object object CLEANUP(object_done) = {0};
    struct dataset_object read CLEANUP(dataset_object_done) = {0};
    bool is_new = false;
    int rc = catalog_object(reader, id, &object, err);
    if (rc || object.root != walk->root)
        return rc;
    rc = dataset_object(walk->dataset, reader, id, &read, err);
    if (rc)
        return rc;
    strmap_put(walk->paths, object.path, strlen(object.path), &is_new);
    return walk->each(walk->ctx, &(struct root_walked){&object, &read, is_new}, err);
}

static int walk_version(struct walk *walk, uint32_t version, struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_ROWSET struct rowset *objects = rowset_new();
    uint32_t id;
    int rc = dataset_catalog(walk->dataset, version, PATIENCE_ENDLESS, &catalog, err);
    if (!rc)
        rc = catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, err);
    if (!rc)
        rc = catalog_known_reads(reader, take_stream, objects, err);
    rowset_andnot(objects, walk->seen);
    for (uint64_t from = 0; !rc && rowset_rows(objects, from, &id, 1); from = id + 1ull) {
        rowset_add(walk->seen, id);
        rc = walk_object(walk, reader, id, err);
    }
    return rc;
}

int root_walk(struct dataset *dataset, uint32_t root, root_walk_fn *each, void *ctx, struct error *err)
{
    CLEANUP_ROWSET struct rowset *seen = rowset_new();
    CLEANUP_STRMAP struct strmap *paths = strmap_new();
    struct walk walk = {dataset, root, each, ctx, seen, paths};
    uint32_t version;
    int rc = dataset_refresh(dataset, &version, err);
    for (; !rc && version; version--)
        if (!dataset_is_forgotten(dataset, version))
            rc = walk_version(&walk, version, err);
    return rc;
}
