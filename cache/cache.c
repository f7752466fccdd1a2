// SPDX-License-Identifier: Apache-2.0
/* The architecture in one function: cache_new() makes the parts, cache_free() ends them in the order in which
 * bytes flow: fetching, then what is kept in memory, then writing, then files. */
#include "cache/cache.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <time.h>

#include "cache/base/workers.h"
#include "cache/cached.h"
#include "cache/fetcher.h"
#include "cache/fill.h"
#include "cache/keeper.h"
#include "cache/kept.h"
#include "cache/table.h"

enum { WRITERS = 2, CALLBACK_THREADS = 1, IDLE_MAX = 256, DESCRIPTOR_SHARE = 8 };
#define INFLIGHT_BYTES (UINT64_C(64) << 20)
#define MEMORY_BYTES   (UINT64_C(64) << 20)

/* Closed files that stay open take two descriptors each. */
static unsigned idle_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur / DESCRIPTOR_SHARE > IDLE_MAX)
        return IDLE_MAX;
    return (unsigned)(limit.rlim_cur / DESCRIPTOR_SHARE);
}

static void free_parts(struct cache *cache)
{
    keeper_free(cache->keeper);
    writer_free(cache->writer);
    workers_free(cache->callbacks);
    table_free(cache->table);
    fetcher_free(cache->fetcher);
    kept_free(cache->kept);
    folder_free(cache->folder);
    health_done(&cache->health);
    for (int i = 0; i < SCRATCH_COUNT; i++)
        free(atomic_load(&cache->scratch[i]));
    free(cache);
}

int cache_new(const struct cache_options *options, struct cache **ret, struct error *err)
{
    struct cache *cache = MEM_NEW(struct cache);
    cache->policy = options->fill;
    cache->memory_bytes = options->memory_bytes ? options->memory_bytes : MEMORY_BYTES;
    health_init(&cache->health);
    cache->fetcher = fetcher_new(options->inflight_bytes ? options->inflight_bytes : INFLIGHT_BYTES);
    cache->kept = kept_new(cache->memory_bytes);
    cache->table = table_new(idle_max());
    int rc = folder_open(options->folder, &cache->folder, err);
    if (!rc)
        rc = writer_new(WRITERS, !options->no_io_uring, &cache->writer, err);
    if (!rc)
        rc = workers_new(CALLBACK_THREADS, &cache->callbacks, err);
    if (!rc)
        rc = keeper_new(cache, options->size_bytes, options->keep_free_percent, &cache->keeper, err);
    if (rc) {
        free_parts(cache);
        return rc;
    }
    *ret = cache;
    return 0;
}

/* Asks every fill of a file to end. Those that end meanwhile do so by themselves. */
static void stop_file(struct cached *file)
{
    pthread_mutex_lock(&file->lock);
    size_t count = file->fill_count;
    struct cache_fill **fills = mem_alloc((count + 1) * sizeof *fills);
    for (size_t i = 0; i < count; i++) {
        fills[i] = file->fills[i];
        fill_ref(fills[i]);
    }
    pthread_mutex_unlock(&file->lock);
    for (size_t i = 0; i < count; i++) {
        fill_cancel_unwanted(fills[i]);
        fill_unref(fills[i]);
    }
    free(fills);
}

void cache_stop(struct cache *cache)
{
    atomic_store(&cache->stopping, true);
    fetcher_stop(cache->fetcher);
    table_each(cache->table, stop_file);
    fetcher_add(cache->fetcher, NULL); /* those still queued start, and end at once */
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    cache_stop(cache);
    keeper_stop(cache->keeper);
    kept_retry(cache->kept, UINT_MAX); /* the disk may have caught up */
    while (atomic_load_explicit(&cache->inside, memory_order_acquire)) {
        kept_drop_all(cache->kept);
        nanosleep(&(struct timespec){.tv_nsec = 200000},
                  NULL); /* whoever leaves touches nothing afterwards */
    }
    free_parts(cache);
}

int cache_room(struct cache *cache, uint64_t bytes)
{
    if (health_failed(&cache->health, NULL, 0))
        return -EIO;
    if (atomic_load(&cache->counters.bytes_unwritten) > cache->memory_bytes / 2)
        return -EAGAIN;
    return keeper_room(cache->keeper, bytes);
}

const char *cache_folder(const struct cache *cache)
{
    return folder_path(cache->folder);
}

const char *cache_warning(const struct cache *cache)
{
    return folder_warning(cache->folder);
}

void cache_stats(struct cache *cache, struct cache_stats *ret)
{
    struct counters *c = &cache->counters;
    struct cache_stats stats = {.reads = atomic_load(&c->reads),
                                .bytes_read = atomic_load(&c->bytes_read),
                                .fetches = atomic_load(&c->fetches),
                                .bytes_fetched = atomic_load(&c->bytes_fetched),
                                .bytes_ahead = atomic_load(&c->bytes_ahead),
                                .bytes_ahead_read = atomic_load(&c->bytes_ahead_read),
                                .blocks_bad = atomic_load(&c->blocks_bad),
                                .io_uring = writer_has_ring(cache->writer)};
    keeper_stats(cache->keeper, &stats);
    stats.disk_failed = health_failed(&cache->health, stats.disk_reason, sizeof stats.disk_reason);
    *ret = stats;
}
