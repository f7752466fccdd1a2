// SPDX-License-Identifier: Apache-2.0
/* A store over another one that does what no plan of single faults can: another writer comes between, a put
 * ends in a way of its own, missing objects are forbidden. */
#pragma once

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "cache/base/memory.h"
#include "cache/store/ops.h"

struct hooked_store {
    struct store base;
    struct store *inner;
    /* A put to a path with this in it: `before` runs first (once), then it is stored if `stores`, then it
     * ends with `put_rc` unless that is 0. */
    const char *put_match;
    void (*_Atomic before)(void *ctx);
    void *ctx;
    bool stores;
    int put_rc;
    bool blind;          /* as S3 without ListBucket */
    bool forbidden;      /* everything is refused */
    const char *refused; /* so is reading what begins so */
    int64_t clock_ns;    /* how much later than this machine's its clock is */
    /* A removal of a path with this in it: `before_remove` runs first (once). */
    const char *remove_match;
    void (*_Atomic before_remove)(void *ctx);
    atomic_int requests;
};

struct hooked_get {
    struct store_get get;
    struct store_get *outer;
    struct hooked_store *hooked;
};

static inline void hooked_data(struct store_get *get, uint64_t offset, const void *bytes, size_t len)
{
    struct hooked_get *hooked_get = get->ctx;
    hooked_get->outer->on_data(hooked_get->outer, offset, bytes, len);
}

static inline void hooked_done(struct store_get *get, int rc, const struct error *err)
{
    struct hooked_get *hooked_get = get->ctx;
    struct error now = rc < 0 ? *err : (struct error){0};
    const char *refused = hooked_get->hooked->refused;
    if (hooked_get->hooked->forbidden || (hooked_get->hooked->blind && rc == -ENOENT) ||
        (refused && !strncmp(hooked_get->outer->path, refused, strlen(refused))))
        error_set(&now, EACCES, "403 Forbidden");
    struct store_get *outer = hooked_get->outer;
    free(hooked_get);
    outer->on_done(outer, -now.code, &now);
}

static inline void hooked_get_start(struct store *store, struct store_get *outer)
{
    struct hooked_store *hooked = (struct hooked_store *)store;
    struct hooked_get *get = MEM_NEW(struct hooked_get);
    get->get = *outer;
    get->get.on_data = hooked_data;
    get->get.on_done = hooked_done;
    get->get.ctx = get;
    get->outer = outer;
    get->hooked = hooked;
    atomic_fetch_add(&hooked->requests, 1);
    hooked->inner->ops->get_start(hooked->inner, &get->get);
}

static inline void hooked_get_cancel(struct store *store, struct store_get *get)
{
}

static inline int hooked_head(struct store *store, const char *path, struct store_object *ret,
                              struct error *err)
{
    struct hooked_store *hooked = (struct hooked_store *)store;
    int rc = hooked->inner->ops->head(hooked->inner, path, ret, err);
    ret->modified_ns += rc ? 0 : hooked->clock_ns;
    return rc;
}

static inline int hooked_put(struct store *store, const struct store_put *put, struct store_object *ret,
                             struct error *err)
{
    struct hooked_store *hooked = (struct hooked_store *)store;
    bool matches = hooked->put_match && strstr(put->path, hooked->put_match);
    int rc = 0;
    void (*before)(void *ctx) = matches ? atomic_exchange(&hooked->before, NULL) : NULL;
    if (before)
        before(hooked->ctx);
    if (!matches || hooked->stores)
        rc = hooked->inner->ops->put(hooked->inner, put, ret, err);
    if (!rc && matches && hooked->put_rc)
        rc = error_set(err, -hooked->put_rc, "put failed on purpose");
    return rc;
}

static inline int hooked_upload_begin(struct store *store, const char *path, struct store_upload **ret,
                                      struct error *err)
{
    struct hooked_store *hooked = (struct hooked_store *)store;
    return hooked->inner->ops->upload_begin(hooked->inner, path, ret, err);
}

static inline int hooked_remove(struct store *store, const char *path, struct error *err)
{
    struct hooked_store *hooked = (struct hooked_store *)store;
    bool matches = hooked->remove_match && strstr(path, hooked->remove_match);
    void (*before)(void *ctx) = matches ? atomic_exchange(&hooked->before_remove, NULL) : NULL;
    if (before)
        before(hooked->ctx);
    return hooked->inner->ops->remove(hooked->inner, path, err);
}

struct hooked_listing {
    const struct store_listing *outer;
    int64_t clock_ns;
};

static inline int hooked_object(void *ctx, const char *path, const struct store_object *object,
                                struct error *err)
{
    const struct hooked_listing *listing = ctx;
    struct store_object later = *object;
    later.modified_ns += listing->clock_ns;
    return listing->outer->each(listing->outer->ctx, path, &later, err);
}

static inline int hooked_list(struct store *store, const struct store_listing *listing, struct error *err)
{
    struct hooked_store *hooked = (struct hooked_store *)store;
    atomic_fetch_add(&hooked->requests, 1);
    if (hooked->blind || hooked->forbidden)
        return error_set(err, EACCES, "403 Forbidden");
    struct hooked_listing ctx = {listing, hooked->clock_ns};
    struct store_listing inner = *listing;
    inner.each = hooked_object;
    inner.ctx = &ctx;
    return hooked->inner->ops->list(hooked->inner, &inner, err);
}

static inline void hooked_identity(const struct store *store, const char *path, struct buf *buf)
{
    const struct hooked_store *hooked = (const struct hooked_store *)store;
    hooked->inner->ops->identity(hooked->inner, path, buf);
}

static inline void hooked_free(struct store *store)
{
    struct hooked_store *hooked = (struct hooked_store *)store;
    store_unref(hooked->inner);
    free(hooked);
}

static const struct store_ops hooked_ops = {
    .name = "hooked",
    .free = hooked_free,
    .get_start = hooked_get_start,
    .get_cancel = hooked_get_cancel,
    .head = hooked_head,
    .put = hooked_put,
    .upload_begin = hooked_upload_begin,
    .remove = hooked_remove,
    .list = hooked_list,
    .identity = hooked_identity,
};

/* Takes `inner`. */
static inline struct hooked_store *hooked_store_new(struct store *inner)
{
    struct hooked_store *hooked = MEM_NEW(struct hooked_store);
    store_init(&hooked->base, &hooked_ops, inner->stores, mem_text(store_url(inner)));
    hooked->inner = inner;
    hooked->stores = true;
    return hooked;
}
