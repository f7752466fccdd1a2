// SPDX-License-Identifier: Apache-2.0
/*
 * The blocking forms of reading: start the request, wait for its end. By a semaphore, which may go as soon as
 * the wait is over, and not by a condition: its waiter wakes only to wait for the lock of whoever woke it.
 */
#include <errno.h>
#include <semaphore.h>
#include <string.h>

#include "cache/base/memory.h"
#include "cache/store/ops.h"
#include "cache/store/path.h"

struct wait {
    uint8_t *to; /* either: fills [0, max_bytes) */
    size_t max_bytes;
    const struct store_ranges *ranges; /* or: hands on */
    size_t got;                        /* bytes seen, those past max_bytes included */
    struct error err;
    int rc;
    sem_t ended;
};

static void take(struct store_get *get, uint64_t offset, const void *bytes, size_t len)
{
    struct wait *wait = get->ctx;
    size_t room = wait->got < wait->max_bytes ? wait->max_bytes - wait->got : 0;
    size_t n = len < room ? len : room;
    if (wait->ranges)
        wait->ranges->each(wait->ranges->ctx, bytes, len);
    else
        memcpy(wait->to + wait->got, bytes, n);
    wait->got += len;
}

static void end(struct store_get *get, int rc, const struct error *err)
{
    struct wait *wait = get->ctx;
    wait->rc = rc;
    if (rc < 0)
        wait->err = *err;
    sem_post(&wait->ended);
}

static int run(struct store *store, struct store_get *get, struct wait *wait, struct error *err)
{
    sem_init(&wait->ended, 0, 0);
    get->on_data = take;
    get->on_done = end;
    get->ctx = wait;
    store_get_start(store, get);
    while (sem_wait(&wait->ended) < 0 && errno == EINTR)
        ;
    sem_destroy(&wait->ended);
    return wait->rc < 0 ? error_copy(err, &wait->err) : 0;
}

int store_read(struct store *store, const char *path, const struct store_object *pinned, uint64_t offset,
               size_t len, void *to, struct error *err)
{
    struct store_get get = {.path = path,
                            .pin = pinned ? pinned->pin : NULL,
                            .evidence = pinned ? &pinned->evidence : NULL,
                            .size = pinned ? pinned->size : UINT64_MAX,
                            .offset = offset,
                            .len = len};
    struct wait wait = {.to = to, .max_bytes = len};
    int rc = run(store, &get, &wait, err);
    if (rc < 0)
        return rc;
    if (wait.got != len)
        return error_set(err, EIO, "%s/%s: wanted %zu bytes at %llu, got %zu", store_url(store), path, len,
                         (unsigned long long)offset, wait.got);
    return 0;
}

/* One request a range: its bytes are handed on as they come. */
static int read_one_by_one(struct store *store, const struct store_ranges *ranges, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < ranges->count; i++) {
        struct store_get get = {.path = ranges->path,
                                .pin = ranges->pinned->pin,
                                .evidence = &ranges->pinned->evidence,
                                .size = ranges->pinned->size,
                                .offset = ranges->list[i].offset,
                                .len = ranges->list[i].len};
        struct wait wait = {.ranges = ranges};
        rc = get.len ? run(store, &get, &wait, err) : 0;
    }
    return rc;
}

int store_read_ranges(struct store *store, const struct store_ranges *ranges, struct error *err)
{
    WITH_ERROR(err);
    uint64_t size = ranges->pinned->size;
    int rc = store_path_check(store->url, ranges->path, err);
    for (size_t i = 0; !rc && i < ranges->count; i++)
        if (ranges->list[i].offset > size || ranges->list[i].len > size - ranges->list[i].offset)
            rc = error_set(err, EINVAL, "%s/%s: a range lies outside the object", store->url, ranges->path);
    if (rc < 0)
        return rc;
    return store->ops->read_ranges ? store->ops->read_ranges(store, ranges, err)
                                   : read_one_by_one(store, ranges, err);
}
