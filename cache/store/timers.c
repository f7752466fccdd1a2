// SPDX-License-Identifier: Apache-2.0
/* A sorted list: there are never more timers than stores and requests that have failed just now. */
#include "cache/store/timers.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"

struct timers {
    pthread_t thread;
    bool started;
    pthread_cond_t wake, fired;
    pthread_mutex_t lock; /* guards what follows */
    struct timer *first, *firing;
    bool stopped, ending;
};

static void insert_locked(struct timers *timers, struct timer *timer)
{
    struct timer **at = &timers->first;
    while (*at && (*at)->at_ns <= timer->at_ns)
        at = &(*at)->next;
    timer->next = *at;
    *at = timer;
    pthread_cond_signal(&timers->wake);
}

static void wait_locked(struct timers *timers)
{
    if (!timers->first) {
        pthread_cond_wait(&timers->wake, &timers->lock);
        return;
    }
    int64_t at_ns = timers->first->at_ns;
    struct timespec until = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000};
    pthread_cond_timedwait(&timers->wake, &timers->lock, &until);
}

static struct timer *next_due(struct timers *timers)
{
    pthread_mutex_lock(&timers->lock);
    timers->firing = NULL;
    pthread_cond_broadcast(&timers->fired);
    struct timer *due = NULL;
    while (!due && !timers->ending) {
        due = timers->first;
        if (due && (timers->stopped || due->at_ns <= clock_now_ns())) {
            timers->first = due->next;
            break;
        }
        due = NULL;
        wait_locked(timers);
    }
    timers->firing = due;
    pthread_mutex_unlock(&timers->lock);
    return due;
}

static void *run(void *ctx)
{
    for (struct timer *timer; (timer = next_due(ctx));)
        timer->fire(timer);
    return NULL;
}

int timers_new(struct timers **ret, struct error *err)
{
    struct timers *timers = MEM_NEW(struct timers);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&timers->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_cond_init(&timers->fired, NULL);
    pthread_mutex_init(&timers->lock, NULL);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the main thread */
    int rc = pthread_create(&timers->thread, NULL, run, timers);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    timers->started = !rc;
    if (rc) {
        timers_free(timers);
        return error_set(err, rc, "cannot start the timer thread: %s", strerror(rc));
    }
    *ret = timers;
    return 0;
}

void timers_stop(struct timers *timers)
{
    pthread_mutex_lock(&timers->lock);
    timers->stopped = true;
    pthread_cond_signal(&timers->wake);
    pthread_mutex_unlock(&timers->lock);
}

void timers_free(struct timers *timers)
{
    if (!timers)
        return;
    pthread_mutex_lock(&timers->lock);
    timers->ending = true;
    pthread_cond_signal(&timers->wake);
    pthread_mutex_unlock(&timers->lock);
    if (timers->started)
        pthread_join(timers->thread, NULL);
    pthread_cond_destroy(&timers->wake);
    pthread_cond_destroy(&timers->fired);
    pthread_mutex_destroy(&timers->lock);
    free(timers);
}

void timers_start(struct timers *timers, struct timer *timer)
{
    pthread_mutex_lock(&timers->lock);
    insert_locked(timers, timer);
    pthread_mutex_unlock(&timers->lock);
}

/* Takes it out of the list; false if it is not there. */
static bool remove_locked(struct timers *timers, struct timer *timer)
{
    struct timer **at = &timers->first;
    while (*at && *at != timer)
        at = &(*at)->next;
    bool found = *at;
    if (found)
        *at = timer->next;
    return found;
}

void timers_hurry(struct timers *timers, struct timer *timer)
{
    pthread_mutex_lock(&timers->lock);
    if (remove_locked(timers, timer)) {
        timer->at_ns = 0;
        insert_locked(timers, timer);
    }
    pthread_mutex_unlock(&timers->lock);
}

void timers_take_back(struct timers *timers, struct timer *timer)
{
    pthread_mutex_lock(&timers->lock);
    while (remove_locked(timers, timer) || timers->firing == timer)
        if (timers->firing == timer)
            pthread_cond_wait(&timers->fired, &timers->lock);
    pthread_mutex_unlock(&timers->lock);
}
