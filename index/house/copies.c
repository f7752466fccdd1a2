// SPDX-License-Identifier: Apache-2.0
/* Each copy is looked for by root and path in the version's table of hashes; which root is the data set's own
 * does not matter, since nothing else has such paths. */
#include "index/house/copies.h"

#include <errno.h>
#include <string.h>

#include "index/catalog/catalog_known.h"

enum { ROOTS_MAX = 4096 };

static int stop(void *ctx, uint32_t id, const struct catalog_object *object, struct error *err)
{
    return 1;
}

/* 1, 0 or -errno. */
static int is_named(struct catalog_reader *reader, uint32_t roots, const char *path, struct error *err)
{
    int rc = 0;
    for (uint32_t id = 1; !rc && id <= roots; id++)
        rc = catalog_known_objects(reader, id, path, stop, NULL, err);
    return rc;
}

int copies_take_named(struct dataset *dataset, uint32_t version, struct garbage *copies, struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    const struct manifest *manifest = NULL;
    size_t kept = 0;
    int rc = dataset_manifest(dataset, version, &manifest, err);
    if (!rc && manifest->roots > ROOTS_MAX)
        rc =
            error_set(err, E2BIG, "%s: v%u has more than %d roots", dataset_url(dataset), version, ROOTS_MAX);
    if (!rc)
        rc = dataset_catalog(dataset, version, PATIENCE_ENDLESS, &catalog, err);
    if (!rc)
        rc = catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, err);
    for (size_t i = 0; i < copies->count; i++) {
        struct garbage_item *item = &copies->list[i];
        int named = 0;
        if (!rc && !strncmp(item->path, "data/", 5)) {
            CLEANUP_FREE char *path = mem_printf("elidefs/%s", item->path);
            named = is_named(reader, manifest->roots, path, err);
            rc = named < 0 ? named : 0;
        }
        if (named > 0)
            garbage_item_done(item);
        else
            copies->list[kept++] = *item;
    }
    copies->count = kept;
    return rc;
}
