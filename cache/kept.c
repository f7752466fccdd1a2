// SPDX-License-Identifier: Apache-2.0
/*
 * A queue, oldest first, of fills whose bytes the disk did not take. Each trim or retry looks at every fill
 * once, so that one that cannot go yet holds nothing up.
 */
#include "cache/kept.h"

#include <pthread.h>

#include "cache/fill.h"

struct kept {
    uint64_t limit;
    pthread_mutex_t lock; /* guards what follows */
    struct cache_fill *oldest, **newest;
    uint64_t bytes;
    unsigned count;
};

struct kept *kept_new(uint64_t limit_bytes)
{
    struct kept *kept = MEM_NEW(struct kept);
    kept->limit = limit_bytes;
    kept->newest = &kept->oldest;
    pthread_mutex_init(&kept->lock, NULL);
    return kept;
}

void kept_free(struct kept *kept)
{
    if (!kept)
        return;
    pthread_mutex_destroy(&kept->lock);
    free(kept);
}

static void push(struct kept *kept, struct cache_fill *fill)
{
    fill->next = NULL;
    pthread_mutex_lock(&kept->lock);
    *kept->newest = fill;
    kept->newest = &fill->next;
    kept->bytes += fill->len;
    kept->count++;
    pthread_mutex_unlock(&kept->lock);
}

/* The oldest, if more than `bytes` are kept; *ret_count is how many there were. */
static struct cache_fill *pop(struct kept *kept, uint64_t bytes, unsigned *ret_count)
{
    pthread_mutex_lock(&kept->lock);
    struct cache_fill *fill = kept->bytes > bytes ? kept->oldest : NULL;
    *ret_count = kept->count;
    if (fill) {
        if (!(kept->oldest = fill->next))
            kept->newest = &kept->oldest;
        kept->bytes -= fill->len;
        kept->count--;
    }
    pthread_mutex_unlock(&kept->lock);
    return fill;
}

/* Each is looked at once: those that a read still waits for stay, even over the limit. */
static void trim(struct kept *kept, uint64_t limit)
{
    unsigned left, ignored;
    struct cache_fill *fill = pop(kept, limit, &left);
    while (fill) {
        if (!fill_drop(fill))
            push(kept, fill);
        fill = --left ? pop(kept, limit, &ignored) : NULL;
    }
}

void kept_add(struct kept *kept, struct cache_fill *fill)
{
    push(kept, fill);
    trim(kept, kept->limit);
}

void kept_retry(struct kept *kept, unsigned max)
{
    unsigned count, ignored;
    struct cache_fill *fill = pop(kept, 0, &count);
    for (count = count < max ? count : max; fill; fill = --count ? pop(kept, 0, &ignored) : NULL)
        fill_write(fill);
}

void kept_drop_all(struct kept *kept)
{
    trim(kept, 0);
}
