// SPDX-License-Identifier: Apache-2.0
/*
 * The catalog as a source of the cache.
 *
 *     IDLE --start()--> FETCHING --verified--> READY --every byte handed on--> IDLE
 *       ^------------------'  failed or cancelled: every waiting fill ends with the reason
 *
 * The pack is asked for in parts, each with its own deadline, so a broken transfer costs its rest only. While
 * a fetch runs at least one fill waits, and the cache keeps a source as long as fills run; so nothing
 * outlives it. A fill that is cancelled while others wait ends with the next bytes that arrive.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/memory.h"
#include "index/pages/pack.h"
#include "index/pages/unpack.h"

enum { PART_BYTES = 8 << 20, SERVE_BYTES = 256 << 10, BROKEN_MAX = 100 };

enum source_state { SOURCE_IDLE, SOURCE_FETCHING, SOURCE_READY };

struct waiting {
    struct cache_fill *fill;
    bool cancelled;
};

struct pack_source {
    struct cache_source base;
    struct store *store;
    struct manifest_catalog catalog;
    char *name, *folder;

    /* of the running fetch; touched by one store thread at a time */
    struct store_get get;
    struct unpack *unpack;
    uint64_t part_start;
    unsigned broken;

    pthread_mutex_t lock; /* guards what follows */
    enum source_state state;
    bool asked;  /* `get` is with the store, so it may be cancelled */
    bool stop;   /* every fill was cancelled */
    bool let_go; /* `get` was cancelled */
    struct waiting *waiting;
    size_t count, cap;
    struct spool *spool; /* READY */
    uint64_t unserved;   /* READY: bytes never handed on */
};

static void ask(struct pack_source *source);

/* ---- handing on ---- */

static int serve_range(const struct spool *spool, struct cache_fill *fill, struct error *err)
{
    CLEANUP_FREE uint8_t *bytes = mem_alloc(SERVE_BYTES);
    uint64_t at = cache_fill_offset(fill), end = at + cache_fill_len(fill);
    while (at < end) {
        size_t want = end - at < SERVE_BYTES ? (size_t)(end - at) : SERVE_BYTES;
        ssize_t got = pread(spool->fd, bytes, want, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, EIO, "the unpacked catalog cannot be read: %s",
                             got ? strerror(errno) : "it ends early");
        cache_fill_data(fill, at, bytes, (size_t)got);
        at += (size_t)got;
    }
    return 0;
}

static void serve(struct spool *spool, struct cache_fill *fill)
{
    struct error err = {0};
    int rc = serve_range(spool, fill, &err);
    cache_fill_done(fill, rc, &err);
}

/* The spool for one more fill; given up by the source when nothing is left that the cache has not been given.
 */
static struct spool *take_spool_locked(struct pack_source *source, const struct cache_fill *fill)
{
    uint64_t len = cache_fill_len(fill);
    struct spool *spool = spool_ref(source->spool);
    source->unserved -= len < source->unserved ? len : source->unserved;
    if (!source->unserved && !spool->in_memory) { /* a disk that did not take it will not keep its blocks */
        spool_unref(STEAL(source->spool));
        source->state = SOURCE_IDLE;
    }
    return spool;
}

/* ---- fetching ---- */

/* Ends the fetch for every waiting fill. The last of them may free the source. */
static void finish(struct pack_source *source, struct spool *spool, const struct error *err)
{
    pthread_mutex_lock(&source->lock);
    struct unpack *unpack = STEAL(source->unpack);
    struct waiting *waiting = STEAL(source->waiting);
    size_t count = source->count;
    uint64_t asked = 0;
    for (size_t i = 0; i < count; i++)
        asked += cache_fill_len(waiting[i].fill);
    source->count = source->cap = 0;
    source->state = SOURCE_IDLE;
    if (spool && (asked < source->catalog.size || spool->in_memory)) {
        source->state = SOURCE_READY;
        source->spool = spool_ref(spool);
        source->unserved = asked < source->catalog.size ? source->catalog.size - asked : 0;
    }
    pthread_mutex_unlock(&source->lock);
    unpack_free(unpack);
    for (size_t i = 0; i < count; i++) {
        struct error cancelled = {.code = ECANCELED, .text = "cancelled"};
        if (waiting[i].cancelled)
            cache_fill_done(waiting[i].fill, -ECANCELED, &cancelled);
        else if (spool)
            serve(spool, waiting[i].fill);
        else
            cache_fill_done(waiting[i].fill, -err->code, err);
    }
    spool_unref(spool);
    free(waiting);
}

static void fail(struct pack_source *source, struct error *err)
{
    /* The version exists: that its pack does not, or not whole, is damage and not absence. */
    if (err->code == ENOENT || err->code == EINVAL || err->code == ESTALE)
        err->code = EUCLEAN;
    if (!strstr(err->text, source->name))
        error_prefix(err, "%s", source->name);
    finish(source, NULL, err);
}

/* Lets go of fills that nobody waits for, as long as others keep the fetch going. */
static void end_cancelled(struct pack_source *source)
{
    for (;;) {
        struct cache_fill *fill = NULL;
        pthread_mutex_lock(&source->lock);
        for (size_t i = 0; i < source->count && !fill && !source->stop; i++) {
            if (source->waiting[i].cancelled) {
                fill = source->waiting[i].fill;
                source->waiting[i] = source->waiting[--source->count];
            }
        }
        pthread_mutex_unlock(&source->lock);
        if (!fill)
            return;
        struct error cancelled = {.code = ECANCELED, .text = "cancelled"};
        cache_fill_done(fill, -ECANCELED, &cancelled);
    }
}

