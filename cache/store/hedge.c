// SPDX-License-Identifier: Apache-2.0
/*
 * The lanes of a read are its requests. As long as both run and neither has moved, `ahead` is NULL; the first
 * that hands out a byte is ahead, and all that the other one still brings is dropped. The read ends when all
 * its lanes have: one that was cancelled ends at once.
 *
 * While reads run, a timer looks at them every TICK_NS.
 */
#include "cache/store/hedge.h"

#include <errno.h>
#include <stdlib.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/stores.h"

enum { LANES = 2, ONE = 100, MOST = 10 * ONE };
static const int64_t TICK_NS = INT64_C(25) * 1000000;

struct lane {
    struct hedged *hedged;
    struct store_get get;
    struct store_object object;
    int64_t started_ns;
    bool running;
};

struct hedged {
    struct hedge *hedge;
    struct store_get *outer;
    struct lane lanes[LANES];
    unsigned asked, running; /* lanes */
    struct lane *ahead;
    bool busy;    /* the caller is being handed bytes */
    bool seen;    /* `object` is filled in: at least one byte has come */
    bool settled; /* `rc` and `err` are final */
    bool cancelled;
    uint64_t at; /* next byte to hand out */
    int64_t moved_ns;
    struct store_object object;
    int rc;
    struct error err;
    struct hedged *next, **at_list;
};

/* ---- the list of running reads ---- */

static void link_locked(struct hedge *hedge, struct hedged *hedged)
{
    hedged->next = hedge->running;
    hedged->at_list = &hedge->running;
    if (hedged->next)
        hedged->next->at_list = &hedged->next;
    hedge->running = hedged;
}

static void unlink_locked(struct hedged *hedged)
{
    *hedged->at_list = hedged->next;
    if (hedged->next)
        hedged->next->at_list = hedged->at_list;
}

/* ---- lanes ---- */

static void cancel_lane_locked(struct lane *lane)
{
    struct store *inner = lane->hedged->hedge->inner;
    if (lane->running)
        inner->ops->get_cancel(inner, &lane->get);
}

static struct lane *other_lane(struct lane *lane)
{
    return &lane->hedged->lanes[lane == lane->hedged->lanes];
}

/* Is `lane` the one whose bytes are handed out? The first that asks is. */
static bool win_locked(struct lane *lane, int64_t now_ns)
{
    struct hedged *hedged = lane->hedged;
    if (hedged->settled || (hedged->ahead && hedged->ahead != lane))
        return false;
    if (!hedged->ahead)
        cancel_lane_locked(other_lane(lane));
    hedged->ahead = lane;
    if (!hedged->seen) {
        hedged->object = lane->object;
        latency_add(&hedged->hedge->first_byte, now_ns - lane->started_ns);
    }
    hedged->seen = hedged->busy = true;
    return true;
}

static void take_data(struct store_get *get, uint64_t offset, const void *bytes, size_t len)
{
    struct lane *lane = get->ctx;
    struct hedged *hedged = lane->hedged;
    struct store_get *outer = hedged->outer;
    pthread_mutex_lock(&hedged->hedge->lock);
    bool first = !hedged->seen, wins = win_locked(lane, clock_now_ns());
    pthread_mutex_unlock(&hedged->hedge->lock);
    if (!wins)
        return;
    if (first && outer->ret_object)
        *outer->ret_object = hedged->object;
    outer->on_data(outer, offset, bytes, len);
    pthread_mutex_lock(&hedged->hedge->lock);
    hedged->at = offset + len;
    hedged->moved_ns = clock_now_ns();
    hedged->busy = false;
    pthread_mutex_unlock(&hedged->hedge->lock);
}

/* What a lane ended with is what the read ends with, unless the other one is ahead or may still go well. */
static void settle_locked(struct lane *lane, int rc, const struct error *err)
{
    struct hedged *hedged = lane->hedged;
    bool decides = hedged->ahead ? hedged->ahead == lane : rc == 0 || hedged->running == 0;
    if (hedged->settled || !decides)
        return;
    hedged->settled = true;
    hedged->rc = rc;
    hedged->err = *err;
    if (!hedged->seen)
        hedged->object = lane->object; /* an empty object */
    cancel_lane_locked(other_lane(lane));
}

static void end(struct hedged *hedged)
{
    struct store_get *outer = hedged->outer;
    if (!hedged->rc && !hedged->seen && outer->ret_object)
        *outer->ret_object = hedged->object;
    outer->on_done(outer, hedged->rc, &hedged->err);
    free(hedged); /* only now: a cancel may come until on_done() has returned */
}

