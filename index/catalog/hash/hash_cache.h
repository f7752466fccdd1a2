// SPDX-License-Identifier: Apache-2.0
/* Blocks of hashes that a reader has read, as they stand in the catalog, bounded (8 MB): a look-up asks every
 * run, and SQLite takes ten times as long for a row as the block does for a hash. One thread at a time. */
#pragma once

#include "index/catalog/hash/hash_block.h"

enum { HASH_CACHE_BLOCKS = 2048 };

struct hash_cached {
    struct hash_block block;
    bool used; /* since the hand passed it */
    uint8_t bytes[];
};
struct hash_cache {
    int64_t *ids; /* ascending */
    struct hash_cached **list;
    size_t count, hand;
};

void hash_cache_done(struct hash_cache *cache);
/* The block with the greatest id not above this one, if it is of the same run (id >> 32) and answers for this
 * hash (the low bits of id); or NULL. Valid until the next add. */
const struct hash_block *hash_cache_find(struct hash_cache *cache, int64_t id);
/* Keeps a copy, if it is a block no larger than blocks usually are. */
void hash_cache_add(struct hash_cache *cache, int64_t id, const uint8_t *bytes, size_t len);
