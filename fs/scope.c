// SPDX-License-Identifier: Apache-2.0
/* What a request must give back is in one structure, so that one call gives back all of it. */
#include "fs/scope.h"

#include <errno.h>

int scope_open(struct fs *fs, uint32_t version, const struct catalog_patience *patience, struct scope *ret,
               struct error *err)
{
    CLEANUP_CATALOG struct catalog *catalog = NULL;
    int rc = dataset_catalog(fs->dataset, version, patience, &catalog, err);
    if (rc == -ENOENT)
        rc = -EIO; /* a node names this version, so it exists: no proof that a name in it does not */
    if (rc < 0)
        return rc;
    struct catalog_reader *reader;
    rc = catalog_reader_acquire(catalog, patience, &reader, err);
    if (rc < 0)
        return rc;
    *ret = (struct scope){.catalog = STEAL(catalog), .reader = reader};
    return 0;
}

void scope_close(struct scope *scope)
{
    if (scope->reader)
        catalog_reader_release(scope->reader);
    if (scope->catalog)
        catalog_unref(scope->catalog);
    *scope = (struct scope){0};
}
