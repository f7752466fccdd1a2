// SPDX-License-Identifier: Apache-2.0
/*
 * A thread that looks every few seconds. Who asks for a look at once waits until a moment after the last one,
 * so that many who ask are served by one.
 */
#include "fs/refresh.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "fs/reply.h"

enum { POLL_DEFAULT_MS = 5000 };
#define A_MOMENT_NS INT64_C(100000000) /* between two looks that were asked for */

struct refresh {
    struct dataset *dataset;
    unsigned poll_ms;
    pthread_t thread;
    bool started;
    pthread_cond_t wake;
    pthread_mutex_t lock; /* guards what follows */
    bool ending;
    int64_t head_time_ns;
    uint32_t judged;   /* the head for which the next was found */
    uint32_t readable; /* the newest version that can be read */
    int64_t looked_ns; /* when the last look began that has ended */
    uint32_t purged;   /* dataset_purge_seq() that was told */
    refresh_purged_fn *tell_purged;
    void *ctx;
};

/* A version of a newer program is said once, when it comes; whoever asks for it is told, too. */
static void judge(struct refresh *refresh, uint32_t head, const struct manifest *manifest)
{
    pthread_mutex_lock(&refresh->lock);
    bool judged = refresh->judged == head;
    refresh->judged = head;
    pthread_mutex_unlock(&refresh->lock);
    struct error why = {0};
    uint32_t readable = head;
    if (judged)
        return;
    bool refused = manifest && dataset_check_readable(refresh->dataset, manifest, PATIENCE_ENDLESS, &why);
    if (refused)
        reply_log(why.text);
    if (refused || (head && !manifest))
        dataset_newest_readable(refresh->dataset, PATIENCE_ENDLESS, &readable, NULL);
    pthread_mutex_lock(&refresh->lock);
    refresh->readable = readable;
    pthread_mutex_unlock(&refresh->lock);
}

static void remember(struct refresh *refresh, int64_t looked_ns)
{
    const struct manifest *manifest = NULL;
    uint32_t head = dataset_head(refresh->dataset);
    if (head && dataset_manifest(refresh->dataset, head, &manifest, NULL) < 0)
        manifest = NULL; /* a damaged one is said where its version is used; the others can be */
    judge(refresh, head, manifest);
    pthread_mutex_lock(&refresh->lock);
    if (manifest)
        refresh->head_time_ns = manifest->time_ns;
    if (refresh->looked_ns < looked_ns)
        refresh->looked_ns = looked_ns;
    pthread_mutex_unlock(&refresh->lock);
}

static int look(struct refresh *refresh, struct error *err)
{
    int64_t start_ns = clock_now_ns();
    int rc = dataset_refresh(refresh->dataset, NULL, err);
    if (rc < 0)
        return rc;
    remember(refresh, start_ns);
    return 0;
}

static void tell_purged(struct refresh *refresh)
{
    uint32_t seq = dataset_purge_seq(refresh->dataset);
    pthread_mutex_lock(&refresh->lock);
    refresh_purged_fn *tell = seq != refresh->purged ? refresh->tell_purged : NULL;
    if (tell)
        refresh->purged = seq;
    void *ctx = refresh->ctx;
    pthread_mutex_unlock(&refresh->lock);
    if (tell)
        tell(ctx);
}

/* false: time to end. */
static bool sleep_until_next(struct refresh *refresh)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += refresh->poll_ms / 1000;
    until.tv_nsec += refresh->poll_ms % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&refresh->lock);
    int rc = 0;
    while (!refresh->ending && rc == 0)
        rc = pthread_cond_timedwait(&refresh->wake, &refresh->lock, &until);
    bool ending = refresh->ending;
    pthread_mutex_unlock(&refresh->lock);
    return !ending;
}

static void *poll_versions(void *ctx)
{
    struct refresh *refresh = ctx;
    bool failing = false;
    while (sleep_until_next(refresh)) {
        struct error err = {0};
        int rc = look(refresh, &err);
        if (rc < 0 && !failing && rc != -ECANCELED) { /* said once, not every few seconds */
            error_prefix(&err, "cannot look for new versions");
            reply_log(err.text);
        }
        failing = rc < 0;
        tell_purged(refresh);
    }
    return NULL;
}

static int start_thread(struct refresh *refresh, struct error *err)
{
    sigset_t all, old;
    sigfillset(&all); /* signals are for the main thread */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(&refresh->thread, NULL, poll_versions, refresh);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    refresh->started = rc == 0;
    return rc ? error_set(err, rc, "cannot start a thread: %s", strerror(rc)) : 0;
}

int refresh_new(struct dataset *dataset, unsigned poll_ms, struct refresh **ret, struct error *err)
{
    struct refresh *refresh = MEM_NEW(struct refresh);
    refresh->dataset = dataset;
    refresh->poll_ms = poll_ms ? poll_ms : POLL_DEFAULT_MS;
    refresh->head_time_ns = instant_now();
    refresh->purged = dataset_purge_seq(dataset);
    pthread_mutex_init(&refresh->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&refresh->wake, &attr);
    pthread_condattr_destroy(&attr);
    remember(refresh, clock_now_ns()); /* it was opened just now */
    int rc = start_thread(refresh, err);
    if (rc < 0) {
        refresh_free(refresh);
        return rc;
    }
    *ret = refresh;
    return 0;
}

void refresh_free(struct refresh *refresh)
{
    if (!refresh)
        return;
    pthread_mutex_lock(&refresh->lock);
    refresh->ending = true;
    pthread_cond_broadcast(&refresh->wake);
    pthread_mutex_unlock(&refresh->lock);
    if (refresh->started)
        pthread_join(refresh->thread, NULL);
    pthread_cond_destroy(&refresh->wake);
    pthread_mutex_destroy(&refresh->lock);
    free(refresh);
}

void refresh_tell_purged(struct refresh *refresh, refresh_purged_fn *purged, void *ctx)
{
    pthread_mutex_lock(&refresh->lock);
    refresh->tell_purged = purged;
    refresh->ctx = ctx;
    pthread_mutex_unlock(&refresh->lock);
}

static int64_t last_look_ns(struct refresh *refresh)
{
    pthread_mutex_lock(&refresh->lock);
    int64_t ns = refresh->looked_ns;
    pthread_mutex_unlock(&refresh->lock);
    return ns;
}

int refresh_now(struct refresh *refresh, const struct catalog_patience *patience, struct error *err)
{
    int64_t asked_ns = clock_now_ns(), wait_ns = last_look_ns(refresh) + A_MOMENT_NS - asked_ns;
    if (wait_ns > 0)
        nanosleep(&(struct timespec){.tv_nsec = wait_ns}, NULL);
    if (last_look_ns(refresh) > asked_ns)
        return 0;
    asked_ns = clock_now_ns();
    int rc = dataset_look(refresh->dataset, patience, NULL, err);
    if (rc < 0)
        return rc;
    remember(refresh, asked_ns);
    return 0;
}

uint32_t refresh_readable(struct refresh *refresh)
{
    pthread_mutex_lock(&refresh->lock);
    uint32_t readable = refresh->readable;
    pthread_mutex_unlock(&refresh->lock);
    return readable;
}

int64_t refresh_head_time_ns(struct refresh *refresh)
{
    pthread_mutex_lock(&refresh->lock);
    int64_t ns = refresh->head_time_ns;
    pthread_mutex_unlock(&refresh->lock);
    return ns;
}
