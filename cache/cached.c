// SPDX-License-Identifier: Apache-2.0
/*
 * Looks and marks are under the file's lock; opening, checking and taking over its local files are not. Fills
 * are kept in order and never overlap, so that the one that covers a block is found by halving.
 */
#include "cache/cached.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/fill.h"
#include "cache/side.h"

int cached_new(struct cache *cache, const uint8_t key[SHA256_BYTES], uint64_t size,
               struct cache_source *source, struct cached **ret, struct error *err)
{
    struct blocks blocks;
    uint32_t own = source->ops->block_bytes;
    int rc = blocks_init(&blocks, size, own ? own : CACHE_BLOCK_BYTES, err);
    if (rc)
        return rc;
    struct cached *file = MEM_NEW(struct cached);
    memcpy(file->node.key, key, SHA256_BYTES);
    atomic_init(&file->refs, 1);
    file->cache = cache;
    file->source = source;
    file->size = size;
    file->blocks = blocks;
    file->disk = DISK_NONE;
    pthread_mutex_init(&file->lock, NULL);
    *ret = file;
    return 0;
}

void cached_free(struct cached *file)
{
    assert(!file->fill_count && !file->waits);
    disk_touch(&file->disk);
    disk_close(&file->disk);
    if (file->source)
        file->source->ops->free(file->source);
    blocks_done(&file->blocks);
    pthread_mutex_destroy(&file->lock);
    free(file->fills);
    free(file->unread.bits);
    free(file);
}

void cached_ref(struct cached *file)
{
    atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
}

/* ---- local files ---- */

static void note_disk(struct cached *file, int rc)
{
    if (rc && rc != -EAGAIN)
        health_bad(&file->cache->health, folder_path(file->cache->folder), rc);
}

void cached_open_disk(struct cached *file, uint64_t *ret_disk_bytes)
{
    struct disk_loaded loaded = {0};
    int rc = disk_open(file->cache->folder, file->node.key, &file->blocks, &file->disk, &loaded);
    note_disk(file, rc);
    count_add(&file->cache->counters.blocks_bad, loaded.bad);
    *ret_disk_bytes = loaded.bytes;
}

/* What the side file says now, for blocks that are not here. */
static void merge_locked(struct cached *file, const struct blocks *from)
{
    for (uint64_t i = 0; i < from->count; i++)
        if (from->state[i] == BLOCK_DISK && file->blocks.state[i] == BLOCK_ABSENT &&
            from->crc[i] != file->blocks.crc[i]) {
            file->blocks.crc[i] = from->crc[i];
            blocks_set(&file->blocks, i, i + 1, BLOCK_DISK);
        }
}

/* Opens the files, or takes the lock of open ones; `disk` and `found` tell what came of it. */
static int try_writable(struct cached *file, struct disk *disk, struct blocks *found)
{
    struct disk_loaded loaded = {0};
    const struct folder *folder = file->cache->folder;
    if (disk->data_fd < 0) {
        int rc = disk_open(folder, file->node.key, found, disk, &loaded);
        count_add(&file->cache->counters.blocks_bad, loaded.bad);
        return rc ? rc : disk->writable ? 0 : -EAGAIN;
    }
    int rc = disk_lock(folder, file->node.key, disk);
    if (rc)
        return rc;
    disk->writable = true;
    return disk_load(disk, found, &loaded.bad);
}

int cached_make_writable(struct cached *file)
{
    pthread_mutex_lock(&file->lock);
    bool writable = file->disk.writable, busy = file->disk_busy;
    struct disk disk = file->disk;
    file->disk_busy = busy || !writable;
    pthread_mutex_unlock(&file->lock);
    if (writable || busy)
        return writable ? 0 : -EAGAIN;
    struct blocks found;
    int rc = blocks_init(&found, file->size, file->blocks.block_bytes, NULL);
    bool looked = !rc;
    if (looked) {
        rc = try_writable(file, &disk, &found);
        note_disk(file, rc);
    }
    pthread_mutex_lock(&file->lock);
    file->disk = disk;
    file->disk_busy = false;
    if (looked) {
        merge_locked(file, &found);
        blocks_done(&found);
    }
    pthread_mutex_unlock(&file->lock);
    return rc;
}

