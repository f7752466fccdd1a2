// SPDX-License-Identifier: Apache-2.0
/* What is left of a straight line is divided by what divides all of it: times in whole milliseconds and sizes
 * in whole blocks take fewer bytes. All sums wrap around, so no number is too large. */
#include "index/catalog/groups/numbers.h"

#include "index/base/value.h"

enum { SLOPED = 16, WIDTH_MAX = 8 };

struct line {
    uint64_t least, slope, scale;
    uint32_t width;
};

uint64_t numbers_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint64_t above_line(const int64_t *list, uint32_t i, uint64_t slope)
{
    return (uint64_t)list[i] - slope * i;
}

/* The least is the least as a signed number; all others are above it, by less than 2^64. */
static struct line measure(const int64_t *list, uint32_t count, uint64_t slope)
{
    struct line line = {.slope = slope};
    int64_t least = count ? (int64_t)above_line(list, 0, slope) : 0;
    for (uint32_t i = 1; i < count; i++)
        if ((int64_t)above_line(list, i, slope) < least)
            least = (int64_t)above_line(list, i, slope);
    uint64_t most = 0;
    line.least = (uint64_t)least;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t over = above_line(list, i, slope) - line.least;
        most = over > most ? over : most;
        if (line.scale != 1 && over)
            line.scale = numbers_divisor(over, line.scale);
    }
    for (most = most ? most / line.scale : 0; most; most >>= 8)
        line.width++;
    return line;
}

/* The line from the first to the last, in steps of what divides every difference. */
static uint64_t slope_of(const int64_t *list, uint32_t count)
{
    int64_t whole;
    if (count < 2 || __builtin_sub_overflow(list[count - 1], list[0], &whole))
        return 0;
    uint64_t divisor = 0;
    for (uint32_t i = 1; i < count && divisor != 1; i++) {
        int64_t step;
        if (__builtin_sub_overflow(list[i], list[0], &step))
            return 0;
        divisor = numbers_divisor(step < 0 ? -(uint64_t)step : (uint64_t)step, divisor);
    }
    if (!divisor || divisor > INT64_MAX)
        return 0;
    int64_t slope = whole / (count - 1);
    return (uint64_t)(slope - slope % (int64_t)divisor);
}

void numbers_encode(const int64_t *list, uint32_t count, struct buf *buf)
{
    struct line line = measure(list, count, 0);
    uint64_t slope = line.width ? slope_of(list, count) : 0;
    if (slope) {
        struct line sloped = measure(list, count, slope);
        line = sloped.width < line.width ? sloped : line;
    }
    buf_u8(buf, (uint8_t)(line.width | (line.slope ? SLOPED : 0)));
    value_encode_signed(buf, (int64_t)line.least);
    if (line.slope)
        value_encode_signed(buf, (int64_t)line.slope);
    if (!line.width)
        return;
    buf_varint(buf, line.scale);
    uint8_t *planes = buf_room(buf, (size_t)line.width * count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t over = (above_line(list, i, line.slope) - line.least) / line.scale;
        for (uint32_t k = 0; k < line.width; k++)
            planes[(size_t)k * count + i] = (uint8_t)(over >> 8 * k);
    }
    buf->len += (size_t)line.width * count;
    buf->data[buf->len] = 0;
}

bool numbers_decode(struct cursor *c, uint32_t count, struct numbers *ret)
{
    uint8_t form = cursor_u8(c);
    struct numbers numbers = {.count = count, .width = form & ~SLOPED & 0xff};
    if (numbers.width > WIDTH_MAX)
        c->failed = true;
    numbers.least = (uint64_t)value_decode_signed(c);
    if (form & SLOPED)
        numbers.slope = (uint64_t)value_decode_signed(c);
    if (numbers.width) {
        numbers.scale = cursor_varint(c);
        numbers.planes = cursor_bytes(c, (uint64_t)numbers.width * count);
    }
    if (c->failed)
        return false;
    *ret = numbers;
    return true;
}
