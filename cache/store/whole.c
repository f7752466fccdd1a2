// SPDX-License-Identifier: Apache-2.0
/*
 * The whole of a small object, on its way while its reader does something else: several are asked for in one
 * round, and a wait can be given up. An object that is replaced while it is read is read again.
 */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "cache/base/instant.h"
#include "cache/store/ops.h"

enum { TRIES = 3 };

struct store_whole {
    struct store *store;
    char *path;
    size_t max_bytes;
    int tries;
    struct store_get get;
    struct store_object object;
    struct buf bytes; /* at most max_bytes of them */
    size_t got;       /* those past max_bytes included */
    pthread_mutex_t lock;
    pthread_cond_t ended; /* guarded by lock, with what follows, and the end of `get` */
    bool done;
    int rc;
    struct error err;
};

static void take(struct store_get *get, uint64_t offset, const void *bytes, size_t len)
{
    struct store_whole *whole = get->ctx;
    size_t room = whole->got < whole->max_bytes ? whole->max_bytes - whole->got : 0;
    buf_append(&whole->bytes, bytes, len < room ? len : room);
    whole->got += len;
}

static void end(struct store_get *get, int rc, const struct error *err)
{
    struct store_whole *whole = get->ctx;
    pthread_mutex_lock(&whole->lock);
    whole->rc = rc;
    if (rc < 0)
        whole->err = *err;
    whole->done = true;
    pthread_cond_signal(&whole->ended);
    pthread_mutex_unlock(&whole->lock);
}

static void start(struct store_whole *whole)
{
    buf_clear(&whole->bytes);
    whole->got = 0;
    whole->done = false;
    whole->get.state = NULL;
    whole->tries++;
    store_get_start(whole->store, &whole->get);
}

struct store_whole *store_whole_start(struct store *store, const char *path, size_t max_bytes,
                                      int64_t deadline_ns)
{
    struct store_whole *whole = MEM_NEW(struct store_whole);
    pthread_condattr_t monotonic;
    whole->store = store_ref(store);
    whole->path = mem_text(path);
    whole->max_bytes = max_bytes;
    pthread_mutex_init(&whole->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&whole->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    whole->get = (struct store_get){.path = whole->path,
                                    .size = UINT64_MAX,
                                    .len = UINT64_MAX,
                                    .deadline_ns = deadline_ns,
                                    .ret_object = &whole->object,
                                    .on_data = take,
                                    .on_done = end,
                                    .ctx = whole};
    start(whole);
    return whole;
}

static bool wait_once(struct store_whole *whole, int64_t until_ns)
{
    struct timespec until = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};
    int rc = 0;
    pthread_mutex_lock(&whole->lock);
    while (!whole->done && rc != ETIMEDOUT)
        rc = until_ns ? pthread_cond_timedwait(&whole->ended, &whole->lock, &until)
                      : pthread_cond_wait(&whole->ended, &whole->lock);
    bool done = whole->done;
    pthread_mutex_unlock(&whole->lock);
    return done;
}

bool store_whole_wait(struct store_whole *whole, int64_t until_ns)
{
    while (wait_once(whole, until_ns)) {
        if (whole->rc != -ESTALE || whole->tries == TRIES)
            return true;
        start(whole);
    }
    return false;
}

void store_whole_drop(struct store_whole *whole)
{
    if (!whole)
        return;
    pthread_mutex_lock(&whole->lock);
    if (!whole->done)
        store_get_cancel(whole->store, &whole->get);
    pthread_mutex_unlock(&whole->lock);
    wait_once(whole, 0);
    buf_done(&whole->bytes);
    store_unref(whole->store);
    free(whole->path);
    pthread_cond_destroy(&whole->ended);
    pthread_mutex_destroy(&whole->lock);
    free(whole);
}

static int take_whole(struct store_whole *whole, struct buf *buf, struct store_object *ret_object,
                      struct error *err)
{
    if (whole->rc < 0)
        return error_copy(err, &whole->err);
    if (whole->got > whole->max_bytes)
        return error_set(err, EFBIG, "%s/%s: larger than %zu bytes", store_url(whole->store), whole->path,
                         whole->max_bytes);
    buf_append(buf, whole->bytes.data, whole->bytes.len);
    if (ret_object)
        *ret_object = whole->object;
    return 0;
}

int store_whole_end(struct store_whole *whole, struct buf *buf, struct store_object *ret_object,
                    struct error *err)
{
    store_whole_wait(whole, 0);
    int rc = take_whole(whole, buf, ret_object, err);
    store_whole_drop(whole);
    return rc;
}

int store_read_all(struct store *store, const char *path, size_t max_bytes, struct buf *buf,
                   struct store_object *ret_object, struct error *err)
{
    return store_whole_end(store_whole_start(store, path, max_bytes, 0), buf, ret_object, err);
}
