// SPDX-License-Identifier: Apache-2.0
/*
 * What a store, or a decorator around one, implements. Only store.c calls these; it has checked paths and
 * ranges before.
 *
 * Below the retry decorator three more codes exist:
 *   -EAGAIN       may go well when sent again
 *   -ECONNREFUSED the same, but there was nobody to send it to
 *   -EKEYEXPIRED  refused, and what it was signed with (credentials, or the time) has been renewed since:
 * send again once, at once
 *
 * Thread rule: as in store.h; every function may be called from any thread.
 */
#pragma once

#include <stdatomic.h>

#include "cache/store/store.h"

struct store_put {
    const char *path;
    const void *bytes;
    size_t len;
    enum store_put_mode mode;
};

struct store_copy_range {
    const struct store_copy *copy;
    uint64_t offset, len;
};

struct store_listing {
    const char *prefix;
    const char *after; /* paths up to this one are left out; "" none */
    bool versions;     /* as store_list_versions() */
    store_list_fn *each;
    store_refused_fn *refused; /* NULL: what cannot be looked into ends the listing */
    void *ctx;
};

struct store_ops {
    const char *name;
    void (*free)(struct store *store); /* frees what the implementation added, and the struct itself */
    void (*get_start)(struct store *store, struct store_get *get); /* deadline_ns and len are set */
    void (*get_cancel)(struct store *store, struct store_get *get);
    /* As store_read_ranges(); NULL where a request a range is as good. */
    int (*read_ranges)(struct store *store, const struct store_ranges *ranges, struct error *err);
    int (*head)(struct store *store, const char *path, struct store_object *ret, struct error *err);
    int (*put)(struct store *store, const struct store_put *put, struct store_object *ret, struct error *err);
    int (*upload_begin)(struct store *store, const char *path, struct store_upload **ret, struct error *err);
    /* May be called again with the same `number` (from 1) after it failed. */
    int (*upload_part)(struct store_upload *upload, unsigned number, const void *bytes, size_t len,
                       struct error *err);
    int (*upload_finish)(struct store_upload *upload, struct store_object *ret, struct error *err);
    void (*upload_free)(struct store_upload *upload, bool abort);
    int (*remove)(struct store *store, const char *path, struct error *err);
    /* These three may be NULL: no copies. copy() is for objects of copy_max_bytes or less, upload_copy()
     * makes a part of a range of a larger one, as upload_part(). */
    bool (*may_copy)(const struct store *store, const struct store *from, enum store_copy_how how);
    int (*copy)(struct store *store, const struct store_copy *copy, struct store_object *ret,
                struct error *err);
    int (*upload_copy)(struct store_upload *upload, unsigned number, const struct store_copy_range *range,
                       struct error *err);
    int (*list)(struct store *store, const struct store_listing *listing, struct error *err);
    void (*identity)(const struct store *store, const char *path, struct buf *buf);
};

/* The first member of every implementation. */
struct store {
    const struct store_ops *ops;
    struct stores *stores;
    char *url;
    bool local, read_only;
    uint64_t copy_max_bytes, copy_part_bytes; /* larger objects are copied in such parts */
    atomic_uint refs;
    _Atomic int64_t hold_until_ns; /* clock_now_ns() before which the server asked not to be asked again */
};

/* The first member of every running upload. */
struct store_upload {
    struct store *store; /* a reference */
    char *path;
    unsigned parts;
    bool last_seen; /* a part shorter than the least size has been sent: it was the last */
};

/* Fills in the base: one reference. Takes `url`. */
void store_init(struct store *store, const struct store_ops *ops, struct stores *stores, char *url);
/* Fills in the base of an upload: takes a reference to `store`. */
void store_upload_init(struct store_upload *upload, struct store *store, const char *path);
void store_upload_done(struct store_upload *upload); /* frees what store_upload_init() made, not `upload` */

/* ---- a read that goes on ---- */

/* Where it ends in an object of that size. */
uint64_t store_get_end(const struct store_get *get, const struct store_object *object);
/* Aims `part`, a copy of `whole`, at what is missing from byte `at` on, in the object that has answered. */
void store_get_rest(struct store_get *part, const struct store_get *whole, const struct store_object *object,
                    uint64_t at);
