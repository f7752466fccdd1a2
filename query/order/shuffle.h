// SPDX-License-Identifier: Apache-2.0
/*
 * A random order of 0 .. count-1 that is computed, never kept: a Feistel network over the least power of two
 * that is not below `count`, walked until it gives a number below it (Black and Rogaway, "Ciphers with
 * arbitrary finite domains", 2002, section 3: cycle walking; fewer than two steps as a rule).
 *
 *     bits = low + high, low = bits / 2        x = left (high bits) | right (low bits)
 *     8 rounds: an even one  left ^= keyed_half(round, right)    an odd one  right ^= keyed_half(round, left)
 *
 * The same for ever: the order of a folder depends on it. Any thread.
 */
#pragma once

#include <stdint.h>

#include "query/order/keyed.h"

struct shuffle {
    struct keyed key;
    uint32_t count; /* positions, at least 1 */
};
/* What stands at a position < count; and at which position a number < count stands. */
uint32_t shuffle_at(const struct shuffle *shuffle, uint32_t position);
uint32_t shuffle_find(const struct shuffle *shuffle, uint32_t number);
