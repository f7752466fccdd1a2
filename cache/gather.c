// SPDX-License-Identifier: Apache-2.0
/* A complete file is one pread(2) and no lock. Otherwise the range is walked run by run; nothing keeps a
 * block here between two looks, so each step may find that it has to be fetched after all. */
#include "cache/gather.h"

#include <errno.h>
#include <string.h>

#include "cache/fill.h"

enum { CHECK_BATCH = 64, BLOCK_BYTES_MAX = CACHE_BLOCK_BYTES, CHECK_BYTES = CHECK_BATCH * BLOCK_BYTES_MAX };

/* A buffer of at least `len` bytes, fast if that is at most SCRATCH_BYTES. */
static uint8_t *scratch_take(struct cache *cache, size_t len)
{
    for (int i = 0; len <= SCRATCH_BYTES && i < SCRATCH_COUNT; i++) {
        uint8_t *buffer = atomic_exchange(&cache->scratch[i], NULL);
        if (buffer)
            return buffer;
    }
    return mem_alloc(len > SCRATCH_BYTES ? len : SCRATCH_BYTES);
}

static void scratch_give(struct cache *cache, uint8_t *buffer, size_t len)
{
    for (int i = 0; buffer && len <= SCRATCH_BYTES && i < SCRATCH_COUNT; i++) {
        uint8_t *none = NULL;
        if (atomic_compare_exchange_strong(&cache->scratch[i], &none, buffer))
            return;
    }
    free(buffer);
}

void gathered_done(struct gathered *gathered)
{
    if (gathered->fill)
        fill_unref(gathered->fill);
    scratch_give(gathered->cache, gathered->scratch, gathered->scratch_len);
    cache_leave(gathered->cache);
}

/* ---- from the local file ---- */

/* The local file could not give these blocks: whatever it held is lost. */
static int lose(struct cached *file, uint64_t first, uint64_t end)
{
    pthread_mutex_lock(&file->lock);
    for (uint64_t i = first; i < end; i++)
        if (file->blocks.state[i] == BLOCK_DISK || file->blocks.state[i] == BLOCK_CHECKED) {
            blocks_set(&file->blocks, i, i + 1, BLOCK_ABSENT);
            count_add(&file->cache->counters.blocks_bad, 1);
        }
    cached_note_locked(file);
    pthread_mutex_unlock(&file->lock);
    return -EAGAIN;
}

/* Compares what was read of up to CHECK_BATCH blocks with their checksums. */
static int check(struct cached *file, uint64_t first, uint64_t end, const uint8_t *bytes)
{
    uint32_t crc[CHECK_BATCH];
    int rc = 0;
    for (uint64_t i = first; i < end; i++)
        crc[i - first] =
            crc32c(0, bytes + (i - first) * file->blocks.block_bytes, blocks_bytes(&file->blocks, i, i + 1));
    pthread_mutex_lock(&file->lock);
    for (uint64_t i = first; i < end; i++) {
        uint8_t state = file->blocks.state[i];
        bool on_disk = state == BLOCK_DISK || state == BLOCK_CHECKED;
        bool right = on_disk && file->blocks.crc[i] == crc[i - first];
        if (!right)
            rc = -EAGAIN;
        if (on_disk && !right)
            count_add(&file->cache->counters.blocks_bad, 1);
        if (on_disk)
            blocks_set(&file->blocks, i, i + 1, right ? BLOCK_CHECKED : BLOCK_ABSENT);
    }
    cached_note_locked(file);
    pthread_mutex_unlock(&file->lock);
    return rc;
}

/* Reads and checks up to CHECK_BATCH whole blocks. */
static int read_blocks(struct cached *file, int fd, uint64_t first, uint64_t end, uint8_t *to)
{
    if (disk_read(fd, first * file->blocks.block_bytes, blocks_bytes(&file->blocks, first, end), to))
        return lose(file, first, end);
    return check(file, first, end, to);
}

