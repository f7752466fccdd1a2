// SPDX-License-Identifier: Apache-2.0
/*
 * One block of a run of hashes: 32-bit hashes in order, each with a number (of a row, or of an object).
 *
 *     block  := u8 k | u8 width | u32 least | u32 last | u32 first | u32 count | skip* | bits
 *     skip   := u32 hash | u16 more      before each 64 entries but the first: the hash before them, and how
 *                                        many bits more than 64 * (1 + k + width) each 64 before took
 *     bits   := entry*                   lowest bit of a byte first; zeros fill the last byte
 *     entry  := 0{step >> k} 1 | k bits of step | width bits of number - least
 *
 * `step` is the hash minus the one before it, 0 for the first entry, whose hash is `first`. A block answers
 * for every hash from `from`, which stands in its id, to `last`. Of equal hashes numbers ascend. Thread rule:
 * any; a block borrows its bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"

enum { HASH_BLOCK_BYTES = 4000 }; /* at most, but where it holds one hash only */

struct hash_entry {
    uint32_t hash, number;
};

/* An upper bound of the bytes of so many entries. span: the last hash minus the first; range: the greatest
 * number minus the least. */
size_t hash_block_bytes(size_t count, uint32_t span, uint32_t range);
/* Appends the block of these entries, ascending by hash and number, none twice; at least one, and no more
 * than HASH_BLOCK_BYTES bound, or all with one hash. */
void hash_block_encode(const struct hash_entry *list, size_t count, uint32_t last, struct buf *buf);

struct hash_block {
    const uint8_t *skips, *bits;
    size_t bits_len;
    uint32_t from, last, first, least, count;
    uint8_t step_bits, number_bits;
};
/* False: the bytes are no block. What they hold is checked while it is read. */
bool hash_block_open(uint32_t from, const uint8_t *bytes, size_t len, struct hash_block *ret);

struct hash_block_reader {
    const struct hash_block *block;
    uint32_t index, hash; /* of the next entry; of the one before */
    int64_t number;       /* of the one before; -1: not known */
    uint64_t bit;
};
/* Before the first entry whose hash is not less, or at most 64 entries before it. */
void hash_block_seek(const struct hash_block *block, uint32_t hash, struct hash_block_reader *ret);
/* 1 with the next entry, 0: there is none, -EUCLEAN. */
int hash_block_next(struct hash_block_reader *reader, struct hash_entry *ret);
