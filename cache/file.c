// SPDX-License-Identifier: Apache-2.0
/* Opening, closing and reading: the public functions of a cache file. They check what the caller gave, count,
 * and choose the way: bytes of the map itself, or of its cached file (cache/compose.h, cache/read.h). */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cache/ahead.h"
#include "cache/compose.h"
#include "cache/fetcher.h"
#include "cache/fill.h"
#include "cache/gather.h"
#include "cache/handle.h"
#include "cache/keeper.h"
#include "cache/map_source.h"
#include "cache/read.h"
#include "cache/table.h"

/* complete_fd() checks this much at once; a larger file is checked by its readers. */
#define CHECK_AT_ONCE_BYTES (UINT64_C(8) << 20)

/* ---- opening ---- */

static int open_claimed(struct cache *cache, const uint8_t key[SHA256_BYTES], uint64_t size,
                        struct cache_source *source, struct cached **ret, struct error *err)
{
    struct cached *file;
    uint64_t disk_bytes;
    int rc = cached_new(cache, key, size, source, &file, err);
    if (rc)
        return rc;
    cached_open_disk(file, &disk_bytes);
    file->opens = keeper_opened(cache->keeper, key, disk_bytes);
    *ret = file;
    return 0;
}

static int check_again(struct cache *cache, struct cached *file, uint64_t size, struct error *err)
{
    if (file->size != size) {
        uint64_t other = file->size;
        table_put(cache->table, file);
        return error_set(err, EINVAL, "one cache key for files of %llu and %llu bytes",
                         (unsigned long long)other, (unsigned long long)size);
    }
    unsigned opens = keeper_opened(cache->keeper, file->node.key, 0);
    pthread_mutex_lock(&file->lock);
    file->opens = opens;
    pthread_mutex_unlock(&file->lock);
    return 0;
}

/* Opens the cached file of a key; takes over `source` on success. */
static int open_cached(struct cache *cache, const uint8_t key[SHA256_BYTES], uint64_t size,
                       struct cache_source *source, struct cached **ret, struct error *err)
{
    struct cached *file = table_get(cache->table, key);
    if (file) {
        int rc = check_again(cache, file, size, err);
        if (rc)
            return rc;
        source->ops->free(source);
    } else {
        int rc = open_claimed(cache, key, size, source, &file, err);
        table_end_claim(cache->table, key, rc ? NULL : file);
        if (rc)
            return rc;
    }
    *ret = file;
    return 0;
}

int cache_open(struct cache *cache, const uint8_t key[SHA256_BYTES], uint64_t size,
               struct cache_source *source, struct cache_file **ret, struct error *err)
{
    struct cached *cached;
    int rc = open_cached(cache, key, size, source, &cached, err);
    if (rc)
        return rc;
    struct cache_file *file = MEM_NEW(struct cache_file);
    *file = (struct cache_file){.cache = cache, .size = size, .cached = cached};
    *ret = file;
    return 0;
}

static bool has_kind(const struct extent_map *map, enum extent_kind kind)
{
    for (size_t i = 0; i < extent_map_count(map); i++)
        if (extent_map_at(map, i)->kind == kind)
            return true;
    return false;
}

int cache_open_map(struct cache *cache, struct extent_map *map, struct cache_file **ret, struct error *err)
{
    struct cached *cached = NULL;
    if (has_kind(map, EXTENT_OBJECT)) {
        uint8_t key[SHA256_BYTES];
        extent_map_key(map, key);
        struct cache_source *source = map_source_new(cache, map);
        int rc = open_cached(cache, key, extent_map_size(map), source, &cached, err);
        if (rc) {
            source->ops->free(source);
            return rc;
        }
    }
    struct cache_file *file = MEM_NEW(struct cache_file);
    *file = (struct cache_file){
        .cache = cache, .size = extent_map_size(map), .cached = cached, .map = extent_map_ref(map)};
    if (has_kind(map, EXTENT_STREAM))
        file->streams = streams_new(cache, map);
    *ret = file;
    return 0;
}

void cache_kind(struct cache_file *file, unsigned kind)
{
    file->pattern.habit = &file->cache->habits[kind % CACHE_KINDS];
}

void cache_rest(struct cache_file *file)
{
    if (!file->cached)
        return;
    pthread_mutex_lock(&file->cached->lock);
    pattern_rest(&file->pattern);
    pthread_mutex_unlock(&file->cached->lock);
}

bool cache_is_small(const struct cache *cache, uint64_t bytes)
{
    return bytes <= pace_round_bytes(&cache->pace);
}

void cache_want(struct cache_file *file)
{
    if (file->cached && !atomic_load_explicit(&file->cached->complete, memory_order_acquire) &&
        ahead_whole(file->cached))
        fetcher_add(file->cache->fetcher, NULL);
}

void cache_close(struct cache_file *file)
{
    cache_rest(file);
    streams_free(file->streams);
    if (file->cached)
        table_put(file->cache->table, file->cached);
    extent_map_unref(file->map);
    free(file);
}

uint64_t cache_size(const struct cache_file *file)
{
    return file->size;
}

