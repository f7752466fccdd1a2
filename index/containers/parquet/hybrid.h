// SPDX-License-Identifier: Apache-2.0
/*
 * The run length / bit-packing hybrid of levels, dictionary indexes and booleans. Source of the format:
 * apache/parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid". One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/cursor.h"

struct hybrid {
    struct cursor bytes;
    unsigned width; /* bits of a value, 0-32 */
    uint64_t left;  /* values of the run not given yet */
    bool packed;    /* the run: bit-packed, or one value repeated */
    uint32_t repeated;
    const uint8_t *bits; /* of the packed run */
    uint64_t bit;        /* next bit in it */
};

/* `bytes` is borrowed and holds the runs without a length before them. width <= 32. */
struct hybrid hybrid_of(struct cursor bytes, unsigned width);
/* The next n values; false if the runs end before or are malformed. */
bool hybrid_read(struct hybrid *hybrid, uint32_t *to, uint64_t n);
