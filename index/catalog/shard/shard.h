// SPDX-License-Identifier: Apache-2.0
/*
 * The index of an attribute: which rows have which value, in shards of rows.
 *
 *     shards(attribute) -> its shards, in the order of their rows; a row is in one of them
 *     dict(shard << 20 | attribute)
 *       block(shard << 40 | attribute << 20 | number)      dict.h says which; its values and their counts
 *       members(shard << 40 | attribute << 20 | number)    of the same number: their rows
 *       posting(shard << 40 | attribute << 20 | number)    a set of rows; DICT_HAS: all that have the
 * attribute
 *
 * A shard's number says which rows it covers: 2^16, 2^18 or 2^20 from a multiple of that,
 *
 *     number = first row / 2^16 << 3 | turn << 2 | level      rows = 2^(16 + 2 * level)
 *
 * so that four of a level are one of the next, and both can stand side by side while it is made; so can the
 * two turns of one. Of two whose rows overlap the smaller one lies within the other, and holds its last rows.
 * An attribute has no shard where no row has it.
 *
 * Everything read is hostile: -EUCLEAN, with table, attribute, shard and number. Thread rule: that of the
 * connection.
 */
#pragma once

#include "index/catalog/db.h"
#include "index/catalog/shard/block.h"
#include "index/catalog/shard/dict.h"

enum {
    SHARD_LEVEL_BITS = 2,
    SHARD_TURN_BITS = 1,
    SHARD_LEVEL_MAX = 2,
    SHARD_MERGES = 4, /* as many of a level make one of the next */
    SHARD_ROW_BITS = 16,
    SHARD_NUMBERS = 1 << (32 - SHARD_ROW_BITS + SHARD_TURN_BITS + SHARD_LEVEL_BITS),
};

static inline unsigned shard_level(uint32_t number)
{
    return number & ((1u << SHARD_LEVEL_BITS) - 1);
}
static inline uint32_t shard_span(uint32_t number) /* rows it covers */
{
    return 1u << (SHARD_ROW_BITS + 2 * shard_level(number));
}
static inline uint32_t shard_first(uint32_t number)
{
    return number >> (SHARD_LEVEL_BITS + SHARD_TURN_BITS) << SHARD_ROW_BITS;
}
/* Of the same rows and level: the one that takes its place when it is made anew. */
static inline uint32_t shard_other_turn(uint32_t number)
{
    return number ^ 1u << SHARD_LEVEL_BITS;
}
static inline uint64_t shard_end(uint32_t number)
{
    return (uint64_t)shard_first(number) + shard_span(number);
}
bool shard_number_valid(uint64_t number);
/* The shard of this level that covers the row, of the first turn. */
uint32_t shard_number(uint32_t row, unsigned level);

/* Numbers of the shards of an attribute; *ret is to be freed. */
int shard_numbers_read(struct db *db, uint32_t attribute, uint32_t **ret, size_t *ret_count,
                       struct error *err);

/* One of an attribute's. */
struct shard {
    struct db *db;
    uint32_t attribute;
    enum value_type type;
    uint32_t number;
    struct dict dict;
    struct shard_found *found; /* shard_find.h */
};
/* An absent dictionary: one without values. */
int shard_open(struct db *db, uint32_t attribute, enum value_type type, uint32_t number, struct shard *ret,
               struct error *err);
void shard_done(struct shard *shard);
#define CLEANUP_SHARD CLEANUP(shard_done)

/* All shards of an attribute, in the order of their rows. */
struct shards {
    struct shard *list;
    size_t count;
};
#define CLEANUP_SHARDS CLEANUP(shards_done)
int shards_open(struct db *db, uint32_t attribute, enum value_type type, struct shards *ret,
                struct error *err);
void shards_done(struct shards *shards);
size_t shards_bytes(const struct shards *shards); /* memory they take */
/* Those with rows of [first, end), which is made of whole shards: borrowed. */
struct shards shards_within(const struct shards *shards, uint64_t first, uint64_t end);

/* The bytes of a block into `buf` (which is cleared), and it opened: its counts only; or its rows, too. */
int shard_block_counts(const struct shard *shard, uint32_t number, struct buf *buf, struct block *ret,
                       struct error *err);
int shard_block_read(const struct shard *shard, uint32_t number, struct buf *buf, struct block *ret,
                     struct error *err);
/* The rows of a posting, which are said to be `clips`. */
int shard_posting_read(const struct shard *shard, uint32_t number, uint64_t clips, struct rowset **ret,
                       struct error *err);
/* "catalog NAME is damaged: block 5 of attribute 17 in shard 3: why": -EUCLEAN. */
int shard_damaged(const struct shard *shard, const char *table, uint32_t number, const char *why,
                  struct error *err);

/* ---- rows by value: all of these add to `rows` ---- */

int shard_has(const struct shard *shard, struct rowset *rows, struct error *err);
int shard_equal(const struct shard *shard, const struct shard_key *key, struct rowset *rows,
                struct error *err);

struct shard_range {
    bool open_low, open_high; /* no bound on that side */
    bool inclusive_low, inclusive_high;
    struct shard_key low, high;
};
/* Reads the blocks of the range only. */
int shard_between(const struct shard *shard, const struct shard_range *range, struct rowset *rows,
                  struct error *err);

/* ---- counts ---- */

/* How many rows have the value: reads at most one block. */
int shard_count(const struct shard *shard, const struct shard_key *key, uint64_t *ret, struct error *err);
/* How many (row, value) pairs are in the range: reads at most its first and its last block. */
int shard_count_between(const struct shard *shard, const struct shard_range *range, uint64_t *ret,
                        struct error *err);
/* About how many: reads nothing. */
uint64_t shard_guess(const struct shard *shard, const struct shard_range *range);
