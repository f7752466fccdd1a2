// SPDX-License-Identifier: Apache-2.0
/* Blocks are small, since what is read of a pack is frames of a few KiB: 4 KiB blocks would fetch half as
 * much again. */
#include "index/pages/pack_source.h"

#include <errno.h>
#include <pthread.h>

#include "cache/base/memory.h"

enum { BLOCK_BYTES = 512 };

struct job {
    struct pack_source *source;
    struct cache_fill *fill;
    struct job *prev, *next;
    uint64_t got;
    struct store_get get;
};

struct pack_source {
    struct cache_source base; /* first */
    struct store *store;
    char *path;
    uint64_t size;
    pthread_mutex_t lock; /* guards what follows */
    struct job *jobs;
};

static void on_data(struct store_get *get, uint64_t offset, const void *bytes, size_t len)
{
    struct job *job = get->ctx;
    job->got += len;
    cache_fill_count(job->fill, 0, len);
    cache_fill_data(job->fill, offset, bytes, len);
}

static void on_done(struct store_get *get, int rc, const struct error *err)
{
    struct job *job = get->ctx;
    struct pack_source *source = job->source;
    struct error told = {0};
    pthread_mutex_lock(&source->lock); /* a cancel that is under way has ended behind this */
    *(job->prev ? &job->prev->next : &source->jobs) = job->next;
    if (job->next)
        job->next->prev = job->prev;
    pthread_mutex_unlock(&source->lock);
    if (rc < 0)
        error_copy(&told, err);
    else if (job->got < get->len)
        error_set(&told, EUCLEAN, "%s: is shorter than its catalog says", source->path);
    /* A version exists: that its pack does not, or not whole, is damage and not absence. */
    if (told.code == ENOENT || told.code == EINVAL || told.code == ESTALE)
        told.code = EUCLEAN;
    cache_fill_done(job->fill, -told.code, told.code ? &told : NULL);
    free(job);
}

static void start(struct cache_source *base, struct cache_fill *fill)
{
    struct pack_source *source = (struct pack_source *)base;
    struct job *job = MEM_NEW(struct job);
    job->source = source;
    job->fill = fill;
    job->get = (struct store_get){.path = source->path,
                                  .size = source->size,
                                  .offset = cache_fill_offset(fill),
                                  .len = cache_fill_len(fill),
                                  .on_data = on_data,
                                  .on_done = on_done,
                                  .ctx = job};
    cache_fill_count(fill, 1, 0);
    pthread_mutex_lock(&source->lock);
    job->next = source->jobs;
    if (job->next)
        job->next->prev = job;
    source->jobs = job;
    /* Under the lock: the store never calls back in this thread, and a cancel must find the request begun. */
    store_get_start(source->store, &job->get);
    pthread_mutex_unlock(&source->lock);
}

static void cancel(struct cache_source *base, struct cache_fill *fill)
{
    struct pack_source *source = (struct pack_source *)base;
    pthread_mutex_lock(&source->lock);
    struct job *job = source->jobs;
    while (job && job->fill != fill)
        job = job->next;
    if (job)
        store_get_cancel(source->store, &job->get);
    pthread_mutex_unlock(&source->lock);
}

static void free_source(struct cache_source *base)
{
    struct pack_source *source = (struct pack_source *)base;
    store_unref(source->store);
    pthread_mutex_destroy(&source->lock);
    free(source->path);
    free(source);
}

struct cache_source *pack_source_new(struct store *store, const char *path, uint64_t size)
{
    static const struct cache_source_ops ops = {.start = start,
                                                .cancel = cancel,
                                                .free = free_source,
                                                .counts = true,
                                                .exact = true,
                                                .block_bytes = BLOCK_BYTES};
    struct pack_source *source = MEM_NEW(struct pack_source);
    source->base.ops = &ops;
    source->store = store_ref(store);
    source->path = mem_text(path);
    source->size = size;
    pthread_mutex_init(&source->lock, NULL);
    return &source->base;
}
