// SPDX-License-Identifier: Apache-2.0
/* A catalog that lies in packs of a store that can hold its reads, with an empty cache before it. */
#pragma once

#include "cache/base/file.h"
#include "index/catalog/hot.h"
#include "index/catalog/schema.h"
#include "index/pages/pages_write.h"
#include "tests/dataset/held_store.h"

struct paged {
    char *folder;
    struct stores *stores;
    struct held_store *held; /* a reference */
    struct cache *cache;
    struct page_store *store;
};

static inline int paged_init(struct paged *paged, struct error *err)
{
    *paged = (struct paged){0};
    struct store *inner = NULL;
    int rc = file_make_temp_folder(NULL, "paged", &paged->folder, err);
    if (!rc)
        rc = stores_new(&(struct stores_options){0}, &paged->stores, err);
    CLEANUP_FREE char *url = mem_printf("%s/store", paged->folder);
    CLEANUP_FREE char *folder = mem_printf("%s/cache", paged->folder);
    struct cache_options options = {.folder = folder, .size_bytes = 1 << 30, .fill = CACHE_FILL_EXACT};
    if (!rc)
        rc = store_open(paged->stores, url, &inner, err);
    if (!rc)
        rc = cache_new(&options, &paged->cache, err);
    if (rc)
        return rc;
    paged->held = held_store_new(inner);
    paged->store = page_store_new(&paged->held->base, paged->cache, "6f9619ff-8b86-4011-b42d-00c04fc964ff");
    return 0;
}

static inline void paged_done(struct paged *paged)
{
    page_store_unref(paged->store);
    cache_free(paged->cache);
    store_unref(&paged->held->base);
    stores_free(paged->stores);
    file_remove_tree(paged->folder, NULL);
    free(paged->folder);
}

/* Puts what an overlay holds into packs. */
static inline int paged_put(struct paged *paged, struct overlay *overlay, struct map_top *ret,
                            struct error *err)
{
    struct hot_pages hot;
    struct pages_written written;
    int rc = hot_pages_find(overlay, &hot, err);
    if (rc)
        return rc;
    struct pages_write write = {.overlay = overlay, .hot = hot.list, .hot_count = hot.count};
    rc = pages_write(paged->store, &write, &written, err);
    hot_pages_done(&hot);
    if (rc)
        return rc;
    *ret = written.top;
    pages_written_done(&written);
    return 0;
}

/* The pages of a plain catalog; none of them is in the cache. */
static inline int paged_open(struct paged *paged, const char *path, const char *name, struct pages **ret,
                             struct error *err)
{
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    struct map_top top;
    int rc = overlay_new_plain(path, SCHEMA_PAGE_BYTES, &overlay, err);
    if (!rc)
        rc = paged_put(paged, overlay, &top, err);
    if (!rc)
        *ret = pages_new(paged->store, &top, name);
    return rc;
}
