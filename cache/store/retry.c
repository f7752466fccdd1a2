// SPDX-License-Identifier: Apache-2.0
/* The blocking operations: the caller's thread sleeps between attempts. Reads are in retry_get.c. */
#include "cache/store/retry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/path.h"
#include "cache/store/stores.h"

enum { OPERATION_S = 60 };

static struct try begin(size_t len)
{
    return (struct try){.deadline_ns = clock_now_ns() + (OPERATION_S + (int64_t)(len >> 20)) * 1000000000};
}

/* After an attempt: sleeps and says true, or makes `err` final. */
static bool again(struct store *store, struct try *try, int rc, struct error *err)
{
    int64_t at_ns;
    struct retry *retry = retry_of(store);
    if (rc >= 0)
        backoff_went_well(&retry->backoff);
    if (rc >= 0 ||
        !backoff_again(&retry->backoff, try, atomic_load(&retry->inner->hold_until_ns), &at_ns, err))
        return false;
    stores_count(store->stores, STORE_RETRIES, 1);
    if (!stores_sleep(store->stores, at_ns))
        return true;
    error_set(err, ECANCELED, "%s: cancelled", store->url);
    return false;
}

static int settle(int rc, const struct error *err)
{
    return rc < 0 ? -err->code : rc;
}

static int retry_head(struct store *store, const char *path, struct store_object *ret, struct error *err)
{
    struct store *inner = retry_of(store)->inner;
    struct try try = begin(0);
    int rc;
    do
        rc = inner->ops->head(inner, path, ret, err);
    while (again(store, &try, rc, err));
    return settle(rc, err);
}

static int retry_put(struct store *store, const struct store_put *put, struct store_object *ret,
                     struct error *err)
{
    struct store *inner = retry_of(store)->inner;
    struct try try = begin(put->len);
    int rc;
    do
        rc = inner->ops->put(inner, put, ret, err);
    while (again(store, &try, rc, err));
    return settle(rc, err);
}

static int retry_remove(struct store *store, const char *path, struct error *err)
{
    struct store *inner = retry_of(store)->inner;
    struct try try = begin(0);
    int rc;
    do
        rc = inner->ops->remove(inner, path, err);
    while (again(store, &try, rc, err));
    return settle(rc, err);
}

/* ---- uploads ---- */

struct retry_upload {
    struct store_upload base;
    struct store_upload *inner;
};

static int retry_upload_begin(struct store *store, const char *path, struct store_upload **ret,
                              struct error *err)
{
    struct store *inner = retry_of(store)->inner;
    struct store_upload *inner_upload;
    struct try try = begin(0);
    int rc;
    do
        rc = inner->ops->upload_begin(inner, path, &inner_upload, err);
    while (again(store, &try, rc, err));
    if (rc < 0)
        return settle(rc, err);
    struct retry_upload *upload = MEM_NEW(struct retry_upload);
    store_upload_init(&upload->base, store, path);
    upload->inner = inner_upload;
    *ret = &upload->base;
    return 0;
}

static int retry_upload_part(struct store_upload *base, unsigned number, const void *bytes, size_t len,
                             struct error *err)
{
    struct store_upload *inner = ((struct retry_upload *)base)->inner;
    struct try try = begin(len);
    int rc;
    do
        rc = inner->store->ops->upload_part(inner, number, bytes, len, err);
    while (again(base->store, &try, rc, err));
    return settle(rc, err);
}

static int retry_upload_finish(struct store_upload *base, struct store_object *ret, struct error *err)
{
    struct store_upload *inner = ((struct retry_upload *)base)->inner;
    struct try try = begin(0);
    int rc;
    do
        rc = inner->store->ops->upload_finish(inner, ret, err);
    while (again(base->store, &try, rc, err));
    return settle(rc, err);
}

/* ---- copies ---- */

/* A store may stand behind a decorator of its own, too. */
static const struct store *behind(const struct store *store, const struct store *from)
{
    return from->ops == store->ops ? ((const struct retry *)from)->inner : from;
}

static struct store_copy inner_copy(const struct store *store, const struct store_copy *copy)
{
    struct store_copy inner = *copy;
    inner.from = (struct store *)(uintptr_t)behind(store, copy->from);
    return inner;
}

static bool retry_may_copy(const struct store *store, const struct store *from, enum store_copy_how how)
{
    return store_may_copy(((const struct retry *)store)->inner, behind(store, from), how);
}

