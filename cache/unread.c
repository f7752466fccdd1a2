// SPDX-License-Identifier: Apache-2.0
/* A file of which nothing was fetched ahead has no bits, and one whose bits are all taken is as quick to read
 * as that: `has_unread` stands beside what a read looks at anyway. */
#include "cache/unread.h"

#include <stdlib.h>

#include "cache/cached.h"

static bool is_set(const struct cached *file, uint64_t block)
{
    return file->unread.bits[block / 8] >> block % 8 & 1;
}

static void flip_locked(struct cached *file, uint64_t block)
{
    file->unread.bits[block / 8] ^= (uint8_t)(1U << block % 8);
}

static void note_locked(struct cached *file)
{
    atomic_store_explicit(&file->has_unread, file->unread.blocks, memory_order_relaxed);
}

void unread_mark_locked(struct cached *file, uint64_t first, uint64_t end)
{
    struct unread *unread = &file->unread;
    if (first < end && !unread->bits)
        unread->bits = calloc(file->blocks.count / 8 + 1, 1); /* without, nothing is counted */
    uint64_t bytes = 0;
    for (uint64_t i = first; unread->bits && i < end; i++)
        if (file->blocks.state[i] == BLOCK_ABSENT && !is_set(file, i)) {
            flip_locked(file, i);
            unread->blocks++;
            bytes += blocks_bytes(&file->blocks, i, i + 1);
        }
    count_add(&file->cache->counters.bytes_ahead, bytes);
    note_locked(file);
}

/* The bytes of those that were set, and are not any more. */
static uint64_t clear_locked(struct cached *file, uint64_t first, uint64_t end)
{
    uint64_t bytes = 0;
    for (uint64_t i = first; file->unread.blocks && i < end; i++)
        if (is_set(file, i)) {
            flip_locked(file, i);
            file->unread.blocks--;
            bytes += blocks_bytes(&file->blocks, i, i + 1);
        }
    note_locked(file);
    return bytes;
}

void unread_drop_locked(struct cached *file, uint64_t first, uint64_t end)
{
    clear_locked(file, first, end);
}

void unread_unmark_locked(struct cached *file, uint64_t first, uint64_t end)
{
    atomic_fetch_sub_explicit(&file->cache->counters.bytes_ahead, clear_locked(file, first, end),
                              memory_order_relaxed);
}

void unread_take_locked(struct cached *file, uint64_t offset, uint64_t len)
{
    if (!file->unread.blocks)
        return;
    uint64_t end = blocks_of(&file->blocks, offset + len);
    count_add(&file->cache->counters.bytes_ahead_read,
              clear_locked(file, offset / file->blocks.block_bytes, end));
}

void unread_take(struct cached *file, uint64_t offset, uint64_t len)
{
    if (!atomic_load_explicit(&file->has_unread, memory_order_relaxed))
        return;
    pthread_mutex_lock(&file->lock);
    unread_take_locked(file, offset, len);
    pthread_mutex_unlock(&file->lock);
}
