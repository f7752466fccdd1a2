// SPDX-License-Identifier: Apache-2.0
/* The thread that brings a read's last byte ends the read: there is no hand-over between a store's reply and
 * its readers. A hit costs no allocation. */
#include "cache/read.h"

#include <assert.h>
#include <errno.h>

#include "cache/ahead.h"
#include "cache/base/workers.h"
#include "cache/fetcher.h"
#include "cache/fill.h"
#include "cache/gather.h"

/* `read` may be gone afterwards. */
static void end_read(struct cache_read *read, int rc, const void *bytes, const struct error *err)
{
    read->done(read, rc, bytes, err);
}

/* The wait lives until done() has returned: a cancel that lost the race may still look at it. */
static void end_wait(struct wait *wait, int rc, const void *bytes, const struct error *err)
{
    end_read(wait->read, rc, bytes, err);
    free(wait);
}

static void end_cancelled(struct wait *wait)
{
    struct error err;
    int rc = error_set(&err, ECANCELED, "the read was cancelled");
    end_wait(wait, rc, NULL, &err);
}

/* Queues the wait and starts what it needs. False if everything is here by now, or it was cancelled.
 * Otherwise the wait belongs to whoever unlinks it. */
static bool wait_for_bytes(struct wait *wait)
{
    struct cached *file = wait->file;
    struct cache *cache = file->cache;
    uint64_t offset = wait->read->offset, end = offset + wait->read->len;
    struct cache_fill *fills = NULL;
    bool fits = ahead_fits(cache);
    pthread_mutex_lock(&file->lock);
    wait->have_to = cached_here_to_locked(file, offset, end);
    bool waits = wait->have_to < end && !wait->cancelled;
    if (waits) {
        uint64_t first = offset / file->blocks.block_bytes, last = blocks_of(&file->blocks, end);
        uint64_t asked_first = first, asked_last = last;
        if (fits)
            ahead_widen_locked(file, &first, &last);
        unread_mark_locked(file, first, asked_first);
        unread_mark_locked(file, asked_last, last);
        fills = fills_make_locked(file, first, last, false, UINT32_MAX);
        wait->next = file->waits;
        wait->prev = NULL;
        if (wait->next)
            wait->next->prev = wait;
        file->waits = wait;
        wait->linked = true;
    }
    pthread_mutex_unlock(&file->lock);
    if (waits)
        fetcher_add(cache->fetcher, fills);
    return waits;
}

static bool is_cancelled(struct wait *wait)
{
    pthread_mutex_lock(&wait->file->lock);
    bool cancelled = wait->cancelled || atomic_load(&wait->file->cache->stopping);
    pthread_mutex_unlock(&wait->file->lock);
    return cancelled;
}

static void run(struct wait *wait)
{
    for (;;) {
        struct gathered got;
        if (is_cancelled(wait)) {
            end_cancelled(wait);
            return;
        }
        if (!gather(wait->file, wait->read->offset, wait->read->len, NULL, &got)) {
            end_wait(wait, 0, got.bytes, NULL);
            gathered_done(&got);
            return;
        }
        if (!wait->refreshed) {
            wait->refreshed = true;
            if (cached_refresh(wait->file, wait->read->offset, wait->read->len))
                continue;
        }
        if (wait_for_bytes(wait))
            return;
    }
}

void read_start(struct cached *file, struct pattern *pattern, struct cache_read *read)
{
    struct gathered got;
    bool ahead = ahead_notice(file, pattern, read->offset, read->len);
    int rc = gather(file, read->offset, read->len, NULL, &got);
    if (!rc && ahead)
        fetcher_add(file->cache->fetcher, NULL);
    if (!rc) {
        end_read(read, 0, got.bytes, NULL);
        gathered_done(&got);
        return;
    }
    struct wait *wait = MEM_NEW(struct wait);
    wait->file = file;
    wait->read = read;
    read->state[0] = wait;
    run(wait);
}

int read_now(struct cached *file, uint64_t offset, size_t len, void *to, struct error *err)
{
    struct gathered got;
    int rc = gather(file, offset, len, to, &got);
    if (rc && cached_refresh(file, offset, len))
        rc = gather(file, offset, len, to, &got);
    if (rc)
        return error_set(err, -rc, "bytes %llu+%zu are not here yet", (unsigned long long)offset, len);
    unread_take(file, offset, len);
    gathered_done(&got);
    return 0;
}

void read_continue_all(struct wait *waits)
{
    for (struct wait *wait = waits, *next; wait; wait = next) {
        next = wait->next;
        run(wait);
    }
}

void read_fail_all(struct wait *waits, int rc, const struct error *err)
{
    for (struct wait *wait = waits, *next; wait; wait = next) {
        next = wait->next;
        end_wait(wait, rc, NULL, err);
    }
}

/* ---- cancelling ---- */

static void end_later(void *ctx)
{
    end_cancelled(ctx);
}

/* The fills that covered a read that no longer waits. */
static void cancel_fills(struct cached *file, uint64_t offset, uint64_t end)
{
    const uint64_t last = blocks_of(&file->blocks, end);
    for (uint64_t block = offset / file->blocks.block_bytes; block < last;) {
        pthread_mutex_lock(&file->lock);
        struct cache_fill *fill = cached_fill_locked(file, block);
        if (fill)
            fill_ref(fill);
        block = fill ? fill->end : blocks_run(&file->blocks, block, last);
        pthread_mutex_unlock(&file->lock);
        if (!fill)
            continue;
        fill_cancel_unwanted(fill);
        fill_unref(fill);
    }
}

void read_cancel(struct cached *file, struct cache_read *read)
{
    struct wait *wait = read->state[0];
    uint64_t offset = read->offset, end = offset + read->len;
    pthread_mutex_lock(&file->lock);
    bool mine = wait->linked;
    wait->cancelled = true;
    if (mine)
        cached_unlink_locked(wait);
    pthread_mutex_unlock(&file->lock);
    if (!mine)
        return; /* the thread that unlinked it ends it */
    cancel_fills(file, offset, end);
    workers_submit(file->cache->callbacks, end_later,
                   wait); /* the caller may hold a lock that done() takes */
}