static int retry_copy(struct store *store, const struct store_copy *copy, struct store_object *ret,
                      struct error *err)
{
    struct store *inner = retry_of(store)->inner;
    struct store_copy at_inner = inner_copy(store, copy);
    struct try try = begin(copy->pinned->size);
    int rc;
    do
        rc = inner->ops->copy(inner, &at_inner, ret, err);
    while (again(store, &try, rc, err));
    return settle(rc, err);
}

static int retry_upload_copy(struct store_upload *base, unsigned number, const struct store_copy_range *range,
                             struct error *err)
{
    struct store_upload *inner = ((struct retry_upload *)base)->inner;
    struct store_copy copy = inner_copy(base->store, range->copy);
    struct store_copy_range at_inner = {&copy, range->offset, range->len};
    struct try try = begin(range->len);
    int rc;
    do
        rc = inner->store->ops->upload_copy(inner, number, &at_inner, err);
    while (again(base->store, &try, rc, err));
    return settle(rc, err);
}

static void retry_upload_free(struct store_upload *base, bool abort)
{
    struct retry_upload *upload = (struct retry_upload *)base;
    upload->inner->store->ops->upload_free(upload->inner, abort);
    store_upload_done(base);
    free(upload);
}

/* ---- listing ---- */

struct resumable {
    const struct store_listing *asked;
    bool ended; /* by the caller */
    char last[STORE_PATH_BYTES + 1];
};

static int pass_on(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    struct resumable *resumable = ctx;
    if (store_path_valid(path))
        strcpy(resumable->last, path);
    int rc = resumable->asked->each(resumable->asked->ctx, path, object, err);
    resumable->ended = rc != 0;
    return rc;
}

static int retry_list(struct store *store, const struct store_listing *listing, struct error *err)
{
    struct store *inner = retry_of(store)->inner;
    struct resumable resumable = {.asked = listing};
    struct store_listing part = {
        .prefix = listing->prefix, .versions = listing->versions, .each = pass_on, .ctx = &resumable};
    struct try try = begin(0);
    int rc;
    snprintf(resumable.last, sizeof resumable.last, "%s", listing->after);
    do {
        char after[STORE_PATH_BYTES + 1];
        strcpy(after, resumable.last);
        part.after = after;
        rc = inner->ops->list(inner, &part, err);
        if (strcmp(after, resumable.last))
            try = begin(0); /* it got on */
    } while (!resumable.ended && again(store, &try, rc, err));
    return resumable.ended ? rc : settle(rc, err);
}

static void retry_identity(const struct store *store, const char *path, struct buf *buf)
{
    const struct store *inner = ((const struct retry *)store)->inner;
    inner->ops->identity(inner, path, buf);
}

static void retry_free(struct store *store)
{
    struct retry *retry = retry_of(store);
    hedge_done(&retry->hedge);
    store_unref(retry->inner);
    backoff_done(&retry->backoff);
    free(retry);
}

static const struct store_ops retry_ops = {
    .name = "retry",
    .free = retry_free,
    .get_start = retry_get_start,
    .get_cancel = retry_get_cancel,
    .head = retry_head,
    .put = retry_put,
    .upload_begin = retry_upload_begin,
    .upload_part = retry_upload_part,
    .upload_finish = retry_upload_finish,
    .upload_free = retry_upload_free,
    .may_copy = retry_may_copy,
    .copy = retry_copy,
    .upload_copy = retry_upload_copy,
    .remove = retry_remove,
    .list = retry_list,
    .identity = retry_identity,
};

struct store *retry_new(struct store *inner)
{
    struct retry *retry = MEM_NEW(struct retry);
    store_init(&retry->base, &retry_ops, inner->stores, mem_text(inner->url));
    retry->base.local = inner->local;
    retry->base.read_only = inner->read_only;
    retry->base.copy_max_bytes = inner->copy_max_bytes;
    retry->base.copy_part_bytes = inner->copy_part_bytes;
    retry->inner = inner;
    backoff_init(&retry->backoff);
    hedge_init(&retry->hedge, inner);
    return &retry->base;
}

struct backoff *retry_backoff(struct store *retry)
{
    return &retry_of(retry)->backoff;
}

struct hedge *retry_hedge(struct store *retry)
{
    return &retry_of(retry)->hedge;
}
