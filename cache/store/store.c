// SPDX-License-Identifier: Apache-2.0
/*
 * The one way into a store: checks what the caller hands in, so that implementations meet only sound paths
 * and ranges, and checks what they hand back where it is cheap.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cache/base/hash.h"
#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "cache/store/ops.h"
#include "cache/store/path.h"
#include "cache/store/stores.h"

enum { PART_LEAST_BYTES = 5 << 20 };

/* Public functions begin with WITH_ERROR(): below them codes travel in `err`. */

void store_init(struct store *store, const struct store_ops *ops, struct stores *stores, char *url)
{
    store->ops = ops;
    store->stores = stores;
    store->url = url;
    store->copy_max_bytes = UINT64_MAX;
    atomic_init(&store->refs, 1);
    atomic_init(&store->hold_until_ns, 0);
}

struct store *store_ref(struct store *store)
{
    atomic_fetch_add(&store->refs, 1);
    return store;
}

void store_unref(struct store *store)
{
    if (!store || atomic_fetch_sub(&store->refs, 1) != 1)
        return;
    free(store->url);
    store->ops->free(store);
}

const char *store_url(const struct store *store)
{
    return store->url;
}

bool store_is_local(const struct store *store)
{
    return store->local;
}

bool store_is_read_only(const struct store *store)
{
    return store->read_only;
}

void store_object_identity(const struct store *store, const char *path, struct buf *buf)
{
    store->ops->identity(store, path, buf);
}

/* ---- reading ---- */

struct refusal {
    struct store_get *get;
    struct error err;
};

static void refuse_now(void *ctx)
{
    struct refusal *refusal = ctx;
    refusal->get->on_done(refusal->get, -refusal->err.code, &refusal->err);
    free(refusal);
}

/* on_done() must not run inside store_get_start(). */
static void refuse_later(struct store *store, struct store_get *get, const struct error *err)
{
    struct refusal *refusal = MEM_NEW(struct refusal);
    refusal->get = get;
    refusal->err = *err;
    get->state = NULL;
    workers_submit(stores_workers(store->stores), refuse_now, refusal);
}

static int check_range(struct store *store, struct store_get *get, struct error *err)
{
    bool known = get->size != UINT64_MAX, to_end = get->len == UINT64_MAX;
    if (known && to_end && get->offset <= get->size)
        get->len = get->size - get->offset;
    uint64_t end = 0;
    if (get->len != UINT64_MAX && __builtin_add_overflow(get->offset, get->len, &end))
        end = UINT64_MAX;
    bool empty = get->len == 0 && !(known && to_end && get->size == 0);
    if (empty || get->offset > INT64_MAX || end > INT64_MAX ||
        (known && (get->offset > get->size || end > get->size)))
        return error_set(err, EINVAL, "%s/%s: range %llu+%llu lies outside the object", store->url, get->path,
                         (unsigned long long)get->offset, (unsigned long long)get->len);
    return 0;
}

/* A minute, and a second more for each MiB. */
static int64_t default_deadline(uint64_t len)
{
    int64_t seconds = 60 + (int64_t)(len == UINT64_MAX ? 540 : len >> 20);
    return clock_now_ns() + seconds * 1000000000;
}

void store_get_start(struct store *store, struct store_get *get)
{
    struct error err = {0};
    if (store_path_check(store->url, get->path, &err) < 0 || check_range(store, get, &err) < 0) {
        refuse_later(store, get, &err);
        return;
    }
    if (!get->deadline_ns)
        get->deadline_ns = default_deadline(get->len);
    store->ops->get_start(store, get);
}

uint64_t store_get_end(const struct store_get *get, const struct store_object *object)
{
    return get->len < object->size - get->offset ? get->offset + get->len : object->size;
}

void store_get_rest(struct store_get *part, const struct store_get *whole, const struct store_object *object,
                    uint64_t at)
{
    part->pin = whole->pin ? whole->pin : object->pin;
    part->size = object->size;
    part->offset = at;
    part->len = store_get_end(whole, object) - at;
}

