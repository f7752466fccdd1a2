// SPDX-License-Identifier: Apache-2.0
/*
 * Repetition and definition levels of a page: runs (hybrid.h), or packed one behind the other, the highest
 * bit first, as old writers had them. Source of the format: apache/parquet-format, Encodings.md, "RLE" and
 * "BIT_PACKED". One thread at a time.
 */
#pragma once

#include "cache/base/cursor.h"
#include "cache/base/error.h"

struct parquet_levels {
    struct cursor bytes; /* without a length before them; empty where only level 0 can be */
    bool bit_packed;
};

/* Bytes that n levels up to `max` take, bit-packed. UINT64_MAX: too many. */
uint64_t parquet_levels_packed_len(unsigned max, uint64_t n);
/* The n levels, each at most `max`. -EINVAL. */
int parquet_levels_read(const struct parquet_levels *levels, unsigned max, uint64_t n, uint32_t *to,
                        struct error *err);
