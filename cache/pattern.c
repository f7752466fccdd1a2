// SPDX-License-Identifier: Apache-2.0
/*
 * The reads of one handle as a streak that goes on or begins anew; what is fetched ahead follows from its
 * length, or, at its begin, from the lengths of earlier ones.
 */
#include "cache/pattern.h"

/* A kernel's read-ahead may come a little out of order: reads that begin this close behind the last one
 * still follow it. */
enum { PATTERN_SLACK_BYTES = 256 << 10 };

static bool follows(const struct pattern *pattern, uint64_t offset)
{
    return pattern->streak && offset <= pattern->next + PATTERN_SLACK_BYTES &&
           offset + PATTERN_SLACK_BYTES >= pattern->next && pattern->next - pattern->streak <= offset;
}

/* A streak from the file's start is its header, or a copy. */
static void learn(struct habit *habit, uint64_t from, uint64_t streak)
{
    if (!habit || !from || !streak || streak > HABIT_MAX_BYTES)
        return;
    uint64_t was = atomic_load_explicit(&habit->window, memory_order_relaxed);
    uint64_t now = streak > was ? streak : was - (was - streak) / 8;
    atomic_store_explicit(&habit->window, now, memory_order_relaxed);
}

void pattern_rest(struct pattern *pattern)
{
    learn(pattern->habit, pattern->next - pattern->streak, pattern->streak);
    pattern->streak = 0;
}

/* How far such reads went until now: bytes from where they began; 0: not known. */
static uint64_t window_of(const struct pattern *pattern)
{
    return pattern->habit && pattern->next > pattern->streak
               ? atomic_load_explicit(&pattern->habit->window, memory_order_relaxed)
               : 0;
}

/* What lies ahead of a streak: the rest of its window, or, beyond that, as much again as it has read. */
static uint64_t streak_ahead(const struct pattern *pattern, bool goes_on, uint64_t size)
{
    uint64_t from = pattern->next - pattern->streak, window = window_of(pattern),
             reach = pattern->streak < window ? window
                     : goes_on                ? 2 * pattern->streak
                                              : 0;
    if (goes_on && pattern->streak <= window)
        return 0; /* was asked for at its begin */
    return reach <= pattern->streak ? 0 : reach < size - from ? from + reach : size;
}

uint64_t pattern_ahead(struct pattern *pattern, const struct pattern_file *file, uint64_t offset,
                       uint64_t len, uint64_t *ret_from)
{
    bool goes_on = follows(pattern, offset);
    uint64_t end = offset + len;
    if (!goes_on) {
        pattern_rest(pattern);
        pattern->next = end;
        pattern->streak = len;
    } else if (end > pattern->next) {
        pattern->streak += end - pattern->next;
        pattern->next = end;
    }
    *ret_from = 0;
    if (file->policy == CACHE_FILL_EXACT)
        return 0;
    if (file->policy == CACHE_FILL_WHOLE || file->opens >= PATTERN_OPENS || file->size <= file->round_bytes ||
        2 * file->blocks_here > file->blocks)
        return file->size;
    *ret_from = pattern->next;
    return streak_ahead(pattern, goes_on, file->size);
}
