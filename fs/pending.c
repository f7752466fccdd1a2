// SPDX-License-Identifier: Apache-2.0
/*
 * A list under one lock, through which all that wait can be cancelled at once, and none that begins later is
 * missed.
 */
#include "fs/pending.h"

#include <assert.h>

#include "cache/base/instant.h"

void pendings_init(struct pendings *pendings)
{
    *pendings = (struct pendings){0};
    pthread_mutex_init(&pendings->lock, NULL);
    pthread_cond_init(&pendings->empty, NULL);
}

void pendings_done(struct pendings *pendings)
{
    assert(!pendings->first);
    pthread_cond_destroy(&pendings->empty);
    pthread_mutex_destroy(&pendings->lock);
}

void pendings_add(struct pendings *pendings, struct pending *pending)
{
    pending->since_ns = clock_now_ns();
    pthread_mutex_lock(&pendings->lock);
    pending->next = pendings->first;
    pending->link = &pendings->first;
    if (pending->next)
        pending->next->link = &pending->next;
    pendings->first = pending;
    if (pendings->stopping)
        pending->cancel(pending);
    pthread_mutex_unlock(&pendings->lock);
}

void pendings_remove(struct pendings *pendings, struct pending *pending)
{
    pthread_mutex_lock(&pendings->lock);
    *pending->link = pending->next;
    if (pending->next)
        pending->next->link = pending->link;
    if (!pendings->first)
        pthread_cond_broadcast(&pendings->empty);
    pthread_mutex_unlock(&pendings->lock);
}

size_t pendings_count(struct pendings *pendings, int64_t *ret_longest_ns)
{
    int64_t now = clock_now_ns(), longest = 0;
    size_t count = 0;
    pthread_mutex_lock(&pendings->lock);
    for (struct pending *pending = pendings->first; pending; pending = pending->next, count++)
        longest = now - pending->since_ns > longest ? now - pending->since_ns : longest;
    pthread_mutex_unlock(&pendings->lock);
    *ret_longest_ns = longest;
    return count;
}

void pendings_stop(struct pendings *pendings)
{
    pthread_mutex_lock(&pendings->lock);
    pendings->stopping = true;
    for (struct pending *pending = pendings->first; pending; pending = pending->next)
        pending->cancel(pending);
    while (pendings->first)
        pthread_cond_wait(&pendings->empty, &pendings->lock);
    pthread_mutex_unlock(&pendings->lock);
}
