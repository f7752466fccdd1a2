// SPDX-License-Identifier: Apache-2.0
/* Each job takes the next stream in the order of the path, so that what was fetched when it ends early is the
 * front of it. A stream counts when the disk has it: what is in memory alone may be dropped. */
#include "tools/prefetch.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "cache/base/count.h"
#include "cache/base/instant.h"
#include "cache/base/workers.h"
#include "query/files.h"
#include "tools/progress.h"

enum { CHUNK_BYTES = 4 << 20, TRIES = 3, LOOK_EVERY_NS = 1000000 };
#define PATIENCE_NS INT64_C(10000000000)

struct stream {
    uint32_t row, stream;
    uint64_t size;
    size_t clip;
};

struct prefetch {
    const struct session_place *at;
    const struct prefetch_options *options;
    struct stream *list;
    size_t count, cap;
    uint32_t *left; /* streams of each clip that are not here yet */
    size_t clips, clips_cap;
    uint64_t capacity;    /* bytes the cache keeps when it is full */
    pthread_mutex_t lock; /* guards what follows */
    struct progress *progress;
    size_t next;
    uint64_t claimed, held; /* bytes to fetch, and in the cache, of the streams taken so far */
    bool ended;             /* nothing more is begun */
    struct prefetch_told told;
    uint64_t failed;
    struct error first; /* why the first of them is not here */
};

/* ---- what to fetch ---- */

static int add_stream(void *ctx, const struct files_entry *entry, struct error *err)
{
    struct prefetch *all = ctx;
    (void)err;
    if (entry->stream == FILES_STREAM_JSON)
        return 0;
    mem_grow(&all->list, &all->cap, all->count + 1, sizeof *all->list);
    all->list[all->count++] = (struct stream){entry->row, entry->stream, entry->size, all->clips - 1};
    all->left[all->clips - 1]++;
    all->told.bytes_all += entry->size;
    return 0;
}

static void begin_clip(struct prefetch *all)
{
    mem_grow(&all->left, &all->clips_cap, all->clips + 1, sizeof *all->left);
    all->left[all->clips++] = 0;
}

static int add_clip(void *ctx, uint32_t row, struct error *err)
{
    struct prefetch *all = ctx;
    begin_clip(all);
    int rc = files_of_clip(all->at->reader, all->at->place.query, row, add_stream, all, err);
    all->told.clips += !rc && !all->left[all->clips - 1]; /* labels alone */
    return rc;
}

static int add_file(struct prefetch *all, struct error *err)
{
    struct files_entry entry;
    begin_clip(all);
    int rc = files_entry(all->at->reader, all->at->place.row, all->at->place.stream, NULL, &entry, err);
    if (!rc)
        rc = add_stream(all, &entry, err);
    all->told.clips += !rc && !all->left[0];
    return rc;
}

static int gather(struct prefetch *all, struct error *err)
{
    const struct place *place = &all->at->place;
    int rc = place->is_file
                 ? add_file(all, err)
                 : query_each_clip(place->query, all->at->reader, CATALOG_COMING_STREAMS, add_clip, all, err);
    all->told.clips_all = all->clips;
    return rc;
}

/* ---- when to end ---- */

static void end_locked(struct prefetch *all, enum prefetch_end why)
{
    if (!all->ended)
        all->told.end = why;
    all->ended = true;
}

static bool has_ended(struct prefetch *all)
{
    pthread_mutex_lock(&all->lock);
    if (atomic_load(all->options->interrupted))
        end_locked(all, PREFETCH_INTERRUPTED);
    bool ended = all->ended;
    pthread_mutex_unlock(&all->lock);
    return ended;
}

static bool take_next(struct prefetch *all, struct stream *ret)
{
    if (has_ended(all))
        return false;
    pthread_mutex_lock(&all->lock);
    bool has = all->next < all->count;
    if (has)
        *ret = all->list[all->next++];
    pthread_mutex_unlock(&all->lock);
    return has;
}

/* What the cache counts for a stream: whole blocks, and what it notes of them. */
static uint64_t room_of(const struct stream *stream)
{
    uint64_t blocks = stream->size / CACHE_BLOCK_BYTES + 1;
    return (blocks + blocks / 256 + 2) * CACHE_BLOCK_BYTES;
}

