// SPDX-License-Identifier: Apache-2.0
/*
 * Reading a range of a file on a worker thread. A piece is handed out only after the file was found unchanged
 * behind the read, so a writer in the middle costs an error, not a mix of two contents (as far as the clock
 * of the file system can tell two writes apart).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cache/base/instant.h"
#include "cache/store/local.h"
#include "cache/store/pin.h"
#include "cache/store/stores.h"

enum { PIECE_BYTES = 1 << 20 };

struct local_get {
    struct store *store;
    struct store_get *get;
    atomic_bool cancelled;
};

struct piece {
    uint8_t *bytes;
    size_t cap;
};

static int changed(const struct local_get *lg, const char *how, struct error *err)
{
    return error_set(err, ESTALE, "%s/%s: the file has changed%s", lg->store->url, lg->get->path, how);
}

static int check_pin(const struct local_get *lg, const struct store_object *object, struct error *err)
{
    struct pin_local pin;
    const char *wanted = lg->get->pin;
    if (!wanted)
        return 0;
    if (pin_local_parse(wanted, &pin))
        return error_set(err, EINVAL, "%s/%s: '%s' is no pin of a local file", lg->store->url, lg->get->path,
                         wanted);
    if (strcmp(wanted, object->pin) || (lg->get->size != UINT64_MAX && lg->get->size != object->size))
        return changed(lg, " since it was pinned", err);
    return 0;
}

static int check_unchanged(const struct local_get *lg, int fd, const struct store_object *object,
                           struct error *err)
{
    struct stat st;
    struct store_object now;
    if (fstat(fd, &st))
        return local_fail(lg->store, lg->get->path, errno, err);
    local_object(&st, &now);
    return now.size == object->size && !strcmp(now.pin, object->pin) ? 0
                                                                     : changed(lg, " while it was read", err);
}

static int check_going_on(const struct local_get *lg, struct error *err)
{
    if (atomic_load(&lg->cancelled) || stores_stopped(lg->store->stores))
        return error_set(err, ECANCELED, "%s/%s: cancelled", lg->store->url, lg->get->path);
    if (clock_now_ns() > lg->get->deadline_ns)
        return error_set(err, ETIMEDOUT, "%s/%s: timed out", lg->store->url, lg->get->path);
    return 0;
}

static int read_piece(const struct local_get *lg, int fd, struct piece *piece, uint64_t at, size_t len,
                      struct error *err)
{
    for (size_t got = 0; got < len;) {
        ssize_t n = pread(fd, piece->bytes + got, len - got, (off_t)(at + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return local_fail(lg->store, lg->get->path, errno, err);
        if (!n)
            return changed(lg, " while it was read", err);
        got += (size_t)n;
    }
    return 0;
}

static int read_range(const struct local_get *lg, int fd, const struct store_object *object,
                      struct error *err)
{
    struct store_get *get = lg->get;
    uint64_t left = object->size - get->offset;
    if (get->len < left)
        left = get->len;
    size_t cap = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
    CLEANUP_FREE uint8_t *bytes = mem_alloc(cap);
    struct piece piece = {.bytes = bytes, .cap = cap};
    for (uint64_t at = get->offset; left;) {
        size_t len = left < cap ? (size_t)left : cap;
        int rc = check_going_on(lg, err);
        if (!rc)
            rc = read_piece(lg, fd, &piece, at, len, err);
        if (!rc)
            rc = check_unchanged(lg, fd, object, err);
        if (rc < 0)
            return rc;
        stores_count(lg->store->stores, STORE_RECEIVED, len);
        get->on_data(get, at, bytes, len);
        at += len;
        left -= len;
    }
    return 0;
}

/* The file, if it is the one that is wanted: its descriptor. */
static int open_pinned(const struct local_get *lg, struct store_object *ret, struct error *err)
{
    struct stat st;
    CLEANUP_CLOSE int fd = local_open(lg->store, lg->get->path, O_RDONLY, err);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st))
        return local_fail(lg->store, lg->get->path, errno, err);
    int rc = local_check_regular(lg->store, lg->get->path, &st, err);
    if (rc < 0)
        return rc;
    local_object(&st, ret);
    rc = check_pin(lg, ret, err);
    if (rc < 0)
        return rc;
    int opened = fd;
    fd = -1;
    return opened;
}

static int run_get(const struct local_get *lg, struct error *err)
{
    struct store_get *get = lg->get;
    struct store_object object;
    int rc = check_going_on(lg, err);
    if (rc < 0)
        return rc;
    CLEANUP_CLOSE int fd = open_pinned(lg, &object, err);
    if (fd < 0)
        return fd;
    if (get->offset > object.size || (get->offset == object.size && get->len != UINT64_MAX && get->len))
        return error_set(err, EINVAL, "%s/%s: offset %llu lies behind its end", lg->store->url, get->path,
                         (unsigned long long)get->offset);
    if (get->ret_object)
        *get->ret_object = object;
    return read_range(lg, fd, &object, err);
}

static int read_pieces(const struct local_get *lg, int fd, const struct store_ranges *ranges,
                       struct error *err)
{
    CLEANUP_FREE uint8_t *bytes = mem_alloc(PIECE_BYTES);
    struct piece piece = {.bytes = bytes, .cap = PIECE_BYTES};
    for (size_t i = 0; i < ranges->count; i++) {
        uint64_t at = ranges->list[i].offset, end = at + ranges->list[i].len;
        while (at < end) {
            size_t n = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
            int rc = stores_stopped(lg->store->stores)
                         ? error_set(err, ECANCELED, "%s/%s: cancelled", lg->store->url, ranges->path)
                         : read_piece(lg, fd, &piece, at, n, err);
            if (rc < 0)
                return rc;
            stores_count(lg->store->stores, STORE_RECEIVED, n);
            ranges->each(ranges->ctx, bytes, n);
            at += n;
        }
    }
    return 0;
}

/* In the caller's thread. Looked at once more at the end, that is enough: what was read counts only then. */
int local_read_ranges(struct store *store, const struct store_ranges *ranges, struct error *err)
{
    struct store_get get = {.path = ranges->path, .pin = ranges->pinned->pin, .size = ranges->pinned->size};
    const struct local_get lg = {.store = store, .get = &get};
    struct store_object object;
    stores_count(store->stores, STORE_REQUESTS, 1);
    CLEANUP_CLOSE int fd = open_pinned(&lg, &object, err);
    if (fd < 0)
        return fd;
    int rc = read_pieces(&lg, fd, ranges, err);
    return rc ? rc : check_unchanged(&lg, fd, &object, err);
}

static void work(void *ctx)
{
    struct local_get *lg = ctx;
    struct error err = {0};
    int rc = run_get(lg, &err);
    struct store *store = lg->store;
    stores_count(store->stores, STORE_ERRORS, rc < 0);
    lg->get->on_done(lg->get, rc, &err);
    free(lg); /* only now: a cancel may come until on_done() has returned */
    store_unref(store);
}

void local_get_start(struct store *store, struct store_get *get)
{
    struct local_get *lg = MEM_NEW(struct local_get);
    lg->store = store_ref(store);
    lg->get = get;
    get->state = lg;
    stores_count(store->stores, STORE_REQUESTS, 1);
    workers_submit(stores_workers(store->stores), work, lg);
}

void local_get_cancel(struct store *store, struct store_get *get)
{
    struct local_get *lg = get->state;
    atomic_store(&lg->cancelled, true);
}
