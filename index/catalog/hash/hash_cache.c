// SPDX-License-Identifier: Apache-2.0
/* Sorted by id, so that one search finds the span of a hash whether its first hash is known or not. One that
 * was asked for since the hand passed it stays: blocks of small runs are, by nearly every look-up. */
#include "index/catalog/hash/hash_cache.h"

#include <stdlib.h>

struct cached_block {
    struct hash_cached base;
    struct hash_block block;
    uint8_t bytes[];
};

void hash_cache_done(struct hash_cache *cache)
{
    for (size_t i = 0; i < cache->count; i++)
        free(cache->list[i]);
    free(cache->list);
    free(cache->ids);
    *cache = (struct hash_cache){0};
}

/* How many have an id not above this one. */
static size_t count_to(const struct hash_cache *cache, int64_t id)
{
    size_t low = 0, high = cache->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cache->ids[middle] <= id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct hash_cached *hash_cache_find(struct hash_cache *cache, int64_t id)
{
    size_t to = count_to(cache, id);
    if (!to || cache->ids[to - 1] >> 32 != id >> 32 || cache->list[to - 1]->last < (uint32_t)id)
        return NULL;
    cache->list[to - 1]->used = true;
    return cache->list[to - 1];
}

static void drop_one(struct hash_cache *cache)
{
    cache->hand %= cache->count;
    while (cache->list[cache->hand]->used) {
        cache->list[cache->hand]->used = false;
        cache->hand = (cache->hand + 1) % cache->count;
    }
    free(cache->list[cache->hand]);
    size_t behind = --cache->count - cache->hand;
    memmove(cache->list + cache->hand, cache->list + cache->hand + 1, behind * sizeof *cache->list);
    memmove(cache->ids + cache->hand, cache->ids + cache->hand + 1, behind * sizeof *cache->ids);
}

void hash_cache_put(struct hash_cache *cache, int64_t id, struct hash_cached *cached)
{
    if (!cache->list) {
        cache->list = mem_alloc(HASH_CACHE_SPANS * sizeof *cache->list);
        cache->ids = mem_alloc(HASH_CACHE_SPANS * sizeof *cache->ids);
    }
    if (cache->count == HASH_CACHE_SPANS)
        drop_one(cache);
    size_t at = count_to(cache, id), behind = cache->count++ - at;
    memmove(cache->list + at + 1, cache->list + at, behind * sizeof *cache->list);
    memmove(cache->ids + at + 1, cache->ids + at, behind * sizeof *cache->ids);
    cached->used = false;
    cache->list[at] = cached;
    cache->ids[at] = id;
}

/* ---- blocks ---- */

const struct hash_block *hash_cache_block(struct hash_cache *cache, int64_t id)
{
    const struct cached_block *cached = (const struct cached_block *)hash_cache_find(cache, id);
    return cached ? &cached->block : NULL;
}

void hash_cache_add_block(struct hash_cache *cache, int64_t id, const uint8_t *bytes, size_t len)
{
    size_t to = count_to(cache, id);
    if (len > HASH_BLOCK_BYTES || (to && cache->ids[to - 1] == id))
        return;
    struct cached_block *cached = mem_alloc(sizeof *cached + len);
    memcpy(cached->bytes, bytes, len);
    if (!hash_block_open((uint32_t)id, cached->bytes, len, &cached->block)) {
        free(cached);
        return;
    }
    cached->base.last = cached->block.last;
    hash_cache_put(cache, id, &cached->base);
}
