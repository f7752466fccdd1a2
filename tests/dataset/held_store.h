// SPDX-License-Identifier: Apache-2.0
/* A store over another one whose reads are given, held until that changes, or fail. A held read that is
 * cancelled ends. */
#pragma once

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "cache/base/memory.h"
#include "cache/store/ops.h"

enum held_mode { HELD_GIVE, HELD_HOLD, HELD_FAIL };
enum { HELD_MAX = 2048 };

struct held_get {
    struct store_get get;
    struct store_get *outer;
    int code; /* it ends with this instead; 0: as the inner one does */
};

struct held_store {
    struct store base;
    struct store *inner;
    bool unlisted; /* it cannot list */
    atomic_uint reads;
    atomic_ullong bytes;  /* of reads */
    pthread_mutex_t lock; /* guards what follows */
    enum held_mode mode;
    const char *match; /* only reads of paths with this in it are held or fail; NULL: all */
    struct store_get *held[HELD_MAX];
    unsigned held_count;
    atomic_bool *noticed; /* set when a read is held; may be NULL */
};

static inline void held_data(struct store_get *get, uint64_t offset, const void *bytes, size_t len)
{
    struct held_get *held = get->ctx;
    if (!held->code)
        held->outer->on_data(held->outer, offset, bytes, len);
}

static inline void held_done(struct store_get *get, int rc, const struct error *err)
{
    struct held_get *held = get->ctx;
    struct error now = rc < 0 ? *err : (struct error){0};
    if (held->code)
        error_set(&now, held->code, held->code == ECANCELED ? "cancelled" : "the store is on fire");
    struct store_get *outer = held->outer;
    free(held);
    outer->on_done(outer, -now.code, &now);
}

/* The inner store reads in any case, so that no callback comes in the calling thread. */
static inline void held_start(struct held_store *store, struct store_get *outer, int code)
{
    struct held_get *held = MEM_NEW(struct held_get);
    held->get = *outer;
    held->get.on_data = held_data;
    held->get.on_done = held_done;
    held->get.ctx = held;
    held->outer = outer;
    held->code = code;
    store->inner->ops->get_start(store->inner, &held->get);
}

static inline void held_get_start(struct store *base, struct store_get *get)
{
    struct held_store *store = (struct held_store *)base;
    atomic_fetch_add(&store->reads, 1);
    atomic_fetch_add(&store->bytes, get->len);
    pthread_mutex_lock(&store->lock);
    enum held_mode mode = !store->match || strstr(get->path, store->match) ? store->mode : HELD_GIVE;
    bool hold = mode == HELD_HOLD && store->held_count < HELD_MAX;
    get->state = hold ? store : NULL; /* a read that was passed on is not cancelled */
    if (hold)
        store->held[store->held_count++] = get;
    if (hold && store->noticed)
        atomic_store(store->noticed, true);
    pthread_mutex_unlock(&store->lock);
    if (!hold)
        held_start(store, get, mode == HELD_FAIL ? EIO : 0);
}

static inline void held_get_cancel(struct store *base, struct store_get *get)
{
    struct held_store *store = (struct held_store *)base;
    bool held = false;
    pthread_mutex_lock(&store->lock);
    for (unsigned i = 0; i < store->held_count; i++)
        if (store->held[i] == get) {
            store->held[i] = store->held[--store->held_count];
            held = true;
        }
    pthread_mutex_unlock(&store->lock);
    if (held)
        held_start(store, get, ECANCELED);
}

static inline void held_set_mode(struct held_store *store, enum held_mode mode)
{
    struct store_get *held[HELD_MAX];
    pthread_mutex_lock(&store->lock);
    unsigned count = store->held_count;
    memcpy(held, store->held, count * sizeof *held);
    store->held_count = 0;
    store->mode = mode;
    pthread_mutex_unlock(&store->lock);
    for (unsigned i = 0; i < count; i++)
        held_start(store, held[i], mode == HELD_FAIL ? EIO : 0);
}

static inline int held_head(struct store *base, const char *path, struct store_object *ret, struct error *err)
{
    struct held_store *store = (struct held_store *)base;
    return store->inner->ops->head(store->inner, path, ret, err);
}

static inline int held_put(struct store *base, const struct store_put *put, struct store_object *ret,
                           struct error *err)
{
    struct held_store *store = (struct held_store *)base;
    return store->inner->ops->put(store->inner, put, ret, err);
}

static inline int held_upload_begin(struct store *base, const char *path, struct store_upload **ret,
                                    struct error *err)
{
    struct held_store *store = (struct held_store *)base;
    return store->inner->ops->upload_begin(store->inner, path, ret, err);
}

static inline int held_remove(struct store *base, const char *path, struct error *err)
{
    struct held_store *store = (struct held_store *)base;
    return store->inner->ops->remove(store->inner, path, err);
}

static inline int held_list(struct store *base, const struct store_listing *listing, struct error *err)
{
    struct held_store *store = (struct held_store *)base;
    return store->unlisted ? error_set(err, ENOTSUP, "it cannot list")
                           : store->inner->ops->list(store->inner, listing, err);
}

static inline void held_identity(const struct store *base, const char *path, struct buf *buf)
{
    const struct held_store *store = (const struct held_store *)base;
    store->inner->ops->identity(store->inner, path, buf);
}

static inline void held_free(struct store *base)
{
    struct held_store *store = (struct held_store *)base;
    pthread_mutex_destroy(&store->lock);
    store_unref(store->inner);
    free(store);
}

static const struct store_ops held_ops = {
    .name = "held",
    .free = held_free,
    .get_start = held_get_start,
    .get_cancel = held_get_cancel,
    .head = held_head,
    .put = held_put,
    .upload_begin = held_upload_begin,
    .remove = held_remove,
    .list = held_list,
    .identity = held_identity,
};

/* Takes `inner`. */
static inline struct held_store *held_store_new(struct store *inner)
{
    struct held_store *store = MEM_NEW(struct held_store);
    store_init(&store->base, &held_ops, inner->stores, mem_text(store_url(inner)));
    pthread_mutex_init(&store->lock, NULL);
    store->inner = inner;
    return store;
}
