// SPDX-License-Identifier: Apache-2.0
/* What a cache is made of. Each part locks itself and calls no other with its lock held, so there is no lock
 * order to remember. Private to cache/. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "cache/cache.h"
#include "cache/folder.h"
#include "cache/health.h"
#include "cache/pace.h"
#include "cache/pattern.h"

struct fetcher;
struct keeper;
struct kept;
struct table;
struct workers;
struct writer;

struct counters {
    atomic_uint_fast64_t reads, bytes_read, fetches, bytes_fetched, blocks_bad;
    atomic_uint_fast64_t bytes_ahead, bytes_ahead_read; /* fetched unasked; read later */
    atomic_uint_fast64_t bytes_unwritten;               /* in memory, on their way to disk */
};

enum { CACHE_KINDS = 64 }; /* of files that are read alike */
enum { SCRATCH_COUNT = 16, SCRATCH_BYTES = 1 << 20 };

struct cache {
    enum cache_fill_policy policy;
    uint64_t memory_bytes;
    struct folder *folder;
    struct writer *writer;
    struct workers *callbacks; /* ends reads that were cancelled */
    struct fetcher *fetcher;   /* which fills run now */
    struct kept *kept;         /* fills that could not be written */
    struct table *table;       /* open files by key */
    struct keeper *keeper;     /* what is on disk, and eviction */
    struct health health;
    struct counters counters;
    struct pace pace;
    struct habit habits[CACHE_KINDS];
    atomic_bool stopping;
    atomic_uint_fast64_t inside; /* fills alive and reads being ended: cache_free() waits for them */
    _Atomic(uint8_t *) scratch[SCRATCH_COUNT]; /* spare buffers of SCRATCH_BYTES for reads */
};

static inline void count_add(atomic_uint_fast64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

static inline void cache_enter(struct cache *cache)
{
    atomic_fetch_add_explicit(&cache->inside, 1, memory_order_relaxed);
}
/* The last touch of `cache`, which may be freed at once. */
static inline void cache_leave(struct cache *cache)
{
    atomic_fetch_sub_explicit(&cache->inside, 1, memory_order_release);
}
