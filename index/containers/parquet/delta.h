// SPDX-License-Identifier: Apache-2.0
/*
 * DELTA_BINARY_PACKED: integers as differences, in blocks of miniblocks that each have a width of their own.
 *
 *     | values a block | miniblocks a block | values in all | first value | blocks ...
 *     block:  | least difference | a width a miniblock | miniblocks: differences above the least, packed |
 *
 * Source of the format: apache/parquet-format, Encodings.md, "Delta Encoding". One thread at a time.
 */
#pragma once

#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/cursor.h"
#include "cache/base/error.h"

struct delta {
    struct cursor bytes; /* once all values are given: behind the last */
    uint64_t left;       /* values not given yet */
    uint64_t minis, mini_values;
    uint64_t value, least; /* int64 that wrap around */
    bool first;            /* `value` is not given yet */
    const uint8_t *widths; /* of the block */
    uint64_t mini;         /* in the block, the next */
    const uint8_t *bits;   /* of the miniblock */
    uint64_t bit, mini_left;
    unsigned width;
};

/* `bytes` is borrowed. -EINVAL, also where it states another number of values than n. */
int delta_open(struct delta *ret, struct cursor bytes, uint64_t n, struct error *err);
/* The next value; false at the end or where it is malformed. */
bool delta_next(struct delta *delta, int64_t *ret);

/* Writing them: blocks of 128 values in 4 miniblocks, as most writers have. */
enum { DELTA_BLOCK = 128, DELTA_MINIS = 4, DELTA_MINI = DELTA_BLOCK / DELTA_MINIS };
struct delta_writer {
    struct buf *out; /* borrowed */
    bool first;      /* no value yet */
    uint64_t before;
    uint64_t block[DELTA_BLOCK]; /* differences */
    size_t count;
};
/* n values will be added, one after the other; then delta_writer_end(). Appends to `out`. */
struct delta_writer delta_writer_of(struct buf *out, uint64_t n);
void delta_writer_add(struct delta_writer *writer, int64_t value);
void delta_writer_end(struct delta_writer *writer);
