// SPDX-License-Identifier: Apache-2.0
/* Reads pass through a request of our own, so that bytes and ends can be changed on the way. */
#include "cache/store/fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/ops.h"
#include "cache/store/stores.h"
#include "cache/store/timers.h"

struct fault {
    struct store base;
    struct store *inner;
    pthread_mutex_t lock; /* guards what follows */
    struct fault_plan plan;
    unsigned calls;
};

static struct fault *fault_of(struct store *store)
{
    return (struct fault *)store;
}

/* Counts a call; what is to happen to it. */
static struct fault_plan next_call(struct fault *fault)
{
    pthread_mutex_lock(&fault->lock);
    struct fault_plan plan = fault->plan;
    unsigned call = ++fault->calls;
    if (call < plan.first || call - plan.first >= plan.count)
        plan.kind = FAULT_NONE;
    pthread_mutex_unlock(&fault->lock);
    return plan;
}

static int injected(const struct store *store, int code, struct error *err)
{
    return error_set(err, code ? code : EAGAIN, "%s: a fault on purpose", store->url);
}

/* ---- reads ---- */

struct fault_get {
    struct fault *fault; /* a reference */
    struct store_get *outer, inner;
    struct fault_plan plan;
    struct timer timer;
    pthread_mutex_t lock; /* guards what follows, and each step */
    bool running, cancelled, begun;
};

static void end(struct fault_get *fg, int rc, const struct error *err)
{
    struct fault *fault = fg->fault;
    fg->outer->on_done(fg->outer, rc, err);
    pthread_mutex_destroy(&fg->lock); /* only now: a cancel may come until on_done() has returned */
    free(fg);
    store_unref(&fault->base);
}

static void take_data(struct store_get *inner, uint64_t offset, const void *bytes, size_t len)
{
    struct fault_get *fg = inner->ctx;
    struct store_get *outer = fg->outer;
    uint64_t seen = offset - outer->offset, at = fg->plan.at_byte;
    bool cut = fg->plan.kind == FAULT_TRUNCATE || fg->plan.kind == FAULT_STALL;
    if (cut && seen + len > at)
        len = seen < at ? (size_t)(at - seen) : 0;
    if (fg->plan.kind == FAULT_CORRUPT && at >= seen && at < seen + len) {
        uint8_t *wrong = mem_copy(bytes, len);
        wrong[at - seen] ^= 1;
        outer->on_data(outer, offset, wrong, len);
        free(wrong);
    } else if (len) {
        outer->on_data(outer, offset, bytes, len);
    }
}

static void start_locked(struct fault_get *fg)
{
    struct store *inner = fg->fault->inner;
    fg->running = fg->begun = true;
    inner->ops->get_start(inner, &fg->inner);
}

static void take_end(struct store_get *inner, int rc, const struct error *err)
{
    struct fault_get *fg = inner->ctx;
    struct timers *timers = stores_timers(fg->fault->base.stores);
    struct error changed = *err;
    pthread_mutex_lock(&fg->lock);
    fg->running = false;
    bool stall = !rc && fg->plan.kind == FAULT_STALL;
    if (stall) {
        fg->timer.at_ns = fg->cancelled ? 0 : fg->outer->deadline_ns;
        timers_start(timers, &fg->timer);
    }
    pthread_mutex_unlock(&fg->lock);
    if (stall)
        return;
    if (!rc && (fg->plan.kind == FAULT_TRUNCATE || fg->plan.kind == FAULT_LOST))
        rc = injected(&fg->fault->base, EAGAIN, &changed);
    end(fg, rc, &changed);
}

static void fire(struct timer *timer)
{
    struct fault_get *fg = timer->ctx;
    struct store *store = &fg->fault->base;
    struct error err = {0};
    int rc = 0;
    pthread_mutex_lock(&fg->lock);
    if (fg->cancelled || stores_stopped(store->stores))
        rc = error_set(&err, ECANCELED, "%s/%s: cancelled", store->url, fg->outer->path);
    else if (fg->begun)
        rc = error_set(&err, ETIMEDOUT, "%s/%s: timed out", store->url, fg->outer->path);
    else if (fg->plan.kind == FAULT_FAIL)
        rc = injected(store, fg->plan.code, &err);
    else
        start_locked(fg);
    pthread_mutex_unlock(&fg->lock);
    if (rc < 0)
        end(fg, rc, &err);
}