static void take_end(struct store_get *get, int rc, const struct error *err)
{
    struct lane *lane = get->ctx;
    struct hedged *hedged = lane->hedged;
    struct hedge *hedge = hedged->hedge;
    pthread_mutex_lock(&hedge->lock);
    lane->running = false;
    bool last = --hedged->running == 0;
    settle_locked(lane, rc, err);
    if (last)
        unlink_locked(hedged);
    pthread_mutex_unlock(&hedge->lock);
    if (last)
        end(hedged);
}

static void start_lane_locked(struct hedged *hedged, int64_t now_ns)
{
    struct store *inner = hedged->hedge->inner;
    struct lane *lane = &hedged->lanes[hedged->asked++];
    lane->started_ns = hedged->moved_ns = now_ns;
    lane->get = *hedged->outer;
    lane->get.ret_object = &lane->object;
    lane->get.on_data = take_data;
    lane->get.on_done = take_end;
    lane->get.ctx = lane;
    if (hedged->seen)
        store_get_rest(&lane->get, hedged->outer, &hedged->object, hedged->at);
    lane->running = true;
    hedged->running++;
    inner->ops->get_start(inner, &lane->get);
}

/* ---- looking after them ---- */

static bool all_there(const struct hedged *hedged)
{
    return hedged->seen && hedged->at >= store_get_end(hedged->outer, &hedged->object);
}

static bool due_locked(const struct hedged *hedged, int64_t now_ns)
{
    const struct hedge *hedge = hedged->hedge;
    int64_t slow_ns = 2 * hedge->first_byte.slow_ns;
    int64_t patience_ns = hedged->seen                ? hedge->still_ns
                          : slow_ns < hedge->least_ns ? hedge->least_ns
                                                      : slow_ns;
    return slow_ns && hedged->asked < LANES && !hedged->busy && !hedged->settled && !hedged->cancelled &&
           !all_there(hedged) && now_ns - hedged->moved_ns >= patience_ns;
}

static void fire(struct timer *timer)
{
    struct hedge *hedge = timer->ctx;
    struct stores *stores = hedge->inner->stores;
    int64_t now_ns = clock_now_ns();
    bool may = !stores_stopped(stores) && now_ns >= atomic_load(&hedge->inner->hold_until_ns);
    pthread_mutex_lock(&hedge->lock);
    for (struct hedged *hedged = hedge->running; may && hedged; hedged = hedged->next) {
        if (hedge->credit < ONE || !due_locked(hedged, now_ns))
            continue;
        hedge->credit -= ONE;
        hedged->ahead = NULL;
        stores_count(stores, STORE_HEDGES, 1);
        start_lane_locked(hedged, now_ns);
    }
    hedge->armed = hedge->running && !stores_stopped(stores);
    timer->at_ns = now_ns + TICK_NS;
    if (hedge->armed)
        timers_start(stores_timers(stores), timer);
    pthread_mutex_unlock(&hedge->lock);
}

static void arm_locked(struct hedge *hedge, int64_t now_ns)
{
    if (hedge->armed)
        return;
    hedge->armed = true;
    hedge->timer.at_ns = now_ns + TICK_NS;
    timers_start(stores_timers(hedge->inner->stores), &hedge->timer);
}

/* ---- the outside ---- */

void hedge_init(struct hedge *hedge, struct store *inner)
{
    *hedge = (struct hedge){.inner = inner,
                            .least_ns = INT64_C(200) * 1000000,
                            .still_ns = INT64_C(3000) * 1000000,
                            .percent = 5,
                            .timer = {.fire = fire, .ctx = hedge}};
    pthread_mutex_init(&hedge->lock, NULL);
}

void hedge_done(struct hedge *hedge)
{
    timers_take_back(stores_timers(hedge->inner->stores), &hedge->timer);
    pthread_mutex_destroy(&hedge->lock);
}

void hedge_get_start(struct hedge *hedge, struct store_get *get)
{
    struct hedged *hedged = MEM_NEW(struct hedged);
    int64_t now_ns = clock_now_ns();
    hedged->hedge = hedge;
    hedged->outer = get;
    hedged->at = get->offset;
    for (unsigned i = 0; i < LANES; i++)
        hedged->lanes[i].hedged = hedged;
    get->state = hedged;
    pthread_mutex_lock(&hedge->lock);
    if (hedge->credit < MOST)
        hedge->credit += hedge->percent;
    link_locked(hedge, hedged);
    arm_locked(hedge, now_ns);
    start_lane_locked(hedged, now_ns);
    pthread_mutex_unlock(&hedge->lock);
}

void hedge_get_cancel(struct hedge *hedge, struct store_get *get)
{
    struct hedged *hedged = get->state;
    pthread_mutex_lock(&hedge->lock);
    hedged->cancelled = true;
    for (unsigned i = 0; i < LANES; i++)
        cancel_lane_locked(&hedged->lanes[i]);
    pthread_mutex_unlock(&hedge->lock);
}
