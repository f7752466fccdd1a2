// SPDX-License-Identifier: Apache-2.0
/*
 * A column chunk of int64 written in few bytes, the same on every machine: no compression, but encodings.
 *
 *     one value after the other, each one more     DELTA_BINARY_PACKED
 *     else                                         a dictionary, and runs or packed numbers into it
 *
 * Source of the format: apache/parquet-format, Encodings.md. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/buf.h"

struct parquet_integers {
    uint64_t rows; /* > 0, below 2^31 */
    int64_t first;
    bool rising;           /* first, first + 1 ...: the last fits int64 */
    const int64_t *values; /* `rows` of them; NULL: as `first` and `rising` say */
    bool optional;         /* the column may have nulls: here are none */
};

struct parquet_integers_put {
    uint64_t data_page; /* from where the chunk begins; the dictionary, if there is one, is there */
    uint32_t encodings; /* bit e: encoding e */
    int64_t min, max;
};

/* Appends the chunk's pages. */
struct parquet_integers_put parquet_put_integers(struct buf *out, const struct parquet_integers *integers);

/* Appends numbers into a dictionary of `distinct` values, behind how many bits they have: runs, or packed,
 * whichever is less. */
void parquet_put_numbers(struct buf *out, const uint32_t *numbers, uint64_t n, uint64_t distinct);
