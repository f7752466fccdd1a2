// SPDX-License-Identifier: Apache-2.0
/* The cache's own waiting read knows a deadline but no cancel flag; and a read that is given up and asked
 * again and again would never end on a slow line. So the read goes on while its reader looks up from time to
 * time. */
#include "index/base/patience.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "cache/base/instant.h"

int patience_check(const struct catalog_patience *patience, struct error *err)
{
    if (patience->cancelled && atomic_load(patience->cancelled))
        return error_set(err, ECANCELED, "cancelled");
    if (patience->deadline_ns && clock_now_ns() >= patience->deadline_ns)
        return error_set(err, ETIMEDOUT, "the catalog did not arrive in time");
    return 0;
}

void patience_soon(struct timespec *ret)
{
    clock_gettime(CLOCK_MONOTONIC, ret);
    ret->tv_nsec += PATIENCE_LOOK_NS;
    ret->tv_sec += ret->tv_nsec / 1000000000;
    ret->tv_nsec %= 1000000000;
}

struct wait {
    pthread_mutex_t lock;
    pthread_cond_t ended; /* guarded by lock: done, rc, err, and the end of `read` */
    bool done;
    int rc;
    struct error err;
    void *to;
    size_t len;
};

static void read_done(struct cache_read *read, int rc, const void *bytes, const struct error *err)
{
    struct wait *wait = read->ctx;
    pthread_mutex_lock(&wait->lock);
    if (rc >= 0)
        memcpy(wait->to, bytes, wait->len);
    else
        error_copy(&wait->err, err);
    wait->rc = rc;
    wait->done = true;
    pthread_cond_signal(&wait->ended);
    pthread_mutex_unlock(&wait->lock);
}

static int wait_for(struct cache_file *file, struct cache_read *read, struct wait *wait,
                    const struct catalog_patience *patience, struct error *err)
{
    cache_read(file, read);
    int impatient = 0;
    pthread_mutex_lock(&wait->lock);
    while (!wait->done) {
        struct timespec until;
        patience_soon(&until);
        pthread_cond_timedwait(&wait->ended, &wait->lock, &until);
        if (!wait->done && !impatient && (impatient = patience_check(patience, err)))
            cache_read_cancel(file, read);
    }
    pthread_mutex_unlock(&wait->lock);
    if (impatient && wait->rc < 0)
        return impatient;
    return wait->rc < 0 ? error_copy(err, &wait->err) : 0;
}

int patience_read(struct cache_file *file, uint64_t offset, size_t len, void *to,
                  const struct catalog_patience *patience, struct error *err)
{
    pthread_condattr_t monotonic;
    struct wait wait = {.to = to, .len = len};
    pthread_mutex_init(&wait.lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&wait.ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    struct cache_read read = {.offset = offset, .len = len, .done = read_done, .ctx = &wait};
    int rc = wait_for(file, &read, &wait, patience, err);
    pthread_cond_destroy(&wait.ended);
    pthread_mutex_destroy(&wait.lock);
    return rc;
}
