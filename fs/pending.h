// SPDX-License-Identifier: Apache-2.0
/*
 * Requests of the kernel whose reply has to wait for something, so that stopping can end them all at once.
 * Locks itself; cancel() is called under that lock, so it must neither block nor reply.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pending {
    void (*cancel)(struct pending *pending); /* makes it end soon */
    int64_t since_ns;                        /* the list's own, like what follows: clock_now_ns() */
    struct pending *next, **link;
};

struct pendings {
    pthread_mutex_t lock; /* guards what follows and all `next` and `link` */
    pthread_cond_t empty;
    struct pending *first;
    bool stopping;
};

void pendings_init(struct pendings *pendings);
void pendings_done(struct pendings *pendings);                         /* nothing may be pending */
void pendings_add(struct pendings *pendings, struct pending *pending); /* cancelled at once when stopping */
void pendings_remove(struct pendings *pendings, struct pending *pending);
/* How many there are, and for how long the first of them has been. */
size_t pendings_count(struct pendings *pendings, int64_t *ret_longest_ns);
/* Cancels all, now and from now on, and waits until each has been removed. */
void pendings_stop(struct pendings *pendings);
