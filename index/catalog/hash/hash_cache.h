// SPDX-License-Identifier: Apache-2.0
/* What a reader knows of spans of hashes, bounded: blocks as they stand in the catalog (8 MB), since SQLite
 * takes ten times as long for a row as the block does for a hash; and sieves (hash_sieve.h). One thread at a
 * time. */
#pragma once

#include "index/catalog/hash/hash_block.h"

enum { HASH_CACHE_SPANS = 2048 };

struct hash_cached { /* what is kept begins with this; free() ends it */
    uint32_t last;   /* hash that it speaks of; the first one stands in its id */
    bool used;       /* since the hand passed it */
};
struct hash_cache {
    int64_t *ids; /* ascending */
    struct hash_cached **list;
    size_t count, hand;
};

void hash_cache_done(struct hash_cache *cache);
/* The one with the greatest id not above this one, if it is of the same run (id >> 32) and speaks of this
 * hash (the low bits of id); or NULL. Valid until the next put. */
struct hash_cached *hash_cache_find(struct hash_cache *cache, int64_t id);
/* Takes it. None may have this id. */
void hash_cache_put(struct hash_cache *cache, int64_t id, struct hash_cached *cached);

/* Of a block. NULL, too: it has to be read. */
const struct hash_block *hash_cache_block(struct hash_cache *cache, int64_t id);
/* Keeps a copy, if it is a block no larger than blocks usually are. */
void hash_cache_add_block(struct hash_cache *cache, int64_t id, const uint8_t *bytes, size_t len);