static void fault_get_start(struct store *store, struct store_get *get)
{
    struct fault_get *fg = MEM_NEW(struct fault_get);
    fg->fault = fault_of(store_ref(store));
    fg->outer = get;
    fg->plan = next_call(fg->fault);
    fg->inner = *get;
    fg->inner.on_data = take_data;
    fg->inner.on_done = take_end;
    fg->inner.ctx = fg;
    fg->timer = (struct timer){.fire = fire, .ctx = fg, .at_ns = clock_now_ns()};
    pthread_mutex_init(&fg->lock, NULL);
    get->state = fg;
    pthread_mutex_lock(&fg->lock);
    if (fg->plan.kind == FAULT_DELAY)
        fg->timer.at_ns += fg->plan.delay_ns;
    if (fg->plan.kind == FAULT_DELAY || fg->plan.kind == FAULT_FAIL)
        timers_start(stores_timers(store->stores), &fg->timer);
    else
        start_locked(fg);
    pthread_mutex_unlock(&fg->lock);
}

static void fault_get_cancel(struct store *store, struct store_get *get)
{
    struct fault_get *fg = get->state;
    struct store *inner = fg->fault->inner;
    pthread_mutex_lock(&fg->lock);
    fg->cancelled = true;
    if (fg->running)
        inner->ops->get_cancel(inner, &fg->inner);
    else
        timers_hurry(stores_timers(store->stores), &fg->timer);
    pthread_mutex_unlock(&fg->lock);
}

/* ---- the blocking operations ---- */

static int before(struct store *store, struct fault_plan *plan, struct error *err)
{
    *plan = next_call(fault_of(store));
    if (plan->kind == FAULT_FAIL)
        return injected(store, plan->code, err);
    if (plan->kind == FAULT_DELAY && stores_sleep(store->stores, clock_now_ns() + plan->delay_ns) < 0)
        return error_set(err, ECANCELED, "%s: cancelled", store->url);
    return 0;
}

static int after(struct store *store, const struct fault_plan *plan, int rc, struct error *err)
{
    bool lost = plan->kind == FAULT_LOST || plan->kind == FAULT_TRUNCATE || plan->kind == FAULT_STALL;
    return rc >= 0 && lost ? injected(store, EAGAIN, err) : rc;
}

static int fault_head(struct store *store, const char *path, struct store_object *ret, struct error *err)
{
    struct store *inner = fault_of(store)->inner;
    struct fault_plan plan;
    struct store_object object;
    int rc = before(store, &plan, err);
    if (!rc)
        rc = after(store, &plan, inner->ops->head(inner, path, &object, err), err);
    if (!rc)
        *ret = object;
    return rc;
}

static int fault_put(struct store *store, const struct store_put *put, struct store_object *ret,
                     struct error *err)
{
    struct store *inner = fault_of(store)->inner;
    struct fault_plan plan;
    int rc = before(store, &plan, err);
    return rc < 0 ? rc : after(store, &plan, inner->ops->put(inner, put, ret, err), err);
}

static int fault_remove(struct store *store, const char *path, struct error *err)
{
    struct store *inner = fault_of(store)->inner;
    struct fault_plan plan;
    int rc = before(store, &plan, err);
    return rc < 0 ? rc : after(store, &plan, inner->ops->remove(inner, path, err), err);
}

/* Both of one kind: a source may stand behind a decorator of its own. */
static const struct store *behind(const struct store *store, const struct store *from)
{
    return from->ops == store->ops ? ((const struct fault *)from)->inner : from;
}

static bool fault_may_copy(const struct store *store, const struct store *from, enum store_copy_how how)
{
    return store_may_copy(((const struct fault *)store)->inner, behind(store, from), how);
}

static struct store_copy inner_copy(const struct store *store, const struct store_copy *copy)
{
    struct store_copy inner = *copy;
    inner.from = (struct store *)(uintptr_t)behind(store, copy->from);
    return inner;
}

static int fault_copy(struct store *store, const struct store_copy *copy, struct store_object *ret,
                      struct error *err)
{
    struct store *inner = fault_of(store)->inner;
    struct store_copy at_inner = inner_copy(store, copy);
    struct fault_plan plan;
    int rc = before(store, &plan, err);
    return rc < 0 ? rc : after(store, &plan, inner->ops->copy(inner, &at_inner, ret, err), err);
}

static int fault_list(struct store *store, const struct store_listing *listing, struct error *err)
{
    struct store *inner = fault_of(store)->inner;
    struct fault_plan plan;
    int rc = before(store, &plan, err);
    return rc < 0 ? rc : after(store, &plan, inner->ops->list(inner, listing, err), err);
}

struct fault_upload {
    struct store_upload base;
    struct store_upload *inner;
};