void store_get_cancel(struct store *store, struct store_get *get)
{
    if (get->state)
        store->ops->get_cancel(store, get);
}

int store_head(struct store *store, const char *path, struct store_object *ret, struct error *err)
{
    WITH_ERROR(err);
    int rc = store_path_check(store->url, path, err);
    return rc < 0 ? rc : store->ops->head(store, path, ret, err);
}

/* ---- writing ---- */

int store_put(struct store *store, const char *path, const void *bytes, size_t len, enum store_put_mode mode,
              struct store_object *ret, struct error *err)
{
    WITH_ERROR(err);
    int rc = store_path_check(store->url, path, err);
    if (rc < 0)
        return rc;
    struct store_object object = {0};
    struct store_put put = {.path = path, .bytes = bytes, .len = len, .mode = mode};
    rc = store->ops->put(store, &put, &object, err);
    if (!rc && ret)
        *ret = object;
    return rc;
}

void store_upload_init(struct store_upload *upload, struct store *store, const char *path)
{
    upload->store = store_ref(store);
    upload->path = mem_text(path);
}

void store_upload_done(struct store_upload *upload)
{
    store_unref(upload->store);
    free(upload->path);
}

int store_upload_begin(struct store *store, const char *path, struct store_upload **ret, struct error *err)
{
    WITH_ERROR(err);
    int rc = store_path_check(store->url, path, err);
    return rc < 0 ? rc : store->ops->upload_begin(store, path, ret, err);
}

int store_upload_part(struct store_upload *upload, const void *bytes, size_t len, struct error *err)
{
    WITH_ERROR(err);
    assert(len > 0 && !upload->last_seen);
    int rc = upload->store->ops->upload_part(upload, upload->parts + 1, bytes, len, err);
    if (rc < 0)
        return rc;
    upload->parts++;
    upload->last_seen = len < PART_LEAST_BYTES;
    return 0;
}

int store_upload_finish(struct store_upload *upload, struct store_object *ret, struct error *err)
{
    WITH_ERROR(err);
    struct store_object object = {0};
    int rc = upload->store->ops->upload_finish(upload, &object, err);
    if (!rc && ret)
        *ret = object;
    upload->store->ops->upload_free(upload, rc < 0);
    return rc;
}

void store_upload_abort(struct store_upload *upload)
{
    upload->store->ops->upload_free(upload, true);
}

int store_remove(struct store *store, const char *path, struct error *err)
{
    WITH_ERROR(err);
    int rc = store_path_check(store->url, path, err);
    return rc < 0 ? rc : store->ops->remove(store, path, err);
}

/* ---- copying ---- */

bool store_may_copy(const struct store *to, const struct store *from, enum store_copy_how how)
{
    return to->ops->may_copy && to->ops->may_copy(to, from, how);
}

static int copy_in_parts(struct store *to, const struct store_copy *copy, struct store_object *ret,
                         struct error *err)
{
    struct store_upload *upload;
    int rc = store_upload_begin(to, copy->to_path, &upload, err);
    if (rc < 0)
        return rc;
    uint64_t size = copy->pinned->size, part = to->copy_part_bytes;
    for (struct store_copy_range range = {.copy = copy}; !rc && range.offset < size; range.offset += part) {
        range.len = size - range.offset < part ? size - range.offset : part;
        rc = to->ops->upload_copy(upload, ++upload->parts, &range, err);
    }
    if (!rc)
        return store_upload_finish(upload, ret, err);
    store_upload_abort(upload);
    return rc;
}

int store_copy(struct store *to, const struct store_copy *copy, struct store_object *ret, struct error *err)
{
    WITH_ERROR(err);
    struct store_object object = {0};
    int rc = store_path_check(to->url, copy->to_path, err);
    if (!rc)
        rc = store_path_check(copy->from->url, copy->from_path, err);
    if (rc < 0)
        return rc;
    if (!store_may_copy(to, copy->from, copy->how))
        return error_set(err, ENOTSUP, "%s: nothing of %s can be copied there without reading it", to->url,
                         copy->from->url);
    bool parts = copy->pinned->size > to->copy_max_bytes;
    rc = parts ? copy_in_parts(to, copy, &object, err) : to->ops->copy(to, copy, &object, err);
    if (!rc)
        *ret = object;
    return rc;
}

