// SPDX-License-Identifier: Apache-2.0
/*
 * One value in the blocks of a shard. Whether it is there is asked first, then how many clips have it, then
 * which: so the last one that was found is kept, and the block it is in, where many others are. Thread rule:
 * that of the shard.
 */
#pragma once

#include "index/catalog/shard/shard.h"

struct shard_found {
    bool held, rows; /* `bytes` are those of the block `number`; and of its members */
    uint32_t number;
    struct buf bytes;
    struct block block;
    bool known; /* of the key `text` or `integer`: */
    struct buf text;
    int64_t integer;
    bool there;
    struct block_entry entry;
};
struct shard_found *shard_found_new(void);
void shard_found_free(struct shard_found *found);

/* 1 with the value's entry, valid until the next call, and `with_rows` with its rows; 0: no block has it. */
int shard_find(const struct shard *shard, const struct shard_key *key, bool with_rows,
               const struct block_entry **ret, struct error *err);
