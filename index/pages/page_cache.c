// SPDX-License-Identifier: Apache-2.0
/* A few shards by the hash's first byte, so that threads that only look do not queue. Each evicts its oldest,
 * which gets a second chance if it was touched since it became one of the newest: a scan of many pages once
 * does not drive out those that are used again and again, and a scan that comes again finds its pages, if
 * they fit. */
#include "index/pages/page_cache.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { SHARDS = 8, BUCKETS = 1024 };

struct shard {
    pthread_mutex_t lock; /* guards what follows */
    struct page_bytes *buckets[BUCKETS];
    struct page_bytes *newest, *oldest;
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
    struct page_bytes *page = mem_alloc(sizeof *page + len + PAGE_SLACK_BYTES);
    memset(page, 0, sizeof *page);
    memset(page->bytes + len, 0, PAGE_SLACK_BYTES);
    atomic_init(&page->refs, 1);
    page->len = len;
    return page;
}

static size_t bytes_of(const struct page_bytes *page)
{
    return sizeof *page + page->len + PAGE_SLACK_BYTES;
}

void page_bytes_unref(struct page_bytes *page)
{
    if (page && atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel) == 1)
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

static void take_out_locked(struct shard *shard, struct page_bytes *page)
{
    *(page->newer ? &page->newer->older : &shard->newest) = page->older;
    *(page->older ? &page->older->newer : &shard->oldest) = page->newer;
}

static void put_newest_locked(struct shard *shard, struct page_bytes *page)
{
    page->newer = NULL;
    page->older = shard->newest;
    *(shard->newest ? &shard->newest->newer : &shard->oldest) = page;
    shard->newest = page;
}

/* Takes pages out until there is room for so many bytes more; linked by `next`. */
static struct page_bytes *evict_locked(struct shard *shard, size_t bytes, size_t limit)
{
    struct page_bytes *gone = NULL;
    while (shard->bytes + bytes > limit && shard->oldest) {
        struct page_bytes *page = shard->oldest;
        take_out_locked(shard, page);
        if (atomic_exchange_explicit(&page->touched, false, memory_order_relaxed)) {
            put_newest_locked(shard, page);
            continue;
        }
        *slot_locked(shard, page->hash) = page->next;
        shard->bytes -= bytes_of(page);
        page->next = gone;
        gone = page;
    }
    return gone;
}

static void add_locked(struct shard *shard, struct page_bytes *page)
{
    atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);
    *slot_locked(shard, page->hash) = page;
    put_newest_locked(shard, page);
    shard->bytes += bytes_of(page);
}

void page_cache_add(struct page_cache *cache, const uint8_t hash[MAP_HASH_BYTES], struct page_bytes *page)
{
    struct shard *shard = shard_of(cache, hash);
    struct page_bytes *gone = NULL;
    memcpy(page->hash, hash, MAP_HASH_BYTES);
    pthread_mutex_lock(&shard->lock);
    if (!*slot_locked(shard, hash)) {
        gone = evict_locked(shard, bytes_of(page), cache->limit);
        add_locked(shard, page);
    }
    pthread_mutex_unlock(&shard->lock);
    for (struct page_bytes *next; gone; gone = next) {
        next = gone->next;
        page_bytes_unref(gone);
    }
}