/* ---- listing and probing ---- */

struct order {
    struct store *store;
    const char *prefix;
    store_list_fn *each;
    store_refused_fn *refused;
    void *ctx;
    char last[STORE_PATH_BYTES + 1];
};

/* A server that repeats itself must not keep us listing for ever. */
static int in_order(void *ctx, const char *path, const struct store_object *object, struct error *err)
{
    struct order *order = ctx;
    if (!store_path_valid(path))
        return 0;
    if (strcmp(path, order->last) <= 0 || strncmp(path, order->prefix, strlen(order->prefix)))
        return error_set(err, EIO, "%s: the listing is out of order at '%s'", order->store->url, path);
    strcpy(order->last, path);
    return order->each(order->ctx, path, object, err);
}

static int pass_refusal(void *ctx, const char *path, const struct error *why, struct error *err)
{
    struct order *order = ctx;
    return order->refused(order->ctx, path, why, err);
}

static int list(struct order *order, bool versions, struct error *err)
{
    struct store *store = order->store;
    int rc = store_prefix_check(store->url, order->prefix, err);
    if (rc < 0)
        return rc;
    struct store_listing listing = {.prefix = order->prefix,
                                    .after = "",
                                    .versions = versions,
                                    .each = in_order,
                                    .refused = order->refused ? pass_refusal : NULL,
                                    .ctx = order};
    return store->ops->list(store, &listing, err);
}

int store_list(struct store *store, const char *prefix, store_list_fn *each, void *ctx, struct error *err)
{
    WITH_ERROR(err);
    struct order order = {.store = store, .prefix = prefix, .each = each, .ctx = ctx};
    return list(&order, false, err);
}

int store_list_past(struct store *store, const char *prefix, store_list_fn *each, store_refused_fn *refused,
                    void *ctx, struct error *err)
{
    WITH_ERROR(err);
    struct order order = {.store = store, .prefix = prefix, .each = each, .refused = refused, .ctx = ctx};
    return list(&order, false, err);
}

int store_list_versions(struct store *store, const char *prefix, store_list_fn *each, void *ctx,
                        struct error *err)
{
    WITH_ERROR(err);
    if (store->local)
        return error_set(err, ENOTSUP, "%s: a folder keeps no versions", store->url);
    struct order order = {.store = store, .prefix = prefix, .each = each, .ctx = ctx};
    return list(&order, true, err);
}

/* Two puts of one key, IF_ABSENT: the second must lose. The key is random, so where the first one loses it
 * lost to itself: its answer did not arrive and it was sent again. */
static int probe_twice(struct store *store, const char *path, struct error *err)
{
    int rc = store_put(store, path, "1\n", 2, STORE_PUT_IF_ABSENT, NULL, err);
    if (rc < 0 && rc != -EEXIST)
        return rc;
    rc = store_put(store, path, "2\n", 2, STORE_PUT_IF_ABSENT, NULL, err);
    if (rc == -EEXIST)
        return 0;
    if (rc < 0)
        return rc;
    return error_set(
        err, ENOTSUP,
        "%s: the store ignores If-None-Match, so two writers could overwrite each other's commit",
        store->url);
}

int store_probe(struct store *store, struct error *err)
{
    uint8_t id[16];
    char path[64] = ".elidefs-probe-";
    random_bytes(id, sizeof id);
    hex_print(id, sizeof id, path + strlen(path));
    struct error probe_err = {0};
    int rc = probe_twice(store, path, &probe_err);
    store_remove(store, path, NULL);
    return rc < 0 ? error_copy(err, &probe_err) : 0;
}