/* May this stream come, too? `here` bytes of it need not. */
static bool claim(struct prefetch *all, const struct stream *stream, uint64_t missing, uint64_t here)
{
    pthread_mutex_lock(&all->lock);
    if (missing > all->options->bytes - all->claimed)
        end_locked(all, PREFETCH_BYTES);
    else if (missing && all->held + room_of(stream) > all->capacity)
        end_locked(all, PREFETCH_CACHE_SIZE);
    bool may = !all->ended;
    if (may) {
        all->claimed += missing;
        all->held += room_of(stream);
        all->told.here += here;
    }
    pthread_mutex_unlock(&all->lock);
    return may;
}

static void look_later(void)
{
    nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_NS}, NULL);
}

/* Waits until the disk takes so many bytes more. 1: the whole has ended meanwhile. */
static int wait_for_room(struct prefetch *all, uint64_t bytes, struct error *err)
{
    struct cache *cache = all->at->session.cache;
    struct cache_stats stats;
    int64_t until = clock_now_ns() + PATIENCE_NS;
    int rc;
    while ((rc = cache_room(cache, bytes)) == -EAGAIN || (rc == -EDQUOT && clock_now_ns() < until)) {
        if (has_ended(all))
            return 1;
        look_later();
    }
    if (rc == -EIO) {
        cache_stats(cache, &stats);
        return error_set(err, EIO, "the cache cannot be written: %s", stats.disk_reason);
    }
    pthread_mutex_lock(&all->lock);
    if (rc)
        end_locked(all, rc == -EDQUOT ? PREFETCH_CACHE_SIZE : PREFETCH_DISK_SPACE);
    pthread_mutex_unlock(&all->lock);
    return rc ? 1 : 0;
}

/* ---- one stream, on a worker ---- */

static void count_bytes(struct prefetch *all, uint64_t bytes)
{
    pthread_mutex_lock(&all->lock);
    progress_add(all->progress, bytes);
    pthread_mutex_unlock(&all->lock);
}

static int read_all(struct prefetch *all, struct cache_file *file, void *chunk, struct error *err)
{
    int rc = 0;
    for (uint64_t at = 0, size = cache_size(file), len; !rc && at < size; at += len) {
        len = size - at < CHUNK_BYTES ? size - at : CHUNK_BYTES;
        rc = has_ended(all) ? 1 : wait_for_room(all, len, err);
        if (!rc)
            rc = cache_read_wait(file, at, len, chunk, 0, err);
        if (!rc)
            count_bytes(all, len);
    }
    return rc;
}

/* Until the disk has what came. */
static void wait_written(struct prefetch *all, const struct cache_file *file, struct cache_presence *ret)
{
    int64_t until = clock_now_ns() + PATIENCE_NS;
    for (;;) {
        cache_presence(file, ret);
        if (!ret->unwritten || has_ended(all) || clock_now_ns() > until)
            return;
        look_later();
    }
}

/* 0: all of it is on disk; 1: it is not, and that is no failure. */
static int fetch(struct prefetch *all, struct cache_file *file, struct cache_presence *presence, void *chunk,
                 struct error *err)
{
    int rc = 0;
    bool lacks = true; /* or was not looked at: what is on disk and damaged is found by reading it */
    for (unsigned i = 0; !rc && i < TRIES && lacks; i++) {
        rc = read_all(all, file, chunk, err);
        if (!rc)
            wait_written(all, file, presence);
        lacks = presence->missing || presence->unwritten;
    }
    if (!rc && lacks)
        rc = has_ended(all) ? 1 : error_set(err, EIO, "the cache does not keep what it is given");
    return rc;
}

static void note_here(struct prefetch *all, const struct stream *stream)
{
    pthread_mutex_lock(&all->lock);
    if (!--all->left[stream->clip])
        all->told.clips++;
    pthread_mutex_unlock(&all->lock);
}

