// SPDX-License-Identifier: Apache-2.0
/* A read that is looked at while it runs, and ended. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

#include "cache/store/store.h"

struct watched {
    struct store_get get; /* what is read, and until when */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t change;
    uint64_t got;
    bool done;
    int rc;
};
enum watched_end { WATCHED_DEADLINE, WATCHED_CANCEL, WATCHED_STOP };

static inline void watched_data(struct store_get *get, uint64_t offset, const void *bytes, size_t len)
{
    struct watched *w = get->ctx;
    (void)offset, (void)bytes;
    pthread_mutex_lock(&w->lock);
    w->got += len;
    pthread_cond_signal(&w->change);
    pthread_mutex_unlock(&w->lock);
}

static inline void watched_done(struct store_get *get, int rc, const struct error *why)
{
    struct watched *w = get->ctx;
    (void)why;
    pthread_mutex_lock(&w->lock);
    w->rc = rc;
    w->done = true;
    pthread_cond_signal(&w->change);
    pthread_mutex_unlock(&w->lock);
}

/* Starts a read, waits until `got` bytes came (or it ended), then ends it so. Returns how it ended. */
static inline int watched_run(struct watched *w, struct store *store, struct stores *stores, uint64_t got,
                              enum watched_end end)
{
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->change, NULL);
    w->get.on_data = watched_data;
    w->get.on_done = watched_done;
    w->get.ctx = w;
    store_get_start(store, &w->get);
    pthread_mutex_lock(&w->lock);
    while (w->got < got && !w->done)
        pthread_cond_wait(&w->change, &w->lock);
    if (end == WATCHED_CANCEL && !w->done)
        store_get_cancel(store, &w->get);
    pthread_mutex_unlock(&w->lock);
    if (end == WATCHED_STOP)
        stores_stop(stores);
    pthread_mutex_lock(&w->lock);
    while (!w->done)
        pthread_cond_wait(&w->change, &w->lock);
    pthread_mutex_unlock(&w->lock);
    return w->rc;
}