bool cached_refresh(struct cached *file, uint64_t offset, uint64_t len)
{
    uint64_t first = offset / file->blocks.block_bytes, end = blocks_of(&file->blocks, offset + len);
    pthread_mutex_lock(&file->lock);
    int side_fd = file->disk.writable ? -1 : file->disk.side_fd;
    pthread_mutex_unlock(&file->lock);
    if (side_fd < 0)
        return false;
    CLEANUP_FREE uint8_t *buffer = mem_alloc((end - first) * SIDE_RECORD_BYTES);
    int64_t got = disk_read_records(side_fd, first, end, buffer);
    if (got <= 0)
        return false;
    pthread_mutex_lock(&file->lock);
    uint64_t before = file->blocks.in_state[BLOCK_DISK];
    side_records_load(buffer, (size_t)got, first, &file->blocks);
    bool more = file->blocks.in_state[BLOCK_DISK] > before;
    pthread_mutex_unlock(&file->lock);
    return more;
}

/* ---- what is here ---- */

/* Index of the first fill that ends behind `block`. */
static size_t fill_index_locked(const struct cached *file, uint64_t block)
{
    size_t low = 0, high = file->fill_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->fills[middle]->end <= block)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct cache_fill *cached_fill_locked(const struct cached *file, uint64_t block)
{
    size_t i = fill_index_locked(file, block);
    return i < file->fill_count && file->fills[i]->first <= block ? file->fills[i] : NULL;
}

void cached_add_fill_locked(struct cached *file, struct cache_fill *fill)
{
    size_t i = fill_index_locked(file, fill->first);
    mem_grow(&file->fills, &file->fill_cap, file->fill_count + 1, sizeof *file->fills);
    memmove(&file->fills[i + 1], &file->fills[i], (file->fill_count - i) * sizeof *file->fills);
    file->fills[i] = fill;
    file->fill_count++;
}

void cached_remove_fill_locked(struct cached *file, struct cache_fill *fill)
{
    size_t i = fill_index_locked(file, fill->first);
    assert(i < file->fill_count && file->fills[i] == fill);
    file->fill_count--;
    memmove(&file->fills[i], &file->fills[i + 1], (file->fill_count - i) * sizeof *file->fills);
}

uint64_t cached_here_to_locked(const struct cached *file, uint64_t at, uint64_t end)
{
    while (at < end) {
        uint64_t block = at / file->blocks.block_bytes, to = at;
        switch ((enum block_state)file->blocks.state[block]) {
        case BLOCK_DISK:
        case BLOCK_CHECKED:
            to = blocks_run(&file->blocks, block, blocks_of(&file->blocks, end)) * file->blocks.block_bytes;
            break;
        case BLOCK_COMING:
        case BLOCK_MEMORY:
            to = ranges_covered_to(&cached_fill_locked(file, block)->arrived, at);
            break;
        default:
            break;
        }
        if (to == at)
            break;
        at = to;
    }
    return at < end ? at : end;
}

void cached_note_locked(struct cached *file)
{
    bool complete = file->blocks.in_state[BLOCK_CHECKED] == file->blocks.count && file->disk.data_fd >= 0;
    atomic_store_explicit(&file->complete, complete, memory_order_release);
}

bool cached_waited_for_locked(const struct cached *file, uint64_t offset, uint64_t end)
{
    for (const struct wait *wait = file->waits; wait; wait = wait->next)
        if (wait->read->offset < end && offset < wait->read->offset + wait->read->len)
            return true;
    return false;
}

void cached_unlink_locked(struct wait *wait)
{
    *(wait->prev ? &wait->prev->next : &wait->file->waits) = wait->next;
    if (wait->next)
        wait->next->prev = wait->prev;
    wait->prev = wait->next = NULL;
    wait->linked = false;
}

void cached_check(struct cached *file)
{
    pthread_mutex_lock(&file->lock);
    blocks_check(&file->blocks);
    uint64_t covered = 0, last = 0;
    for (size_t i = 0; i < file->fill_count; i++) {
        const struct cache_fill *fill = file->fills[i];
        assert(fill->first >= last && fill->first < fill->end);
        for (uint64_t b = fill->first; b < fill->end; b++)
            assert(file->blocks.state[b] == BLOCK_COMING || file->blocks.state[b] == BLOCK_MEMORY);
        covered += fill->end - fill->first;
        last = fill->end;
    }
    assert(covered == file->blocks.in_state[BLOCK_COMING] + file->blocks.in_state[BLOCK_MEMORY]);
    pthread_mutex_unlock(&file->lock);
    (void)covered, (void)last;
}
