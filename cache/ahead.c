// SPDX-License-Identifier: Apache-2.0
/*
 * One range a file is to be fetched ahead: what its readers' patterns ask for is joined to it, and handed out
 * a fill at a time, so that however many read a file nothing is asked for twice.
 */
#include "cache/ahead.h"

#include "cache/fetcher.h"
#include "cache/fill.h"
#include "cache/keeper.h"

static uint64_t decide_locked(struct cached *file, struct pattern *pattern, uint64_t offset, uint64_t len,
                              uint64_t *ret_from)
{
    struct pattern_file facts = {
        .policy = file->source->ops->exact ? CACHE_FILL_EXACT : file->cache->policy,
        .size = file->size,
        .blocks = file->blocks.count,
        .blocks_here = file->blocks.count - file->blocks.in_state[BLOCK_ABSENT],
        .round_bytes = pace_round_bytes(&file->cache->pace),
        .opens = file->opens,
    };
    return pattern_ahead(pattern, &facts, offset, len, ret_from);
}

/* Joins [from, to) with what is to be fetched already; a gap between the two counts as wanted. */
static void join_locked(struct cached *file, uint64_t from, uint64_t to)
{
    bool has = file->ahead_from < file->ahead_to;
    file->ahead_from = has && file->ahead_from < from ? file->ahead_from : from;
    file->ahead_to = has && file->ahead_to > to ? file->ahead_to : to;
}

bool ahead_fits(struct cache *cache)
{
    return !atomic_load(&cache->stopping) && !health_failed(&cache->health, NULL, 0) &&
           !keeper_room(cache->keeper, FILL_MAX_BYTES);
}

/* Lists the file if it was `wanted`, and is not yet; with its lock held, which this gives back. */
static bool list_unlock(struct cached *file, bool wanted)
{
    bool list = wanted && !file->ahead_listed;
    if (list)
        file->ahead_listed = true;
    pthread_mutex_unlock(&file->lock);
    if (list) {
        cached_ref(file);
        fetcher_add_ahead(file->cache->fetcher, file);
    }
    return list;
}

bool ahead_whole(struct cached *file)
{
    pthread_mutex_lock(&file->lock);
    bool wanted = !file->source->ops->exact && file->cache->policy != CACHE_FILL_EXACT &&
                  file->disk.writable && file->blocks.in_state[BLOCK_ABSENT];
    if (wanted)
        join_locked(file, 0, file->size);
    return list_unlock(file, wanted);
}

void ahead_widen_locked(const struct cached *file, uint64_t *first, uint64_t *end)
{
    uint64_t bytes = file->blocks.block_bytes, most = FILL_MAX_BYTES / bytes;
    uint64_t from = file->ahead_from / bytes, to = blocks_of(&file->blocks, file->ahead_to);
    if (file->ahead_from >= file->ahead_to || from > *end || to <= *end)
        return;
    if (from < *first && to - from <= most)
        *first = from;
    *end = to - *first <= most ? to : *end > *first + most ? *end : *first + most;
}

bool ahead_notice(struct cached *file, struct pattern *pattern, uint64_t offset, uint64_t len)
{
    if (atomic_load_explicit(&file->complete, memory_order_acquire)) {
        unread_take(file, offset, len);
        return false;
    }
    uint64_t from;
    pthread_mutex_lock(&file->lock);
    unread_take_locked(file, offset, len);
    uint64_t to = decide_locked(file, pattern, offset, len, &from);
    bool under_way = file->ahead_listed && from >= file->ahead_from && to <= file->ahead_to;
    bool whole_under_way = file->ahead_listed && to == file->size && file->ahead_to == to;
    bool wanted = to > from && !under_way && !whole_under_way && file->disk.writable &&
                  file->blocks.in_state[BLOCK_ABSENT];
    if (wanted)
        join_locked(file, from, to);
    return list_unlock(file, wanted);
}

struct cache_fill *ahead_next(struct cached *file)
{
    bool takes = ahead_fits(file->cache);
    pthread_mutex_lock(&file->lock);
    uint64_t first = file->ahead_from / file->blocks.block_bytes,
             end = blocks_of(&file->blocks, file->ahead_to);
    while (first < end && file->blocks.state[first] != BLOCK_ABSENT)
        first = blocks_run(&file->blocks, first, end);
    struct cache_fill *fill = NULL;
    if (first < end && file->disk.writable && takes) {
        fill = fills_make_locked(file, first, end, true, 1);
        file->ahead_from = fill->end * file->blocks.block_bytes;
    } else {
        file->ahead_from = file->ahead_to = 0;
        file->ahead_listed = false;
    }
    pthread_mutex_unlock(&file->lock);
    return fill;
}

void ahead_end(struct cached *file)
{
    pthread_mutex_lock(&file->lock);
    file->ahead_from = file->ahead_to = 0;
    pthread_mutex_unlock(&file->lock);
}

void ahead_forget(struct cached *file)
{
    pthread_mutex_lock(&file->lock);
    file->ahead_from = file->ahead_to = 0;
    file->ahead_listed = false;
    pthread_mutex_unlock(&file->lock);
}
