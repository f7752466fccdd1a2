// SPDX-License-Identifier: Apache-2.0
/* Who has the fill: from fills_make_locked() on the file's list has one reference; it goes when the bytes are
 * on disk, dropped, or never came. Whoever works on a fill outside the lock has another. */
#include "cache/fill.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "cache/ahead.h"
#include "cache/base/instant.h"
#include "cache/fetcher.h"
#include "cache/keeper.h"
#include "cache/kept.h"
#include "cache/read.h"
#include "cache/side.h"
#include "cache/table.h"

/* ---- life ---- */

static struct cache_fill *fill_new(struct cached *file, uint64_t first, uint64_t end, bool background)
{
    struct cache_fill *fill = MEM_NEW(struct cache_fill);
    fill->file = file;
    cached_ref(file);
    cache_enter(file->cache);
    fill->first = first;
    fill->end = end;
    fill->offset = first * file->blocks.block_bytes;
    fill->len = blocks_bytes(&file->blocks, first, end);
    fill->background = background;
    atomic_init(&fill->refs, 1);
    return fill;
}

struct cache_fill *fills_make_locked(struct cached *file, uint64_t first, uint64_t end, bool background,
                                     unsigned max)
{
    struct cache_fill *made = NULL, **last = &made;
    const uint64_t most = FILL_MAX_BYTES / file->blocks.block_bytes;
    for (uint64_t next; first < end && max; first = next) {
        uint64_t limit = first + most < end ? first + most : end;
        next = blocks_run(&file->blocks, first, limit);
        if (file->blocks.state[first] != BLOCK_ABSENT)
            continue;
        struct cache_fill *fill = fill_new(file, first, next, background);
        if (background)
            unread_mark_locked(file, first, next);
        blocks_set(&file->blocks, first, next, BLOCK_COMING);
        cached_add_fill_locked(file, fill);
        *last = fill;
        last = &fill->next;
        max--;
    }
    return made;
}

void fill_ref(struct cache_fill *fill)
{
    atomic_fetch_add_explicit(&fill->refs, 1, memory_order_relaxed);
}

