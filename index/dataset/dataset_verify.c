// SPDX-License-Identifier: Apache-2.0
/* Is a version's catalog still in the store? A cached one opens without asking; elsewhere it would not. */
#include "index/dataset/dataset_state.h"

struct pages_check *dataset_check_new(struct dataset *dataset)
{
    return pages_check_new(dataset->pages);
}

int dataset_check_stored(struct dataset *dataset, struct pages_check *check, uint32_t version,
                         struct error *err)
{
    CLEANUP_PAGES struct pages *pages = NULL;
    const struct manifest *manifest;
    int rc = dataset_manifest(dataset, version, &manifest, err);
    if (rc || !manifest->version)
        return rc;
    rc = dataset_pages(dataset, manifest, &pages, err);
    return rc < 0 ? rc : pages_check_version(check, pages, err);
}