static int fault_upload_begin(struct store *store, const char *path, struct store_upload **ret,
                              struct error *err)
{
    struct store *inner = fault_of(store)->inner;
    struct store_upload *inner_upload;
    struct fault_plan plan;
    int rc = before(store, &plan, err);
    if (!rc)
        rc = inner->ops->upload_begin(inner, path, &inner_upload, err);
    if (rc < 0)
        return rc;
    rc = after(store, &plan, 0, err);
    if (rc < 0) {
        inner->ops->upload_free(inner_upload, true);
        return rc;
    }
    struct fault_upload *upload = MEM_NEW(struct fault_upload);
    store_upload_init(&upload->base, store, path);
    upload->inner = inner_upload;
    *ret = &upload->base;
    return 0;
}

static int fault_upload_part(struct store_upload *base, unsigned number, const void *bytes, size_t len,
                             struct error *err)
{
    struct store_upload *inner = ((struct fault_upload *)base)->inner;
    struct fault_plan plan;
    int rc = before(base->store, &plan, err);
    if (rc < 0)
        return rc;
    rc = inner->store->ops->upload_part(inner, number, bytes, len, err);
    return after(base->store, &plan, rc, err);
}

static int fault_upload_finish(struct store_upload *base, struct store_object *ret, struct error *err)
{
    struct store_upload *inner = ((struct fault_upload *)base)->inner;
    struct fault_plan plan;
    int rc = before(base->store, &plan, err);
    return rc < 0 ? rc : after(base->store, &plan, inner->store->ops->upload_finish(inner, ret, err), err);
}

static int fault_upload_copy(struct store_upload *base, unsigned number, const struct store_copy_range *range,
                             struct error *err)
{
    struct store_upload *inner = ((struct fault_upload *)base)->inner;
    struct store_copy copy = inner_copy(base->store, range->copy);
    struct store_copy_range at_inner = {&copy, range->offset, range->len};
    struct fault_plan plan;
    int rc = before(base->store, &plan, err);
    return rc < 0 ? rc
                  : after(base->store, &plan, inner->store->ops->upload_copy(inner, number, &at_inner, err),
                          err);
}

static void fault_upload_free(struct store_upload *base, bool abort)
{
    struct fault_upload *upload = (struct fault_upload *)base;
    upload->inner->store->ops->upload_free(upload->inner, abort);
    store_upload_done(base);
    free(upload);
}

static void fault_identity(const struct store *store, const char *path, struct buf *buf)
{
    const struct store *inner = ((const struct fault *)store)->inner;
    inner->ops->identity(inner, path, buf);
}

static void fault_free(struct store *store)
{
    struct fault *fault = fault_of(store);
    store_unref(fault->inner);
    pthread_mutex_destroy(&fault->lock);
    free(fault);
}

static const struct store_ops fault_ops = {
    .name = "fault",
    .free = fault_free,
    .get_start = fault_get_start,
    .get_cancel = fault_get_cancel,
    .head = fault_head,
    .put = fault_put,
    .upload_begin = fault_upload_begin,
    .upload_part = fault_upload_part,
    .upload_finish = fault_upload_finish,
    .upload_free = fault_upload_free,
    .may_copy = fault_may_copy,
    .copy = fault_copy,
    .upload_copy = fault_upload_copy,
    .remove = fault_remove,
    .list = fault_list,
    .identity = fault_identity,
};

struct store *store_fault_new(struct store *inner, const struct fault_plan *plan)
{
    struct fault *fault = MEM_NEW(struct fault);
    store_init(&fault->base, &fault_ops, inner->stores, mem_text(inner->url));
    fault->base.local = inner->local;
    fault->base.read_only = inner->read_only;
    fault->base.copy_max_bytes = inner->copy_max_bytes;
    fault->base.copy_part_bytes = inner->copy_part_bytes;
    fault->inner = inner;
    fault->plan = *plan;
    pthread_mutex_init(&fault->lock, NULL);
    return &fault->base;
}

void store_fault_set(struct store *store, const struct fault_plan *plan)
{
    struct fault *fault = fault_of(store);
    pthread_mutex_lock(&fault->lock);
    fault->plan = *plan;
    fault->calls = 0;
    pthread_mutex_unlock(&fault->lock);
}

unsigned store_fault_calls(struct store *store)
{
    struct fault *fault = fault_of(store);
    pthread_mutex_lock(&fault->lock);
    unsigned calls = fault->calls;
    pthread_mutex_unlock(&fault->lock);
    return calls;
}
