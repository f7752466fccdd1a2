// SPDX-License-Identifier: Apache-2.0
/*
 * A read with all its attempts.
 *
 *     start -> RUNNING --done--> final
 *                ^  \--failed--> WAITING (a timer)
 *                 \----fire--------/
 *
 * The lock orders a cancel against these steps; the caller is never called under it. Lock order: the
 * caller's, this one, then those of timers and of the inner store.
 */
#include <errno.h>
#include <stdlib.h>

#include "cache/base/memory.h"
#include "cache/store/retry.h"
#include "cache/store/stores.h"
#include "cache/store/timers.h"

struct retry_get {
    struct retry *retry; /* a reference */
    struct store_get *outer;
    struct store_get inner;
    struct store_object object; /* what answered first */
    struct try try;
    struct timer timer;
    uint64_t at;  /* next byte to hand out */
    bool started; /* `object` is filled in */
    struct error err;
    pthread_mutex_t lock; /* guards what follows, and each step */
    bool running, cancelled;
};

static void end(struct retry_get *rg, int rc, const struct error *err)
{
    struct retry *retry = rg->retry;
    rg->outer->on_done(rg->outer, rc, err);
    pthread_mutex_destroy(&rg->lock); /* only now: a cancel may come until on_done() has returned */
    free(rg);
    store_unref(&retry->base);
}

static void take_data(struct store_get *inner, uint64_t offset, const void *bytes, size_t len)
{
    struct retry_get *rg = inner->ctx;
    if (!rg->started && rg->outer->ret_object)
        *rg->outer->ret_object = rg->object;
    rg->started = true;
    rg->at = offset + len;
    rg->outer->on_data(rg->outer, offset, bytes, len);
}

/* Where the next attempt begins: behind what was handed out, and with the same object. */
static void aim(struct retry_get *rg)
{
    if (!rg->started)
        return;
    store_get_rest(&rg->inner, rg->outer, &rg->object, rg->at);
    rg->inner.ret_object = NULL; /* it is known, and the pin that requests read lies in it */
}

static void start_locked(struct retry_get *rg)
{
    rg->running = true;
    hedge_get_start(&rg->retry->hedge, &rg->inner);
}

static void fire(struct timer *timer)
{
    struct retry_get *rg = timer->ctx;
    pthread_mutex_lock(&rg->lock);
    bool stop = rg->cancelled || stores_stopped(rg->retry->base.stores);
    if (!stop) {
        aim(rg);
        start_locked(rg);
    }
    pthread_mutex_unlock(&rg->lock);
    if (!stop)
        return;
    int rc = error_set(&rg->err, ECANCELED, "%s/%s: cancelled", rg->retry->base.url, rg->outer->path);
    end(rg, rc, &rg->err);
}

static bool all_there(const struct retry_get *rg)
{
    return rg->started && rg->at >= store_get_end(rg->outer, &rg->object);
}

static void take_end(struct store_get *inner, int rc, const struct error *err)
{
    struct retry_get *rg = inner->ctx;
    struct retry *retry = rg->retry;
    int64_t hold_ns = atomic_load(&retry->inner->hold_until_ns);
    bool wait = false;
    rg->err = *err;
    pthread_mutex_lock(&rg->lock);
    rg->running = false;
    if (rc == -EAGAIN && all_there(rg))
        rc = 0;
    if (rc >= 0)
        backoff_went_well(&retry->backoff);
    if (rc < 0 && !rg->cancelled)
        wait = backoff_again(&retry->backoff, &rg->try, hold_ns, &rg->timer.at_ns, &rg->err);
    if (wait) {
        stores_count(retry->base.stores, STORE_RETRIES, 1);
        timers_start(stores_timers(retry->base.stores), &rg->timer);
    }
    pthread_mutex_unlock(&rg->lock); /* from here on `rg` may be gone if it waits */
    if (wait)
        return;
    if (!rc && !rg->started && rg->outer->ret_object)
        *rg->outer->ret_object = rg->object; /* an empty object */
    if (rc < 0 && (rg->err.code == EAGAIN || rg->err.code == ECONNREFUSED))
        error_set(&rg->err, ECANCELED, "%s/%s: cancelled", retry->base.url, rg->outer->path);
    end(rg, rc < 0 ? -rg->err.code : 0, &rg->err);
}

void retry_get_start(struct store *store, struct store_get *get)
{
    struct retry_get *rg = MEM_NEW(struct retry_get);
    rg->retry = retry_of(store_ref(store));
    rg->outer = get;
    rg->at = get->offset;
    rg->try.deadline_ns = get->deadline_ns;
    rg->timer = (struct timer){.fire = fire, .ctx = rg};
    rg->inner = *get;
    rg->inner.ret_object = &rg->object;
    rg->inner.on_data = take_data;
    rg->inner.on_done = take_end;
    rg->inner.ctx = rg;
    pthread_mutex_init(&rg->lock, NULL);
    get->state = rg;
    pthread_mutex_lock(&rg->lock);
    start_locked(rg);
    pthread_mutex_unlock(&rg->lock);
}

void retry_get_cancel(struct store *store, struct store_get *get)
{
    struct retry_get *rg = get->state;
    pthread_mutex_lock(&rg->lock);
    rg->cancelled = true;
    if (rg->running)
        hedge_get_cancel(&rg->retry->hedge, &rg->inner);
    else
        timers_hurry(stores_timers(store->stores), &rg->timer);
    pthread_mutex_unlock(&rg->lock);
}
