// SPDX-License-Identifier: Apache-2.0
/*
 * The patch_indices that the readers of a catalog share: the one that was not asked for the longest goes
 * where they would take too much memory. Thread rule: any thread.
 */
#pragma once

#include <pthread.h>

#include "index/catalog/cells/patch_index.h"

enum { PATCH_POOL_BYTES = 64 << 20 };

struct patch_pool {
    pthread_mutex_t lock; /* guards what follows; nothing is read under it */
    struct patch_pooled *list;
    size_t count, cap;
    uint64_t clock; /* counts what is asked for */
    atomic_uint_fast64_t
        dropped; /* how many went: whoever keeps references of its own gives them back then */
};
void patch_pool_init(struct patch_pool *pool);
void patch_pool_done(struct patch_pool *pool);
/* A reference, or NULL. */
struct patch_index *patch_pool_get(struct patch_pool *pool, uint32_t key);
/* Shares it; or, where somebody was faster, gives a reference to that one in place of the caller's. */
struct patch_index *patch_pool_put(struct patch_pool *pool, uint32_t key, struct patch_index *patch_index);
