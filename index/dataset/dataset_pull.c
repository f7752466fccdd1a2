// SPDX-License-Identifier: Apache-2.0
/* A version's catalog as a file, and where its pages lie. */
#include <errno.h>

#include "index/dataset/dataset_state.h"
#include "index/pages/overlay.h"

static int open_pages(struct dataset *dataset, uint32_t version, struct pages **ret, struct error *err)
{
    const struct manifest *manifest;
    int rc = dataset_manifest(dataset, version, &manifest, err);
    if (!rc && !manifest->version)
        rc = error_set(err, ENOENT, "%s: v0 has no catalog", dataset_url(dataset));
    return rc < 0 ? rc : dataset_pages(dataset, manifest, ret, err);
}

int dataset_pull(struct dataset *dataset, uint32_t version, const char *path, struct error *err)
{
    CLEANUP_PAGES struct pages *pages = NULL;
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    int rc = open_pages(dataset, version, &pages, err);
    if (!rc)
        rc = overlay_new(pages, pages_top(pages)->page_bytes, &overlay, err);
    if (!rc)
        pages_want_hot(pages);
    return rc < 0 ? rc : overlay_save(overlay, path, PATIENCE_ENDLESS, err);
}

int dataset_packs(struct dataset *dataset, uint32_t version, struct dataset_pack **ret, size_t *ret_count,
                  struct error *err)
{
    const struct catalog_patience patient = {0};
    CLEANUP_PAGES struct pages *pages = NULL;
    CLEANUP_FREE struct dataset_pack *packs = NULL;
    struct map_root root;
    int rc = open_pages(dataset, version, &pages, err);
    if (!rc)
        rc = pages_root(pages, &patient, &root, err);
    if (rc < 0)
        return rc;
    packs = mem_zero((root.packs + 1) * sizeof *packs);
    for (uint32_t i = 0; !rc && i < root.packs; i++) {
        struct map_pack pack;
        rc = pages_pack(pages, i, &patient, &pack, err);
        if (!rc)
            hex_print(pack.id, MAP_ID_BYTES, packs[i].id);
        packs[i].bytes = rc ? 0 : pack.size;
    }
    for (uint32_t leaf = 0; !rc && leaf < root.leaves; leaf++) {
        struct map_place places[MAP_FAN], apart;
        rc = pages_leaf(pages, leaf, false, places, &apart, err);
        for (uint32_t i = 0; !rc && i < map_leaf_pages(root.pages, leaf); i++)
            if (!places[i].zero) {
                packs[places[i].pack].used_pages++;
                packs[places[i].pack].used_bytes += places[i].len;
            }
    }
    if (rc < 0)
        return rc;
    *ret = STEAL(packs);
    *ret_count = root.packs;
    return 0;
}

int dataset_tables(struct dataset *dataset, uint32_t version, struct catalog_table **ret, size_t *ret_count,
                   struct error *err)
{
    CLEANUP_PAGES struct pages *pages = NULL;
    int rc = open_pages(dataset, version, &pages, err);
    return rc < 0 ? rc : catalog_tables(pages, ret, ret_count, err);
}
