// SPDX-License-Identifier: Apache-2.0
/*
 * The dictionary of an attribute in a shard: in which block a value is, and the values whose rows are a
 * posting of their own.
 *
 *     dict := varint clips, varint values, varint next posting, varint blocks, varint large,
 *             varint length of has, has, keys of blocks, (varint number, varint pairs)*, keys of large
 * values, (varint number, varint clips)*
 *
 *     has      the set of rows that have the attribute; nothing: it is the posting DICT_HAS
 *     blocks   its key is above all keys of the block before and not above those of its own: with texts the
 * shortest such one. What is below the first belongs to it, too. `pairs`: the counts of its values, summed
 *     large    values with a posting, and its number. A long text with one stands in a block instead
 *
 * The bytes are hostile. Thread rule: one thread writes; shared read-only.
 */
#pragma once

#include "index/catalog/shard/arena.h"
#include "index/catalog/shard/shard_key.h"

enum {
    DICT_NUMBERS = 1 << 20, /* numbers of blocks and of postings are below */
    DICT_HAS = DICT_NUMBERS - 1,
    DICT_HAS_BYTES = 256,      /* a longer set is a posting */
    DICT_TEXT_BYTES = 256,     /* a longer text is in a block, whatever its rows take */
    DICT_TEXTS_MAX = 32 << 20, /* bytes of all keys */
    DICT_STEP = 16,            /* between the numbers of new blocks: room for those they split into */
};

struct dict_block {
    struct shard_key key;
    uint32_t number;
    uint32_t pairs;
};
struct dict_value {
    struct shard_key key;
    uint32_t posting;
    uint32_t clips;
};

struct dict {
    uint64_t clips;  /* rows that have the attribute */
    uint64_t values; /* different ones */
    uint32_t next_posting;
    uint32_t next_block; /* above all numbers of blocks */
    struct dict_block *blocks;
    size_t block_count, block_cap;
    struct dict_value *large;
    size_t large_count, large_cap;
    struct buf has;
    struct arena texts; /* of all keys */
};
#define CLEANUP_DICT CLEANUP(dict_done)

void dict_done(struct dict *dict); /* frees and empties: a dictionary without values */
/* NULL, or what is wrong. */
const char *dict_decode(const uint8_t *bytes, size_t len, bool text, uint32_t span, struct dict *ret);
void dict_encode(const struct dict *dict, struct buf *buf);
size_t dict_bytes(const struct dict *dict);      /* memory it takes */
size_t dict_text_bytes(const struct dict *dict); /* of all keys, at most DICT_TEXTS_MAX */

/* Index of the block that `key` belongs to; 0 where there is none at all. */
size_t dict_block_of(const struct dict *dict, const struct shard_key *key);
/* How many large values are below `key`. */
size_t dict_large_below(const struct dict *dict, const struct shard_key *key);
struct dict_value *dict_large_find(const struct dict *dict, const struct shard_key *key); /* NULL: none */

/* Keys are copied. */
void dict_large_put(struct dict *dict, const struct dict_value *value);
void dict_large_drop(struct dict *dict, struct dict_value *value);
/* Blocks [at, at + old) become these. */
void dict_blocks_replace(struct dict *dict, size_t at, size_t old, const struct dict_block *with,
                         size_t count);
/* A number for one more block between those of `before` and `after` (-1: none), in between if there is room.
 * Not below DICT_HAS: all are in use. */
uint32_t dict_block_number(struct dict *dict, int64_t before, int64_t after);
