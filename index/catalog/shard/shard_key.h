// SPDX-License-Identifier: Apache-2.0
/*
 * Values as the index orders and stores them: texts by their bytes, all others as numbers in their order
 * (column_number()).
 *
 *     keys of numbers := signed, [varint step, varint(times of the step)*]    the first; if there are more:
 * what all steps between neighbours are multiples of keys of texts   := (varint shared, varint length,
 * byte*)*               bytes shared with the one before; the others
 *
 * Thread rule: any thread.
 */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/cursor.h"
#include "index/base/value.h"

struct shard_key {
    const char *text; /* borrowed, not NUL-terminated; NULL: a number */
    union {
        size_t len; /* of text */
        int64_t number;
    };
};

/* Does a type have texts for keys? */
static inline bool shard_key_is_text(enum value_type type)
{
    return type == VALUE_TEXT;
}
struct shard_key shard_key_of(const struct value *value);
struct value shard_key_value(const struct shard_key *key, enum value_type type); /* yet to be checked */
int shard_key_compare(const struct shard_key *a, const struct shard_key *b);
size_t shard_key_shared(const struct shard_key *a,
                        const struct shard_key *b); /* bytes two texts start with */

/* Ascending keys, all texts or all numbers. */
void shard_keys_encode(const struct shard_key *keys, size_t count, struct buf *buf);

/* One key after the other; each is checked to be above the one before. Borrows the bytes of the cursor. */
struct shard_keys {
    struct cursor at;
    bool text;
    uint64_t left; /* to come */
    bool started;
    uint64_t step;
    struct shard_key key; /* the current one; a text lies in `room` */
    struct buf room;
};
#define CLEANUP_SHARD_KEYS CLEANUP(shard_keys_done)
void shard_keys_init(struct shard_keys *keys, struct cursor at, bool text, uint64_t count);
void shard_keys_done(struct shard_keys *keys);
/* false: there is no other, or (keys->at.failed) the bytes are no keys. */
bool shard_keys_next(struct shard_keys *keys);
