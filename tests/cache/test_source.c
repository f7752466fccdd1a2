// SPDX-License-Identifier: Apache-2.0
/* Bytes are a function of seed and offset, so any range can be given and checked without keeping any. */
#include "tests/cache/test_source.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

struct source {
    struct cache_source base; /* first */
    struct test_source_options options;
    struct test_counts *counts;
    pthread_mutex_t lock; /* guards what follows */
    struct run *runs;
};

struct run {
    struct source *source;
    struct cache_fill *fill;
    struct run *next;
    unsigned number;
    atomic_bool cancelled;
};

static uint64_t word(uint64_t seed, uint64_t number)
{
    uint64_t x = (number + 1) * 0x9e3779b97f4a7c15ULL ^ seed * 0xbf58476d1ce4e5b9ULL;
    return x ^ x >> 29;
}

uint8_t test_byte(uint64_t seed, uint64_t offset)
{
    return (uint8_t)(word(seed, offset / 8) >> (8 * (offset % 8)));
}

void test_bytes(uint64_t seed, uint64_t offset, void *to, size_t len)
{
    uint8_t *at = to, *end = at + len;
    for (; at < end && offset % 8; at++, offset++)
        *at = test_byte(seed, offset);
    for (; end - at >= 8; at += 8, offset += 8) {
        uint64_t x = word(seed, offset / 8);
        memcpy(at, &x, 8);
    }
    for (; at < end; at++, offset++)
        *at = test_byte(seed, offset);
}

static void nap(unsigned us)
{
    if (us)
        nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = (us % 1000000) * 1000L}, NULL);
}

static int give(struct run *run)
{
    const struct test_source_options *options = &run->source->options;
    uint64_t at = cache_fill_offset(run->fill), len = cache_fill_len(run->fill), end = at + len;
    bool fails = (options->fail_nth && run->number == options->fail_nth) ||
                 (options->fail_every && run->number % options->fail_every == 0);
    uint8_t *bytes = mem_alloc(len);
    int rc = 0;
    end = fails ? at + len / 2 : end;
    while (options->hold && !atomic_load(&run->source->counts->released) && !atomic_load(&run->cancelled))
        nap(100);
    while (at < end && !(rc = atomic_load(&run->cancelled) ? -ECANCELED : 0)) {
        size_t n = options->piece_bytes && options->piece_bytes < end - at ? options->piece_bytes : end - at;
        nap(options->delay_us);
        test_bytes(options->seed, at, bytes, n);
        atomic_fetch_add(&run->source->counts->bytes, n);
        cache_fill_data(run->fill, at, bytes, n);
        at += n;
    }
    free(bytes);
    return rc ? rc : fails ? -EIO : 0;
}

static void forget(struct run *run)
{
    pthread_mutex_lock(&run->source->lock);
    struct run **at = &run->source->runs;
    while (*at != run)
        at = &(*at)->next;
    *at = run->next;
    pthread_mutex_unlock(&run->source->lock);
}

static void *work(void *ctx)
{
    struct run *run = ctx;
    struct cache_fill *fill = run->fill;
    struct test_counts *counts = run->source->counts;
    struct error err = {0};
    int rc = give(run);
    if (rc)
        error_set(&err, -rc, rc == -EIO ? "the store broke" : "cancelled");
    forget(run);
    free(run);
    cache_fill_done(fill, rc, &err);
    atomic_fetch_sub(&counts->running, 1);
    return NULL;
}

static void start(struct cache_source *base, struct cache_fill *fill)
{
    struct source *source = (struct source *)base;
    struct run *run = MEM_NEW(struct run);
    run->source = source;
    run->fill = fill;
    run->number = atomic_fetch_add(&source->counts->fills, 1) + 1;
    atomic_fetch_add(&source->counts->running, 1);
    pthread_mutex_lock(&source->lock);
    run->next = source->runs;
    source->runs = run;
    pthread_mutex_unlock(&source->lock);
    pthread_t thread;
    if (source->options.inside_start)
        work(run);
    else if (!pthread_create(&thread, NULL, work, run))
        pthread_detach(thread);
    else
        abort();
}

static void cancel(struct cache_source *base, struct cache_fill *fill)
{
    struct source *source = (struct source *)base;
    atomic_fetch_add(&source->counts->cancels, 1);
    pthread_mutex_lock(&source->lock);
    for (struct run *run = source->runs; run; run = run->next)
        if (run->fill == fill)
            atomic_store(&run->cancelled, true);
    pthread_mutex_unlock(&source->lock);
}

static void free_source(struct cache_source *base)
{
    struct source *source = (struct source *)base;
    atomic_fetch_add(&source->counts->frees, 1);
    pthread_mutex_destroy(&source->lock);
    free(source);
}

struct cache_source *test_source(const struct test_source_options *options, struct test_counts *counts)
{
    static const struct cache_source_ops ops = {.start = start, .cancel = cancel, .free = free_source};
    struct source *source = MEM_NEW(struct source);
    source->base.ops = &ops;
    source->options = *options;
    source->counts = counts;
    pthread_mutex_init(&source->lock, NULL);
    return &source->base;
}
