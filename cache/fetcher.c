// SPDX-License-Identifier: Apache-2.0
/* Starting a fill may end it at once, which starts the next: one thread pumps at a time and goes round again
 * instead of recursing. */
#include "cache/fetcher.h"

#include <pthread.h>
#include <stdbool.h>

#include "cache/ahead.h"
#include "cache/fill.h"
#include "cache/table.h"

struct fetcher {
    uint64_t limit;
    pthread_mutex_t lock; /* guards what follows */
    struct cache_fill *first, **last;
    struct cached *ahead[AHEAD_MAX]; /* a ring */
    unsigned ahead_at, ahead_count;
    uint64_t running; /* bytes */
    bool pumping, again;
};

struct fetcher *fetcher_new(uint64_t limit_bytes)
{
    struct fetcher *fetcher = MEM_NEW(struct fetcher);
    fetcher->limit = limit_bytes;
    fetcher->last = &fetcher->first;
    pthread_mutex_init(&fetcher->lock, NULL);
    return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    pthread_mutex_destroy(&fetcher->lock);
    free(fetcher);
}

static struct cached *pop_ahead_locked(struct fetcher *fetcher)
{
    if (!fetcher->ahead_count || fetcher->running >= fetcher->limit / 2)
        return NULL;
    struct cached *file = fetcher->ahead[fetcher->ahead_at];
    fetcher->ahead_at = (fetcher->ahead_at + 1) % AHEAD_MAX;
    fetcher->ahead_count--;
    return file;
}

static bool push_ahead(struct fetcher *fetcher, struct cached *file)
{
    pthread_mutex_lock(&fetcher->lock);
    bool fits = fetcher->ahead_count < AHEAD_MAX;
    if (fits)
        fetcher->ahead[(fetcher->ahead_at + fetcher->ahead_count++) % AHEAD_MAX] = file;
    pthread_mutex_unlock(&fetcher->lock);
    return fits;
}

/* Starts one fill; false if there is nothing to start. */
static bool start_one(struct fetcher *fetcher)
{
    pthread_mutex_lock(&fetcher->lock);
    struct cache_fill *fill = fetcher->running < fetcher->limit ? fetcher->first : NULL;
    if (fill) {
        if (!(fetcher->first = fill->next))
            fetcher->last = &fetcher->first;
        fetcher->running += fill->len;
    }
    struct cached *file = fill ? NULL : pop_ahead_locked(fetcher);
    pthread_mutex_unlock(&fetcher->lock);
    if (file) {
        fill = ahead_next(file);
        if (!fill) {
            table_put(file->cache->table, file);
            return true; /* another file may have work */
        }
        pthread_mutex_lock(&fetcher->lock);
        fetcher->running += fill->len;
        pthread_mutex_unlock(&fetcher->lock);
        if (!push_ahead(fetcher, file)) {
            ahead_forget(file);
            table_put(file->cache->table, file);
        }
    }
    if (fill)
        fill_start(fill);
    return fill != NULL;
}

static void pump(struct fetcher *fetcher)
{
    pthread_mutex_lock(&fetcher->lock);
    bool mine = !fetcher->pumping;
    fetcher->pumping = fetcher->again = true;
    while (mine && fetcher->again) {
        fetcher->again = false;
        pthread_mutex_unlock(&fetcher->lock);
        while (start_one(fetcher))
            ;
        pthread_mutex_lock(&fetcher->lock);
    }
    if (mine)
        fetcher->pumping = false;
    pthread_mutex_unlock(&fetcher->lock);
}

void fetcher_add(struct fetcher *fetcher, struct cache_fill *fills)
{
    pthread_mutex_lock(&fetcher->lock);
    *fetcher->last = fills;
    while (*fetcher->last)
        fetcher->last = &(*fetcher->last)->next;
    pthread_mutex_unlock(&fetcher->lock);
    pump(fetcher);
}

void fetcher_add_ahead(struct fetcher *fetcher, struct cached *file)
{
    if (push_ahead(fetcher, file))
        return;
    ahead_forget(file);
    table_put(file->cache->table, file);
}

void fetcher_ended(struct fetcher *fetcher, uint64_t len)
{
    pthread_mutex_lock(&fetcher->lock);
    fetcher->running -= len;
    pthread_mutex_unlock(&fetcher->lock);
    pump(fetcher);
}

void fetcher_stop(struct fetcher *fetcher)
{
    for (;;) {
        pthread_mutex_lock(&fetcher->lock);
        struct cached *file = NULL;
        if (fetcher->ahead_count) {
            file = fetcher->ahead[fetcher->ahead_at];
            fetcher->ahead_at = (fetcher->ahead_at + 1) % AHEAD_MAX;
            fetcher->ahead_count--;
        }
        pthread_mutex_unlock(&fetcher->lock);
        if (!file)
            return;
        ahead_forget(file);
        table_put(file->cache->table, file);
    }
}