void cache_presence(const struct cache_file *file, struct cache_presence *ret)
{
    struct cached *cached = file->cached;
    struct cache_presence found = {.writable = true};
    if (cached) {
        cached_refresh(cached, 0, file->size);
        pthread_mutex_lock(&cached->lock);
        for (uint64_t i = 0; i < cached->blocks.count; i++) {
            uint8_t state = cached->blocks.state[i];
            uint64_t bytes = blocks_bytes(&cached->blocks, i, i + 1);
            found.missing += state == BLOCK_ABSENT ? bytes : 0;
            found.unwritten += state == BLOCK_COMING || state == BLOCK_MEMORY ? bytes : 0;
            found.unchecked += state == BLOCK_DISK ? bytes : 0;
        }
        found.writable = cached->disk.writable;
        pthread_mutex_unlock(&cached->lock);
    } else if (file->streams) {
        found.missing = file->size;
    }
    *ret = found;
}

int cache_complete_fd(struct cache_file *file)
{
    if (file->streams || !file->cached || !file->size || !gather_check_all(file->cached, CHECK_AT_ONCE_BYTES))
        return -1;
    unread_take(file->cached, 0, file->size);
    return file->cached->disk.data_fd;
}

/* ---- reading ---- */

static int check_range(const struct cache_file *file, uint64_t offset, uint64_t len, struct error *err)
{
    if (offset > file->size || len > file->size - offset)
        return error_set(err, EINVAL, "bytes %llu+%llu lie outside the file of %llu",
                         (unsigned long long)offset, (unsigned long long)len, (unsigned long long)file->size);
    if (atomic_load_explicit(&file->cache->stopping, memory_order_relaxed))
        return error_set(err, ECANCELED, "the cache is being closed");
    return 0;
}

static void count_read(struct cache_file *file, size_t len)
{
    count_add(&file->cache->counters.reads, 1);
    count_add(&file->cache->counters.bytes_read, len);
}

void cache_read(struct cache_file *file, struct cache_read *read)
{
    struct error err;
    memset(read->state, 0, sizeof read->state);
    int rc = check_range(file, read->offset, read->len, &err);
    count_read(file, read->len);
    if (rc || !read->len)
        read->done(read, rc, rc ? NULL : "", rc ? &err : NULL);
    else if (compose_takes(file, read->offset, read->len))
        compose_start(file, read);
    else
        read_start(file->cached, &file->pattern, read);
}

void cache_forget(struct cache_file *file, uint64_t offset, uint64_t len)
{
    struct cached *cached = file->cached;
    if (!cached || check_range(file, offset, len, NULL))
        return;
    uint64_t end = blocks_of(&cached->blocks, offset + len);
    fills_forget(cached, offset / cached->blocks.block_bytes, end);
}

void cache_read_cancel(struct cache_file *file, struct cache_read *read)
{
    if (read->state[1])
        compose_cancel(read);
    else
        read_cancel(file->cached, read);
}

/* Like cache_read_now(), uncounted. */
static int try_now(struct cache_file *file, uint64_t offset, size_t len, void *to, struct error *err)
{
    int rc = check_range(file, offset, len, err);
    if (rc || !len)
        return rc;
    if (compose_takes(file, offset, len))
        return compose_now(file, offset, len, to, err);
    return read_now(file->cached, offset, len, to, err);
}

int cache_read_now(struct cache_file *file, uint64_t offset, size_t len, void *to, struct error *err)
{
    int rc = try_now(file, offset, len, to, err);
    if (!rc)
        count_read(file, len);
    return rc;
}

struct waiter {
    struct cache_read read; /* first */
    void *to;
    struct error *err;
    pthread_cond_t ended;
    pthread_mutex_t lock; /* guards what follows */
    bool has_ended;
    int rc;
};

static void waiter_done(struct cache_read *read, int rc, const void *bytes, const struct error *err)
{
    struct waiter *waiter = (struct waiter *)read;
    if (!rc && read->len)
        memcpy(waiter->to, bytes, read->len);
    else if (rc)
        error_copy(waiter->err, err);
    pthread_mutex_lock(&waiter->lock);
    waiter->has_ended = true;
    waiter->rc = rc;
    pthread_cond_signal(&waiter->ended);
    pthread_mutex_unlock(&waiter->lock);
}

/* Waits for the end; after the deadline cancels and waits for that. */
static bool wait_ended(struct cache_file *file, struct waiter *waiter, int64_t deadline_ns)
{
    struct timespec until = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
    bool late = false;
    pthread_mutex_lock(&waiter->lock);
    while (!waiter->has_ended && !late) {
        if (!deadline_ns)
            pthread_cond_wait(&waiter->ended, &waiter->lock);
        else
            late = pthread_cond_timedwait(&waiter->ended, &waiter->lock, &until) == ETIMEDOUT;
    }
    late = late && !waiter->has_ended;
    if (late)
        cache_read_cancel(file, &waiter->read);
    while (!waiter->has_ended)
        pthread_cond_wait(&waiter->ended, &waiter->lock);
    pthread_mutex_unlock(&waiter->lock);
    return late;
}

static void waiter_init(struct waiter *waiter)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&waiter->ended, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&waiter->lock, NULL);
}

int cache_read_wait(struct cache_file *file, uint64_t offset, size_t len, void *to, int64_t deadline_ns,
                    struct error *err)
{
    struct error own;
    struct waiter waiter = {
        .read = {.offset = offset, .len = len, .done = waiter_done}, .to = to, .err = err ? err : &own};
    waiter_init(&waiter);
    cache_read(file, &waiter.read);
    bool late = wait_ended(file, &waiter, deadline_ns);
    pthread_cond_destroy(&waiter.ended);
    pthread_mutex_destroy(&waiter.lock);
    if (late && waiter.rc == -ECANCELED)
        return error_set(err, ETIMEDOUT, "bytes %llu+%zu did not come in time", (unsigned long long)offset,
                         len);
    return waiter.rc;
}
