// SPDX-License-Identifier: Apache-2.0
/*
 * A block: neighbouring values of an attribute in a shard, ascending, and how many rows each has; its
 * members: most of these rows. Rows are counted from the shard's first.
 *
 *     block   := varint values, varint length of keys, varint length of heads, keys (shard_key.h), head*
 *     head    := varint(count << 2 | form) [SET: varint length of the set] [POSTING: varint its number]
 *     members := rows*, one after the other's
 *     rows    := STEPS    signed, varint step{count - 1}    from the first row of the STEPS or RUN before it
 * (from 0) | SET      a set, as rowset_encode() | POSTING  nothing: the set is a row of `posting` | RUN
 * signed, as STEPS: rows without a gap
 *
 * The bytes are hostile: what is wrong with them is said as a text. Thread rule: one thread at a time.
 */
#pragma once

#include "index/base/rowset.h"
#include "index/catalog/shard/arena.h"
#include "index/catalog/shard/shard_key.h"
#include "index/catalog/shard/shard_rows.h"

enum {
    BLOCK_BYTES = 4000,         /* about as long is a block with its members */
    BLOCK_VALUES_MAX = 8192,    /* and it has no more values than this */
    BLOCK_TEXTS_MAX = 1 << 20,  /* nor longer texts in all, shared bytes counted each time */
    BLOCK_POSTING_BYTES = 2000, /* longer sets are postings */
    BLOCK_FEW = 64,             /* as many rows always stand as steps */
    BLOCK_STEPS_MAX = 2048,     /* as many where that is shorter */
};

enum block_form { BLOCK_STEPS, BLOCK_SET, BLOCK_POSTING, BLOCK_RUN };

struct block_entry {
    struct shard_key key;
    uint32_t count;
    enum block_form form;
    uint32_t first;       /* STEPS, RUN: the first row */
    uint32_t posting;     /* POSTING: its number */
    const uint8_t *bytes; /* STEPS: the steps behind the first row; SET: the set */
    size_t len;
};

/* ---- reading ---- */

struct block { /* borrows the bytes */
    uint32_t values;
    bool text;
    uint32_t span; /* rows of the shard */
    struct cursor keys, heads, rows;
};
/* NULL, or what is wrong: with the two parts; not yet with what they hold. Its rows are for who opens it to
 * add: ret->rows is a cursor of its members. */
const char *block_open(const uint8_t *bytes, size_t len, bool text, uint32_t span, struct block *ret);

/* *ret: how many values are below `key`, or (`with`) below or equal to it; *ret_equal: is one equal to it.
 * NULL, or what is wrong. */
const char *block_find(const struct block *block, const struct shard_key *key, bool with, uint32_t *ret,
                       bool *ret_equal);

/* Heads in turn, without keys. */
struct block_heads {
    struct cursor heads, rows;
    uint32_t span, left;
    uint32_t first;          /* where steps start from */
    bool counts;             /* only counts are wanted: rows are not even passed over */
    struct shard_rows *into; /* rows of entries that are no postings go here; NULL: they are passed over */
    struct block_entry entry;
};
void block_heads_init(struct block_heads *heads, const struct block *block, bool counts);
/* false: there is no other, or (heads->heads.failed) they are damaged. */
bool block_heads_next(struct block_heads *heads);
/* Takes up to `most` values of one row each, as far as they follow, into heads->into, which must be set. How
 * many: most values of an attribute may be such ones. */
uint32_t block_heads_singles(struct block_heads *heads, uint32_t most);
/* The rows of an entry that is no posting. NULL, or what is wrong. */
const char *block_entry_rows(const struct block_entry *entry, struct shard_rows *to);
/* The same into a list of entry->count. */
const char *block_entry_list(const struct block_entry *entry, uint32_t span, uint32_t *rows);

/* All entries; texts are copied into the arena, all else borrows the block. *ret (at least BLOCK_VALUES_MAX)
 * gets block->values of them. NULL, or what is wrong. */
const char *block_entries(const struct block *block, struct arena *arena, struct block_entry *ret);

/* ---- writing ---- */

/* The form, and the bytes (copied into the arena), of these rows, ascending; form POSTING where they are a
 * set that is too long: the bytes are to be written as one. */
void block_entry_make(const uint32_t *rows, size_t count, struct arena *arena, struct block_entry *entry);
/* About how many bytes it takes behind `before` (NULL: none). */
size_t block_entry_bytes(const struct block_entry *entry, const struct block_entry *before);
void block_encode(const struct block_entry *entries, size_t count, struct buf *buf, struct buf *rows);