/* Reads and checks the blocks of [offset, offset + len). Whole blocks go straight to their place. */
static int read_unchecked(struct cached *file, int fd, uint64_t offset, size_t len, uint8_t *to)
{
    uint8_t edge[BLOCK_BYTES_MAX];
    const uint32_t block_bytes = file->blocks.block_bytes;
    uint64_t end = offset + len;
    for (uint64_t at = offset; at < end;) {
        uint64_t block = at / block_bytes, start = block * block_bytes;
        uint64_t last = end == file->size ? file->blocks.count : end / block_bytes;
        int rc;
        if (at == start && last > block) {
            last = last < block + CHECK_BATCH ? last : block + CHECK_BATCH;
            rc = read_blocks(file, fd, block, last, to + (at - offset));
            at += blocks_bytes(&file->blocks, block, last);
        } else {
            uint64_t upto = start + block_bytes < end ? start + block_bytes : end;
            rc = read_blocks(file, fd, block, block + 1, edge);
            if (!rc)
                memcpy(to + (at - offset), edge + (at - start), upto - at);
            at = upto;
        }
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- the walk ---- */

/* A run of bytes that are in the same place. */
struct run {
    struct cache_fill *fill; /* a reference; NULL: on disk */
    uint64_t end;
    bool checked;
    int fd;
};

static int look(struct cached *file, uint64_t at, uint64_t end, struct run *ret)
{
    uint64_t block = at / file->blocks.block_bytes;
    int rc = 0;
    pthread_mutex_lock(&file->lock);
    enum block_state state = file->blocks.state[block];
    if (state == BLOCK_COMING || state == BLOCK_MEMORY) {
        struct cache_fill *fill = cached_fill_locked(file, block);
        uint64_t to = ranges_covered_to(&fill->arrived, at);
        *ret = (struct run){.fill = fill, .end = to < end ? to : end};
        if (to == at)
            rc = -EAGAIN;
        else
            fill_ref(fill);
    } else if (state == BLOCK_ABSENT) {
        rc = -EAGAIN;
    } else {
        uint64_t to =
            blocks_run(&file->blocks, block, blocks_of(&file->blocks, end)) * file->blocks.block_bytes;
        *ret = (struct run){
            .end = to < end ? to : end, .checked = state == BLOCK_CHECKED, .fd = file->disk.data_fd};
    }
    pthread_mutex_unlock(&file->lock);
    return rc;
}

static int copy_run(struct cached *file, const struct run *run, uint64_t at, uint8_t *to)
{
    size_t len = run->end - at;
    if (run->fill) {
        memcpy(to, run->fill->bytes + (at - run->fill->offset), len);
        fill_unref(run->fill);
        return 0;
    }
    if (!run->checked)
        return read_unchecked(file, run->fd, at, len, to);
    if (!disk_read(run->fd, at, len, to))
        return 0;
    return lose(file, at / file->blocks.block_bytes, blocks_of(&file->blocks, run->end));
}

static int copy_all(struct cached *file, uint64_t offset, size_t len, uint8_t *to)
{
    uint64_t end = offset + len;
    for (uint64_t at = offset; at < end;) {
        struct run run;
        int rc = look(file, at, end, &run);
        if (!rc)
            rc = copy_run(file, &run, at, to + (at - offset));
        if (rc)
            return rc;
        at = run.end;
    }
    return 0;
}

/* Is all of it here, and if in the memory of one fill, which (with a reference)? */
static bool is_here(struct cached *file, uint64_t offset, size_t len, struct cache_fill **ret_fill)
{
    uint64_t end = offset + len;
    pthread_mutex_lock(&file->lock);
    bool here = cached_here_to_locked(file, offset, end) == end;
    struct cache_fill *fill = here ? cached_fill_locked(file, offset / file->blocks.block_bytes) : NULL;
    if (fill && ranges_covered_to(&fill->arrived, offset) >= end)
        fill_ref(fill);
    else
        fill = NULL;
    pthread_mutex_unlock(&file->lock);
    *ret_fill = fill;
    return here;
}

int gather(struct cached *file, uint64_t offset, size_t len, uint8_t *to, struct gathered *ret)
{
    bool complete = atomic_load_explicit(&file->complete, memory_order_acquire);
    struct gathered got = {.cache = file->cache, .bytes = to, .scratch_len = len};
    if (!complete && !is_here(file, offset, len, &got.fill))
        return -EAGAIN;
    cache_enter(file->cache); /* until gathered_done(): the reader may free the cache from its done() */
    if (got.fill && !to) {
        got.bytes = got.fill->bytes + (offset - got.fill->offset);
        *ret = got;
        return 0;
    }
    if (!to)
        got.bytes = to = got.scratch = scratch_take(file->cache, len);
    int rc = 0;
    if (got.fill)
        memcpy(to, got.fill->bytes + (offset - got.fill->offset), len);
    else if (!complete || disk_read(file->disk.data_fd, offset, len, to))
        rc = copy_all(file, offset, len, to);
    if (rc) {
        gathered_done(&got);
        return rc;
    }
    *ret = got;
    return 0;
}

/* Reads and checks every unchecked block; false if one is bad. */
static bool check_rest(struct cached *file)
{
    uint8_t *buffer = scratch_take(file->cache, CHECK_BYTES);
    int rc = 0;
    for (uint64_t first = 0, end; !rc && first < file->blocks.count; first = end) {
        pthread_mutex_lock(&file->lock);
        uint64_t left = file->blocks.count - first;
        end = blocks_run(&file->blocks, first, first + (left < CHECK_BATCH ? left : CHECK_BATCH));
        bool unchecked = file->blocks.state[first] == BLOCK_DISK;
        int fd = file->disk.data_fd;
        pthread_mutex_unlock(&file->lock);
        if (unchecked)
            rc = read_blocks(file, fd, first, end, buffer);
    }
    scratch_give(file->cache, buffer, CHECK_BYTES);
    return !rc;
}

bool gather_check_all(struct cached *file, uint64_t max_bytes)
{
    if (atomic_load_explicit(&file->complete, memory_order_acquire))
        return true;
    pthread_mutex_lock(&file->lock);
    const uint64_t *in_state = file->blocks.in_state;
    bool on_disk = in_state[BLOCK_DISK] + in_state[BLOCK_CHECKED] == file->blocks.count;
    bool few = in_state[BLOCK_DISK] * file->blocks.block_bytes <= max_bytes;
    pthread_mutex_unlock(&file->lock);
    return on_disk && few && check_rest(file) && atomic_load_explicit(&file->complete, memory_order_acquire);
}