void fill_unref(struct cache_fill *fill)
{
    if (atomic_fetch_sub_explicit(&fill->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct cached *file = fill->file;
    struct cache *cache = file->cache;
    ranges_done(&fill->arrived);
    free(fill->bytes);
    free(fill->records);
    free(fill);
    table_put(cache->table, file);
    cache_leave(cache);
}

/* ---- running ---- */

void fill_start(struct cache_fill *fill)
{
    struct cached *file = fill->file;
    struct cache_source *source = file->source;
    fill_ref(fill);
    pthread_mutex_lock(&file->lock);
    bool cancelled = fill->cancelled || atomic_load(&file->cache->stopping);
    fill->cancelled = cancelled;
    fill->phase = FILL_STARTING;
    pthread_mutex_unlock(&file->lock);
    if (cancelled) {
        cache_fill_done(fill, -ECANCELED, NULL);
        fill_unref(fill);
        return;
    }
    fill->bytes = mem_alloc(fill->len);
    if (!source->ops->counts)
        count_add(&file->cache->counters.fetches, 1);
    fill->started_ns = clock_now_ns();
    source->ops->start(source, fill);
    pthread_mutex_lock(&file->lock);
    bool runs = fill->phase == FILL_STARTING;
    if (runs)
        fill->phase = FILL_RUNNING;
    cancelled = runs && fill->cancelled; /* asked while start() ran */
    pthread_mutex_unlock(&file->lock);
    if (cancelled)
        source->ops->cancel(source, fill);
    fill_unref(fill);
}

void fill_cancel_unwanted(struct cache_fill *fill)
{
    struct cached *file = fill->file;
    bool stopping = atomic_load(&file->cache->stopping);
    pthread_mutex_lock(&file->lock);
    bool unwanted = stopping || (!fill->background &&
                                 !cached_waited_for_locked(file, fill->offset, fill->offset + fill->len));
    bool now = unwanted && !fill->cancelled && fill->phase == FILL_RUNNING;
    if (unwanted && fill->phase <= FILL_RUNNING)
        fill->cancelled = true;
    pthread_mutex_unlock(&file->lock);
    if (now)
        file->source->ops->cancel(file->source, fill);
}

uint64_t cache_fill_offset(const struct cache_fill *fill)
{
    return fill->offset;
}

uint64_t cache_fill_len(const struct cache_fill *fill)
{
    return fill->len;
}

void cache_fill_count(struct cache_fill *fill, uint64_t requests, uint64_t bytes)
{
    count_add(&fill->file->cache->counters.fetches, requests);
    count_add(&fill->file->cache->counters.bytes_fetched, bytes);
}

/* Unlinks the waits whose bytes are all here now, after [start, end) have come. */
static struct wait *take_ready_locked(struct cached *file, uint64_t start, uint64_t end)
{
    struct wait *ready = NULL;
    for (struct wait *wait = file->waits, *next; wait; wait = next) {
        next = wait->next;
        uint64_t wait_end = wait->read->offset + wait->read->len;
        if (wait->have_to < start || wait->have_to >= end)
            continue;
        wait->have_to = cached_here_to_locked(file, wait->have_to, wait_end);
        if (wait->have_to < wait_end)
            continue;
        cached_unlink_locked(wait);
        wait->next = ready;
        ready = wait;
    }
    return ready;
}

void cache_fill_data(struct cache_fill *fill, uint64_t offset, const void *bytes, size_t len)
{
    struct cached *file = fill->file;
    assert(offset >= fill->offset && len <= fill->len && offset - fill->offset <= fill->len - len);
    if (!len)
        return;
    if (!file->source->ops->counts)
        count_add(&file->cache->counters.bytes_fetched, len);
    memcpy(fill->bytes + (offset - fill->offset), bytes, len);
    pthread_mutex_lock(&file->lock);
    if (!fill->first_ns) {
        fill->first_ns = clock_now_ns();
        fill->fetched_before =
            atomic_load_explicit(&file->cache->counters.bytes_fetched, memory_order_relaxed);
    }
    ranges_add(&fill->arrived, offset, offset + len);
    struct wait *ready = take_ready_locked(file, offset, offset + len);
    pthread_mutex_unlock(&file->lock);
    read_continue_all(ready);
}

/* ---- the end ---- */

/* The longest run of whole blocks that came. */
static void whole_blocks_locked(const struct cache_fill *fill, uint64_t *ret_first, uint64_t *ret_end)
{
    *ret_first = *ret_end = fill->first;
    for (size_t i = 0; i < fill->arrived.count; i++) {
        const struct range *range = &fill->arrived.all[i];
        uint64_t first = blocks_of(&fill->file->blocks, range->start);
        uint64_t end = range->end == fill->file->size ? fill->file->blocks.count
                                                      : range->end / fill->file->blocks.block_bytes;
        if (end > first && end - first > *ret_end - *ret_first) {
            *ret_first = first;
            *ret_end = end;
        }
    }
}

/* Keeps the blocks that came whole, gives up the others; true if any came. */
static bool settle_locked(struct cache_fill *fill)
{
    struct cached *file = fill->file;
    uint64_t first, end;
    whole_blocks_locked(fill, &first, &end);
    cached_remove_fill_locked(file, fill);
    blocks_set(&file->blocks, fill->first, fill->end, BLOCK_ABSENT);
    unread_unmark_locked(file, fill->first, first);
    unread_unmark_locked(file, end, fill->end);
    fill->first = first;
    fill->end = end;
    fill->phase = FILL_WRITING;
    if (first == end)
        return false;
    blocks_set(&file->blocks, first, end, BLOCK_MEMORY);
    cached_add_fill_locked(file, fill);
    return true;
}

/* Unlinks the waits for bytes of [start, end) that are not here. */
static struct wait *take_failed_locked(struct cached *file, uint64_t start, uint64_t end)
{
    struct wait *failed = NULL;
    for (struct wait *wait = file->waits, *next; wait; wait = next) {
        next = wait->next;
        uint64_t from = wait->read->offset > start ? wait->read->offset : start;
        uint64_t to = wait->read->offset + wait->read->len;
        to = to < end ? to : end;
        if (from >= to || cached_here_to_locked(file, from, to) == to)
            continue;
        cached_unlink_locked(wait);
        wait->next = failed;
        failed = wait;
    }
    return failed;
}

/* Inline bytes come at once, and tell nothing of the store. */
static void note_pace(struct cache_fill *fill)
{
    struct cache *cache = fill->file->cache;
    int64_t now = clock_now_ns();
    uint64_t fetched = atomic_load_explicit(&cache->counters.bytes_fetched, memory_order_relaxed);
    if (fill->file->source->ops->exact || fetched <= fill->fetched_before)
        return;
    pace_note(&cache->pace, (uint64_t)(fill->first_ns - fill->started_ns), fetched - fill->fetched_before,
              (uint64_t)(now - fill->first_ns));
}

void cache_fill_done(struct cache_fill *fill, int rc, const struct error *err)
{
    struct cached *file = fill->file;
    struct error early = {0};
    uint64_t start = fill->offset, end = start + fill->len;
    fill_ref(fill);
    pthread_mutex_lock(&file->lock);
    bool all = ranges_covered_to(&fill->arrived, start) == end;
    bool retry = fill->cancelled && rc < 0 && !atomic_load(&file->cache->stopping);
    bool has_bytes = settle_locked(fill);
    if (all)
        note_pace(fill);
    struct wait *failed = all ? NULL : take_failed_locked(file, start, end);
    pthread_mutex_unlock(&file->lock);
    if (!all && rc >= 0) {
        rc = error_set(&early, EIO, "the source ended without all bytes of %llu+%llu",
                       (unsigned long long)start, (unsigned long long)fill->len);
        err = &early;
    } else if (!all && !err) {
        error_set(&early, -rc, "%s", strerror(-rc));
        err = &early;
    }
    if (!all && fill->background)
        ahead_end(file);
    if (has_bytes)
        fill_write(fill);
    fetcher_ended(file->cache->fetcher, end - start);
    if (retry) /* given up when nobody wanted it; who came since asks anew */
        read_continue_all(failed);
    else
        read_fail_all(failed, rc, err);
    if (!has_bytes)
        fill_unref(fill);
    fill_unref(fill);
}

/* ---- to disk ---- */

static uint64_t bytes_to_write(const struct cache_fill *fill)
{
    return (fill->end - fill->first) * fill->file->blocks.block_bytes;
}

static int prepare_write(struct write_job *job)
{
    struct cache_fill *fill = (struct cache_fill *)job;
    struct cached *file = fill->file;
    struct cache *cache = file->cache;
    if (!health_may_write(&cache->health))
        return -EAGAIN;
    int rc = keeper_write_begins(cache->keeper, file->node.key, bytes_to_write(fill));
    fill->has_room = !rc;
    if (!rc)
        rc = cached_make_writable(file);
    if (rc)
        return rc;
    uint64_t count = fill->end - fill->first, at = fill->first * file->blocks.block_bytes;
    const uint8_t *bytes = fill->bytes + (at - fill->offset);
    if (!fill->records)
        fill->records = mem_alloc(count * SIDE_RECORD_BYTES);
    for (uint64_t i = 0; i < count; i++)
        side_record(fill->records + i * SIDE_RECORD_BYTES,
                    crc32c(0, bytes + i * file->blocks.block_bytes,
                           blocks_bytes(&file->blocks, fill->first + i, fill->first + i + 1)));
    job->part[0] = (struct write_part){.fd = file->disk.data_fd,
                                       .bytes = bytes,
                                       .len = blocks_bytes(&file->blocks, fill->first, fill->end),
                                       .offset = at};
    job->part[1] = (struct write_part){.fd = file->disk.side_fd,
                                       .bytes = fill->records,
                                       .len = count * SIDE_RECORD_BYTES,
                                       .offset = side_record_offset(fill->first)};
    return 0;
}

static void end_write(struct cache_fill *fill, int rc)
{
    if (fill->has_room)
        keeper_write_ended(fill->file->cache->keeper, fill->file->node.key, bytes_to_write(fill), rc);
    fill->has_room = false;
}

static void note_written_locked(struct cache_fill *fill)
{
    struct cached *file = fill->file;
    cached_remove_fill_locked(file, fill);
    for (uint64_t i = fill->first; i < fill->end; i++)
        file->blocks.crc[i] = side_record_crc(fill->records + (i - fill->first) * SIDE_RECORD_BYTES);
    blocks_set(&file->blocks, fill->first, fill->end, BLOCK_CHECKED);
    cached_note_locked(file);
}

static void written(struct write_job *job, int rc)
{
    struct cache_fill *fill = (struct cache_fill *)job;
    struct cached *file = fill->file;
    struct cache *cache = file->cache;
    atomic_fetch_sub(&cache->counters.bytes_unwritten, fill->len);
    if (rc) {
        end_write(fill, rc);
        if (rc != -EAGAIN && rc != -EDQUOT) /* at its size limit is not failing: eviction is on its way */
            health_bad(&cache->health, folder_path(cache->folder), rc);
        kept_add(cache->kept, fill);
        return;
    }
    health_ok(&cache->health);
    pthread_mutex_lock(&file->lock);
    if (!fill->forgotten)
        note_written_locked(fill);
    pthread_mutex_unlock(&file->lock);
    end_write(fill, 0);
    fill_unref(fill);
}

void fill_write(struct cache_fill *fill)
{
    struct cache *cache = fill->file->cache;
    uint64_t unwritten = atomic_load(&cache->counters.bytes_unwritten);
    if (unwritten + fill->len > cache->memory_bytes) {
        kept_add(cache->kept, fill); /* the disk does not keep up: readers must not wait for it */
        return;
    }
    atomic_fetch_add(&cache->counters.bytes_unwritten, fill->len);
    fill->job.prepare = prepare_write;
    fill->job.done = written;
    writer_submit(cache->writer, &fill->job);
}

static void forget_locked(struct cache_fill *fill)
{
    cached_remove_fill_locked(fill->file, fill);
    unread_drop_locked(fill->file, fill->first, fill->end);
    blocks_set(&fill->file->blocks, fill->first, fill->end, BLOCK_ABSENT);
}

bool fill_drop(struct cache_fill *fill)
{
    struct cached *file = fill->file;
    bool stopping = atomic_load(&file->cache->stopping);
    pthread_mutex_lock(&file->lock);
    bool drop = stopping || fill->forgotten ||
                !cached_waited_for_locked(file, fill->first * file->blocks.block_bytes,
                                          fill->end * file->blocks.block_bytes);
    if (drop && !fill->forgotten)
        forget_locked(fill);
    pthread_mutex_unlock(&file->lock);
    if (drop)
        fill_unref(fill);
    return drop;
}

/* What the side file says of them stays as it is; the checksum that is left behind keeps those records from
 * being believed again. A fill whose write is under way goes on: whoever reads those bytes later checks them.
 */
void fills_forget(struct cached *file, uint64_t first, uint64_t end)
{
    pthread_mutex_lock(&file->lock);
    for (uint64_t i = first; i < end; i++) {
        enum block_state state = file->blocks.state[i];
        if (state == BLOCK_MEMORY) {
            struct cache_fill *fill = cached_fill_locked(file, i);
            fill->forgotten = true;
            forget_locked(fill);
        } else if (state == BLOCK_DISK || state == BLOCK_CHECKED) {
            blocks_set(&file->blocks, i, i + 1, BLOCK_ABSENT);
        }
    }
    cached_note_locked(file);
    pthread_mutex_unlock(&file->lock);
}
