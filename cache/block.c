// SPDX-License-Identifier: Apache-2.0
/* One byte of state and four of checksum a block, in zero pages that the kernel gives on first touch: a table
 * costs memory only where the file is used, even if a catalog claims a huge size. */
#include "cache/block.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CRC_BYTES = sizeof(uint32_t) };

uint64_t blocks_of(const struct blocks *blocks, uint64_t bytes)
{
    return bytes / blocks->block_bytes + (bytes % blocks->block_bytes != 0);
}

int blocks_init(struct blocks *blocks, uint64_t size, uint32_t block_bytes, struct error *err)
{
    struct blocks made = {.size = size, .block_bytes = block_bytes};
    uint64_t count = made.count = made.in_state[BLOCK_ABSENT] = blocks_of(&made, size);
    uint8_t *state = size <= INT64_MAX ? calloc(count + 1, 1) : NULL;
    uint32_t *crc = state ? calloc(count + 1, CRC_BYTES) : NULL;
    if (!crc) {
        free(state);
        return error_set(err, EFBIG, "a file of %llu bytes is too large to cache on this machine",
                         (unsigned long long)size);
    }
    made.state = state;
    made.crc = crc;
    *blocks = made;
    return 0;
}

void blocks_done(struct blocks *blocks)
{
    free(blocks->state);
    free(blocks->crc);
    *blocks = (struct blocks){0};
}

uint64_t blocks_bytes(const struct blocks *blocks, uint64_t first, uint64_t end)
{
    uint64_t to = end == blocks->count ? blocks->size : end * blocks->block_bytes;
    return to - first * blocks->block_bytes;
}

void blocks_set(struct blocks *blocks, uint64_t first, uint64_t end, enum block_state state)
{
    assert(first <= end && end <= blocks->count);
    for (uint64_t i = first; i < end; i++)
        blocks->in_state[blocks->state[i]]--;
    memset(blocks->state + first, state, end - first);
    blocks->in_state[state] += end - first;
}

uint64_t blocks_run(const struct blocks *blocks, uint64_t first, uint64_t end)
{
    assert(first < end && end <= blocks->count);
    uint64_t i = first + 1;
    while (i < end && blocks->state[i] == blocks->state[first])
        i++;
    return i;
}

void blocks_check(const struct blocks *blocks)
{
    uint64_t in_state[BLOCK_STATES] = {0}, sum = 0;
    for (uint64_t i = 0; i < blocks->count; i++) {
        assert(blocks->state[i] < BLOCK_STATES);
        in_state[blocks->state[i]]++;
    }
    for (int s = 0; s < BLOCK_STATES; s++) {
        assert(in_state[s] == blocks->in_state[s]);
        sum += in_state[s];
    }
    assert(sum == blocks->count);
    (void)sum;
}
