// SPDX-License-Identifier: Apache-2.0
/* Each round can be undone by itself, so the way back is the same rounds from the last. */
#include "query/order/shuffle.h"

enum { ROUNDS = 8 };

static unsigned bits_of(uint32_t count)
{
    unsigned bits = 2; /* both halves have one */
    while (bits < 32 && (count - 1) >> bits)
        bits++;
    return bits;
}

static uint32_t turn(const struct shuffle *shuffle, unsigned bits, unsigned round, uint32_t x)
{
    unsigned low = bits / 2, high = bits - low;
    uint32_t right = x & ((UINT32_C(1) << low) - 1), left = x >> low;
    if (round % 2)
        right ^= (uint32_t)keyed_half(&shuffle->key, (uint8_t)round, left) & ((UINT32_C(1) << low) - 1);
    else
        left ^= (uint32_t)keyed_half(&shuffle->key, (uint8_t)round, right) & ((UINT32_C(1) << high) - 1);
    return left << low | right;
}

uint32_t shuffle_at(const struct shuffle *shuffle, uint32_t x)
{
    unsigned bits = bits_of(shuffle->count);
    do
        for (unsigned round = 0; round < ROUNDS; round++)
            x = turn(shuffle, bits, round, x);
    while (x >= shuffle->count);
    return x;
}

uint32_t shuffle_find(const struct shuffle *shuffle, uint32_t x)
{
    unsigned bits = bits_of(shuffle->count);
    do
        for (unsigned round = ROUNDS; round--;)
            x = turn(shuffle, bits, round, x);
    while (x >= shuffle->count);
    return x;
}
