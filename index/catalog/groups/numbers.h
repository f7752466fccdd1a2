// SPDX-License-Identifier: Apache-2.0
/*
 * A column of numbers, any of which is read on its own:
 *
 *     numbers := u8 width | 16 if sloped, signed least, [signed slope], [varint scale, u8[width][count]]
 *
 * number i = least + slope * i + scale * (what stands at i in the `width` planes, lowest bytes first), modulo
 * 2^64; without planes (width 0) there is no scale. How many there are is known from elsewhere. So what is
 * alike, or goes up in equal steps, costs a few bytes, and what compresses in other numbers lies together.
 * Any thread.
 */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/cursor.h"

struct numbers {
    const uint8_t *planes; /* borrowed */
    uint64_t least, slope, scale;
    uint32_t count, width;
};

uint64_t numbers_divisor(uint64_t a, uint64_t b); /* the greatest that both have; of 0 the other */
void numbers_encode(const int64_t *list, uint32_t count, struct buf *buf);
/* The next column of the cursor, of `count` numbers. False: the cursor failed. */
bool numbers_decode(struct cursor *c, uint32_t count, struct numbers *ret);

static inline int64_t numbers_at(const struct numbers *numbers, uint32_t i) /* i < count */
{
    uint64_t plane = 0;
    for (uint32_t k = 0; k < numbers->width; k++)
        plane |= (uint64_t)numbers->planes[(size_t)k * numbers->count + i] << 8 * k;
    return (int64_t)(numbers->least + numbers->slope * i + numbers->scale * plane);
}
