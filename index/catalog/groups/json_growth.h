// SPDX-License-Identifier: Apache-2.0
/*
 * By how much the JSON of clips has become longer since their sizes were written (sizes.h), the version
 * that last changed it, and of which attributes something may stand above the clip's record:
 *
 *     growth := varint(level) varint(newest version) varint(rows) varint(changes) columns{changes}
 *               (varint rows passed over){rows} codes
 *     grown  := varint(newest version) u8[64] columns                                   512 rows together
 *     columns := numbers(bytes) numbers(version) numbers(touched)
 *
 * A code is the number of the change, from 0: planes of bytes, the lowest of all rows first, as many as the
 * count of changes has (1: up to 256), none where there is one.
 *
 * Bit n of `touched` stands for all attributes whose number leaves n, divided by 32.
 *
 * The rows of a `growth` ascend. Those of a `grown` are the bits that are set, the lowest of a byte first;
 * none of its other rows has grown. What a clip has grown is the sum of all there is of it. Bytes are
 * hostile: 0 or -EUCLEAN. Any thread.
 */
#pragma once

#include "cache/base/buf.h"
#include "index/catalog/groups/numbers.h"

enum {
    GROWN_ROW_BITS = 9,
    GROWN_ROWS = 1 << GROWN_ROW_BITS,
    GROWTH_LEVEL_MAX = 15,     /* being folded into `grown` */
    GROWTH_ROWS_MAX = 1 << 18, /* of all that is not folded: readers keep it */
};

struct json_growth_entry {
    uint32_t row, version;
    int64_t bytes;
    uint32_t touched;
    uint32_t since; /* it happened after this version; 0 where that is not known. It is not stored */
};
static inline uint32_t json_growth_touch(uint32_t attribute)
{
    return 1u << attribute % 32;
}
struct json_growth { /* by row and version where it is in order; each row once where it is settled */
    struct json_growth_entry *list;
    size_t count, cap;
};
void json_growth_add(struct json_growth *growth, struct json_growth_entry entry);
void json_growth_order(struct json_growth *growth);
/* Puts it in order; what there is several times of a row becomes one. */
void json_growth_settle(struct json_growth *growth);
/* The entries of a row, oldest first; NULL and 0: it has not grown. */
const struct json_growth_entry *json_growth_find(const struct json_growth *growth, uint32_t row,
                                                 size_t *ret_count);
void json_growth_done(struct json_growth *growth);

struct json_growth_head {
    uint32_t level, newest, rows;
};
/* Adds its entries, of a run being folded those from row `done` on; they are not settled. -EUCLEAN also where
 * they become more than GROWTH_ROWS_MAX. */
int json_growth_decode(const void *bytes, size_t len, uint64_t done, struct json_growth_head *ret_head,
                       struct json_growth *growth);
void json_growth_encode(const struct json_growth_entry *list, size_t count, uint32_t level, struct buf *buf);

struct grown {
    uint32_t newest;
    const uint8_t *bits; /* borrowed */
    struct numbers bytes, versions, touched;
};
int grown_decode(const void *bytes, size_t len, struct grown *ret);
/* Row i < GROWN_ROWS of the group: 1 and `ret` but for its row, 0, -EUCLEAN. */
int grown_find(const struct grown *grown, uint32_t i, struct json_growth_entry *ret);
/* Entries of one group, by row; returns their newest version. */
uint32_t grown_encode(const struct json_growth_entry *list, uint32_t count, struct buf *buf);
