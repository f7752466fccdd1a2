// SPDX-License-Identifier: Apache-2.0
/* Few attributes are asked for at a time, so a list is searched. */
#include "index/catalog/cells/patch_pool.h"

#include <stdlib.h>

struct patch_pooled {
    uint32_t key;
    struct patch_index *patch_index; /* a reference */
    uint64_t used;
};

void patch_pool_init(struct patch_pool *pool)
{
    *pool = (struct patch_pool){0};
    pthread_mutex_init(&pool->lock, NULL);
}

void patch_pool_done(struct patch_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        patch_index_unref(pool->list[i].patch_index);
    free(pool->list);
    pthread_mutex_destroy(&pool->lock);
}

/* Under the lock. */
static struct patch_index *find(struct patch_pool *pool, uint32_t key)
{
    for (size_t i = 0; i < pool->count; i++)
        if (pool->list[i].key == key) {
            pool->list[i].used = ++pool->clock;
            return patch_index_ref(pool->list[i].patch_index);
        }
    return NULL;
}

struct patch_index *patch_pool_get(struct patch_pool *pool, uint32_t key)
{
    pthread_mutex_lock(&pool->lock);
    struct patch_index *found = find(pool, key);
    pthread_mutex_unlock(&pool->lock);
    return found;
}

/* Under the lock: all but the one that was used last, where it must be. */
static void make_room(struct patch_pool *pool)
{
    size_t bytes = 0;
    for (size_t i = 0; i < pool->count; i++)
        bytes += pool->list[i].patch_index->bytes;
    while (bytes > PATCH_POOL_BYTES && pool->count > 1) {
        size_t oldest = 0;
        for (size_t i = 1; i < pool->count; i++)
            if (pool->list[i].used < pool->list[oldest].used)
                oldest = i;
        bytes -= pool->list[oldest].patch_index->bytes;
        patch_index_unref(pool->list[oldest].patch_index);
        pool->list[oldest] = pool->list[--pool->count];
        atomic_fetch_add(&pool->dropped, 1);
    }
}

struct patch_index *patch_pool_put(struct patch_pool *pool, uint32_t key, struct patch_index *patch_index)
{
    pthread_mutex_lock(&pool->lock);
    struct patch_index *found = find(pool, key);
    if (!found) {
        mem_grow(&pool->list, &pool->cap, pool->count + 1, sizeof *pool->list);
        pool->list[pool->count++] = (struct patch_pooled){key, patch_index_ref(patch_index), ++pool->clock};
        make_room(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    if (!found)
        return patch_index;
    patch_index_unref(patch_index);
    return found;
}