static int warm_file(struct prefetch *all, const struct stream *stream, struct cache_file *file, void *chunk,
                     struct error *err)
{
    struct cache_presence before, after;
    cache_presence(file, &before);
    if (before.missing && !before.writable) {
        pthread_mutex_lock(&all->lock);
        all->told.in_use++;
        pthread_mutex_unlock(&all->lock);
        return 0;
    }
    if (!claim(all, stream, before.missing, stream->size - before.missing - before.unwritten))
        return 1;
    after = before;
    bool here = !before.missing && !before.unwritten && !before.unchecked;
    int rc = !here ? fetch(all, file, &after, chunk, err) : 0;
    if (here)
        count_bytes(all, stream->size);
    cache_presence(file, &after);
    pthread_mutex_lock(&all->lock);
    if (before.missing > after.missing) /* else another stream of the same bytes has them, or had */
        all->told.fetched += before.missing - after.missing;
    pthread_mutex_unlock(&all->lock);
    if (!rc)
        note_here(all, stream);
    return rc;
}

static int warm(struct prefetch *all, struct catalog_reader *reader, const struct stream *stream, void *chunk,
                struct error *err)
{
    const struct session *session = &all->at->session;
    CLEANUP_EXTENT_MAP struct extent_map *map = NULL;
    CLEANUP_CACHE_FILE struct cache_file *file = NULL, *again = NULL;
    int rc = dataset_stream_map(session->dataset, reader, stream->row, stream->stream, &map, err);
    if (!rc)
        rc = cache_open_map(session->cache, map, &file, err);
    if (!rc) /* what was opened twice, eviction passes over once: others go first */
        rc = cache_open_map(session->cache, map, &again, err);
    return rc ? rc : warm_file(all, stream, file, chunk, err);
}

/* A recording that is gone or was overwritten says nothing of the others. */
static void note_failure(struct prefetch *all, const struct error *why)
{
    pthread_mutex_lock(&all->lock);
    if (atomic_load(all->options->interrupted))
        end_locked(all, PREFETCH_INTERRUPTED);
    else if (!all->failed++)
        all->first = *why;
    all->ended |= why->code != ESTALE && why->code != ENOENT;
    pthread_mutex_unlock(&all->lock);
}

static void job(void *ctx)
{
    struct prefetch *all = ctx;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    CLEANUP_FREE void *chunk = mem_alloc(CHUNK_BYTES);
    struct error err = {0};
    struct stream stream;
    if (catalog_reader_acquire(all->at->place.catalog, PATIENCE_ENDLESS, &reader, &err)) {
        note_failure(all, &err);
        return;
    }
    while (take_next(all, &stream))
        if (warm(all, reader, &stream, chunk, &err) < 0)
            note_failure(all, &err);
}

/* ---- all of them ---- */

static int run_jobs(struct prefetch *all, struct error *err)
{
    struct workers *workers = NULL;
    struct cache_stats before, after;
    cache_stats(all->at->session.cache, &before);
    all->capacity = before.limit_bytes / 100 * CACHE_EVICT_TO_PERCENT;
    int rc = workers_new(all->options->jobs, &workers, err);
    if (rc)
        return rc;
    all->progress = progress_new("fetched", "B", all->told.bytes_all);
    for (unsigned i = 0; i < all->options->jobs; i++)
        workers_submit(workers, job, all);
    workers_free(workers);
    progress_free(all->progress);
    cache_stats(all->at->session.cache, &after);
    all->told.requests = after.fetches - before.fetches;
    if (!all->failed || all->count == 1)
        return all->failed ? error_copy(err, &all->first) : 0;
    return error_set(err, all->first.code, "%s of %llu could not be fetched: %s",
                     COUNT(all->failed, "stream"), (unsigned long long)all->count, all->first.text);
}

int prefetch_place(const struct session_place *at, const struct prefetch_options *options,
                   struct prefetch_told *ret, struct error *err)
{
    struct prefetch all = {.at = at, .options = options};
    pthread_mutex_init(&all.lock, NULL);
    int rc = gather(&all, err);
    if (!rc)
        rc = run_jobs(&all, err);
    pthread_mutex_destroy(&all.lock);
    free(all.list);
    free(all.left);
    *ret = all.told;
    return rc;
}