static void on_data(struct store_get *get, uint64_t offset, const void *bytes, size_t len)
{
    struct pack_source *source = get->ctx;
    end_cancelled(source);
    unpack_add(source->unpack, bytes, len, NULL); /* an error stays there */
}

static bool may_go_on(struct pack_source *source, int rc)
{
    bool moved = unpack_received(source->unpack) > source->part_start;
    if (rc == 0)
        return moved;
    return moved && (rc == -EIO || rc == -ETIMEDOUT) && source->broken++ < BROKEN_MAX;
}

/* 1: there is more to ask for, 0: the catalog is whole and verified. */
static int judge(struct pack_source *source, int rc, const struct error *store_err, struct spool **ret,
                 struct error *err)
{
    int bad = unpack_check(source->unpack, err);
    if (bad < 0)
        return bad;
    bool more = unpack_received(source->unpack) < source->catalog.pack_size;
    if (more && may_go_on(source, rc))
        return 1;
    return more && rc < 0 ? error_copy(err, store_err) : unpack_finish(source->unpack, ret, err);
}

static void on_done(struct store_get *get, int rc, const struct error *store_err)
{
    struct pack_source *source = get->ctx;
    struct error err = {0};
    struct spool *spool = NULL;
    pthread_mutex_lock(&source->lock);
    source->asked = false;
    bool stop = source->stop;
    bool overtaken = source->let_go && !stop; /* a new fill came after the request was cancelled */
    source->let_go = false;
    pthread_mutex_unlock(&source->lock);
    if (stop)
        rc = error_set(&err, ECANCELED, "cancelled");
    else if (overtaken && rc == -ECANCELED)
        rc = 1;
    else
        rc = judge(source, rc, store_err, &spool, &err);
    if (rc > 0)
        ask(source);
    else if (rc < 0)
        fail(source, &err);
    else
        finish(source, spool, NULL);
}

static void let_go_locked(struct pack_source *source)
{
    source->let_go = true;
    store_get_cancel(source->store, &source->get);
}

/* Asks the store for the next part. */
static void ask(struct pack_source *source)
{
    uint64_t at = unpack_received(source->unpack), left = source->catalog.pack_size - at;
    source->part_start = at;
    source->get = (struct store_get){
        .path = source->catalog.pack,
        .size = source->catalog.pack_size,
        .offset = at,
        .len = left < PART_BYTES ? left : PART_BYTES,
        .on_data = on_data,
        .on_done = on_done,
        .ctx = source,
    };
    pthread_mutex_lock(&source->lock);
    source->asked = true;
    /* Under the lock: the store never calls back in this thread, and a cancel must find the request begun. */
    store_get_start(source->store, &source->get);
    if (source->stop)
        let_go_locked(source);
    pthread_mutex_unlock(&source->lock);
}

/* ---- the source ---- */

static void add_waiting_locked(struct pack_source *source, struct cache_fill *fill)
{
    mem_grow(&source->waiting, &source->cap, source->count + 1, sizeof *source->waiting);
    source->waiting[source->count++] = (struct waiting){.fill = fill};
}

static void begin(struct pack_source *source)
{
    struct error err = {0};
    source->broken = 0;
    if (unpack_new(source->name, &source->catalog, source->folder, &source->unpack, &err) < 0)
        fail(source, &err);
    else
        ask(source);
}

static void source_start(struct cache_source *base, struct cache_fill *fill)
{
    struct pack_source *source = (struct pack_source *)base;
    struct spool *spool = NULL;
    pthread_mutex_lock(&source->lock);
    bool first = source->state == SOURCE_IDLE;
    if (source->state == SOURCE_READY) {
        spool = take_spool_locked(source, fill);
    } else {
        add_waiting_locked(source, fill);
        source->stop = false;
        source->state = SOURCE_FETCHING;
    }
    pthread_mutex_unlock(&source->lock);
    if (spool) {
        serve(spool, fill);
        spool_unref(spool);
    } else if (first) {
        begin(source);
    }
}

static void source_cancel(struct cache_source *base, struct cache_fill *fill)
{
    struct pack_source *source = (struct pack_source *)base;
    size_t left = 0;
    pthread_mutex_lock(&source->lock);
    for (size_t i = 0; i < source->count; i++) {
        if (source->waiting[i].fill == fill)
            source->waiting[i].cancelled = true;
        left += !source->waiting[i].cancelled;
    }
    if (source->count && !left) {
        source->stop = true;
        if (source->asked)
            let_go_locked(source);
    }
    pthread_mutex_unlock(&source->lock);
}

static void source_free(struct cache_source *base)
{
    struct pack_source *source = (struct pack_source *)base;
    spool_unref(source->spool);
    store_unref(source->store);
    pthread_mutex_destroy(&source->lock);
    free(source->name);
    free(source->folder);
    free(source);
}

static const struct cache_source_ops source_ops = {
    .start = source_start, .cancel = source_cancel, .free = source_free};

struct cache_source *pack_source_new(struct store *store, const struct manifest_catalog *catalog,
                                     const char *name, const char *folder)
{
    struct pack_source *source = MEM_NEW(struct pack_source);
    source->base.ops = &source_ops;
    source->store = store_ref(store);
    source->catalog = *catalog;
    source->name = mem_text(name);
    source->folder = mem_text(folder);
    pthread_mutex_init(&source->lock, NULL);
    return &source->base;
}
