// SPDX-License-Identifier: Apache-2.0
/* A few shards by the hash's first byte, so that threads that only look do not queue. Each evicts by SIEVE: a
 * hand goes from the oldest to the newest and takes what was not touched since it came by; a scan of many
 * pages once does not drive out those that are used again and again. */
#include "index/pages/page_cache.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { SHARDS = 8, BUCKETS = 1024 };

struct shard {
    pthread_mutex_t lock; /* guards what follows */
    struct page_bytes *buckets[BUCKETS];
    struct page_bytes *newest, *oldest, *hand;
    size_t bytes;
};

struct page_cache {
    size_t limit; /* of a shard */
    struct shard shards[SHARDS];
};

struct page_cache *page_cache_new(size_t limit_bytes)
{
    struct page_cache *cache = MEM_NEW(struct page_cache);
    cache->limit = limit_bytes / SHARDS;
    for (int i = 0; i < SHARDS; i++)
        pthread_mutex_init(&cache->shards[i].lock, NULL);
    return cache;
}

void page_cache_free(struct page_cache *cache)
{
    if (!cache)
        return;
    for (int i = 0; i < SHARDS; i++) {
        for (struct page_bytes *page = cache->shards[i].oldest, *newer; page; page = newer) {
            newer = page->newer;
            page_bytes_unref(page);
        }
        pthread_mutex_destroy(&cache->shards[i].lock);
    }
    free(cache);
}

struct page_bytes *page_bytes_new(uint32_t len)
{
    struct page_bytes *page = mem_alloc(sizeof *page + len);
    memset(page, 0, sizeof *page);
    atomic_init(&page->refs, 1);
    page->len = len;
    return page;
}

void page_bytes_unref(struct page_bytes *page)
{
    if (atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel) == 1)
        free(page);
}

static struct shard *shard_of(struct page_cache *cache, const uint8_t hash[MAP_HASH_BYTES])
{
    return &cache->shards[hash[0] % SHARDS];
}

/* The slot that points to the page, or to the end of its chain. */
static struct page_bytes **slot_locked(struct shard *shard, const uint8_t hash[MAP_HASH_BYTES])
{
    uint16_t number;
    memcpy(&number, hash + 1, sizeof number);
    struct page_bytes **slot = &shard->buckets[number % BUCKETS];
    while (*slot && memcmp((*slot)->hash, hash, MAP_HASH_BYTES) != 0)
        slot = &(*slot)->next;
    return slot;
}

struct page_bytes *page_cache_find(struct page_cache *cache, const uint8_t hash[MAP_HASH_BYTES])
{
    struct shard *shard = shard_of(cache, hash);
    pthread_mutex_lock(&shard->lock);
    struct page_bytes *page = *slot_locked(shard, hash);
    if (page) {
        atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);
        atomic_store_explicit(&page->touched, true, memory_order_relaxed);
    }
    pthread_mutex_unlock(&shard->lock);
    return page;
}

static void unlink_locked(struct shard *shard, struct page_bytes *page)
{
    *slot_locked(shard, page->hash) = page->next;
    *(page->newer ? &page->newer->older : &shard->newest) = page->older;
    *(page->older ? &page->older->newer : &shard->oldest) = page->newer;
    if (shard->hand == page)
        shard->hand = page->newer;
    shard->bytes -= sizeof *page + page->len;
}

/* Takes pages out until the rest fits; linked by `next`. */
static struct page_bytes *evict_locked(struct shard *shard, size_t limit)
{
    struct page_bytes *gone = NULL;
    while (shard->bytes > limit && shard->oldest != shard->newest) {
        struct page_bytes *page = shard->hand ? shard->hand : shard->oldest;
        shard->hand = page->newer;
        if (atomic_exchange_explicit(&page->touched, false, memory_order_relaxed))
            continue;
        unlink_locked(shard, page);
        page->next = gone;
        gone = page;
    }
    return gone;
}

static void link_locked(struct shard *shard, struct page_bytes **slot, struct page_bytes *page)
{
    atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);
    *slot = page;
    page->older = shard->newest;
    *(shard->newest ? &shard->newest->newer : &shard->oldest) = page;
    shard->newest = page;
    shard->bytes += sizeof *page + page->len;
}

void page_cache_add(struct page_cache *cache, const uint8_t hash[MAP_HASH_BYTES], struct page_bytes *page)
{
    struct shard *shard = shard_of(cache, hash);
    struct page_bytes *gone = NULL;
    pthread_mutex_lock(&shard->lock);
    struct page_bytes **slot = slot_locked(shard, hash);
    if (!*slot) {
        memcpy(page->hash, hash, MAP_HASH_BYTES);
        link_locked(shard, slot, page);
        gone = evict_locked(shard, cache->limit);
    }
    pthread_mutex_unlock(&shard->lock);
    for (struct page_bytes *next; gone; gone = next) {
        next = gone->next;
        page_bytes_unref(gone);
    }
}
