// SPDX-License-Identifier: Apache-2.0
/*
 * The state of each block of one cached file: 4 KiB, or what its source says.
 *
 *                asked          all came          written
 *     ABSENT --------> COMING ---------> MEMORY ---------> CHECKED
 *       ^                 | failed         | dropped         | local file lost
 *       +<----------------+----------------+-----------------+
 *
 *            a valid record          CRC32C right
 *     ABSENT ---------------> DISK ----------------------> CHECKED
 *       ^                       | CRC32C wrong
 *       +<----------------------+
 *
 *     state    where the bytes are                    who leaves it, and how
 *     ABSENT   in the store only                      a read or fetching ahead makes a fill: COMING;
 *                                                     the side file says it is valid: DISK
 *     COMING   arriving in a fill's memory            the fill's end: MEMORY if they all came, else ABSENT
 *     MEMORY   complete in a fill's memory            the writer: CHECKED; dropped, if unwritable: ABSENT
 *     DISK     in the local file, unchecked           the first reader: CHECKED if the CRC32C is right, else
 *                                                     ABSENT
 *     CHECKED  in the local file, written or checked  a read that finds the local file cut short: ABSENT
 *              by this process
 *
 * Invariants (blocks_check(), and cached_check() for 3):
 *  1. in_state[s] is the number of blocks in state s; the sum is `count`.
 *  2. crc[i] is the checksum of block i's bytes in states DISK and CHECKED.
 *  3. A block is COMING or MEMORY exactly while one fill covers it. So one block is fetched once at a time.
 *
 * Pure: no I/O, no lock; the owner (cache/cached.h) guards it. Private to cache/.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/cache.h"

enum block_state { BLOCK_ABSENT, BLOCK_COMING, BLOCK_MEMORY, BLOCK_DISK, BLOCK_CHECKED, BLOCK_STATES };

struct blocks {
    uint64_t size;        /* of the file, in bytes */
    uint64_t count;       /* of blocks; the last may be short */
    uint32_t block_bytes; /* of a block */
    uint8_t *state;       /* enum block_state */
    uint32_t *crc;
    uint64_t in_state[BLOCK_STATES];
};

/* All ABSENT. -EFBIG if this machine cannot hold the table of a file so large. */
int blocks_init(struct blocks *blocks, uint64_t size, uint32_t block_bytes, struct error *err);
void blocks_done(struct blocks *blocks);

uint64_t blocks_of(const struct blocks *blocks, uint64_t bytes); /* that `bytes` fill, rounded up */
/* Bytes of the blocks [first, end), the short last one as it is. */
uint64_t blocks_bytes(const struct blocks *blocks, uint64_t first, uint64_t end);
void blocks_set(struct blocks *blocks, uint64_t first, uint64_t end, enum block_state state);
/* End of the run that starts at `first` and whose blocks all have its state; at most `end`. */
uint64_t blocks_run(const struct blocks *blocks, uint64_t first, uint64_t end);
void blocks_check(const struct blocks *blocks); /* asserts the invariants; slow, for tests */
