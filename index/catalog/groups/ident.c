// SPDX-License-Identifier: Apache-2.0
/* The end of a clip is told from its start: lengths are shorter than times, and often alike. */
#include "index/catalog/groups/ident.h"

#include <errno.h>
#include <string.h>

#include "index/catalog/groups/numbers.h"

enum which { NONE, ALL, SOME };

struct times {
    enum which which;
    const uint8_t *bits;
    struct numbers numbers;
};

static bool read_times(struct cursor *c, uint32_t rows, struct times *times)
{
    uint8_t which = cursor_u8(c);
    if (c->failed || which > SOME)
        return false;
    *times = (struct times){.which = (enum which)which};
    if (which == NONE)
        return true;
    if (which == SOME)
        times->bits = cursor_bytes(c, (rows + 7) / 8);
    return !c->failed && numbers_decode(c, rows, &times->numbers);
}

static bool has_time(const struct times *times, uint32_t i)
{
    return times->which == ALL || (times->which == SOME && times->bits[i / 8] >> i % 8 & 1);
}

int ident_decode(const void *bytes, size_t len, uint32_t i, struct ident_row *ret)
{
    struct cursor c = cursor_of(bytes, len);
    struct times start, end;
    uint64_t rows = cursor_varint(&c);
    if (c.failed || rows > IDENT_ROWS || i >= rows || !read_times(&c, (uint32_t)rows, &start) ||
        !read_times(&c, (uint32_t)rows, &end) || cursor_left(&c) != rows * CLIP_PRINT_BYTES)
        return -EUCLEAN;
    ret->t0_ns = has_time(&start, i) ? numbers_at(&start.numbers, i) : CLIP_NO_TIME;
    uint64_t from = ret->t0_ns == CLIP_NO_TIME ? 0 : (uint64_t)ret->t0_ns;
    ret->t1_ns = has_time(&end, i) ? (int64_t)(from + (uint64_t)numbers_at(&end.numbers, i)) : CLIP_NO_TIME;
    memcpy(ret->print, c.data + c.at + (size_t)i * CLIP_PRINT_BYTES, CLIP_PRINT_BYTES);
    return 0;
}

/* A row without a time has the number of the one before it. */
static void encode_times(const int64_t *list, const bool *has, uint32_t rows, struct buf *buf)
{
    int64_t filled[IDENT_ROWS], last = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows; i++) {
        count += has[i];
        if (has[i])
            last = list[i];
    }
    for (uint32_t i = rows; i--;) /* those before the first time have the first */
        last = has[i] ? list[i] : last;
    for (uint32_t i = 0; i < rows; i++)
        filled[i] = last = has[i] ? list[i] : last;
    enum which which = !count ? NONE : count == rows ? ALL : SOME;
    buf_u8(buf, (uint8_t)which);
    for (uint32_t i = 0; which == SOME && i < rows; i += 8) {
        uint8_t bits = 0;
        for (uint32_t k = i; k < i + 8 && k < rows; k++)
            bits |= (uint8_t)(has[k] << (k - i));
        buf_u8(buf, bits);
    }
    if (which != NONE)
        numbers_encode(filled, rows, buf);
}

void ident_encode(const struct ident_row *list, uint32_t rows, struct buf *buf)
{
    int64_t start[IDENT_ROWS], end[IDENT_ROWS];
    bool has_start[IDENT_ROWS], has_end[IDENT_ROWS];
    for (uint32_t i = 0; i < rows; i++) {
        has_start[i] = list[i].t0_ns != CLIP_NO_TIME;
        has_end[i] = list[i].t1_ns != CLIP_NO_TIME;
        start[i] = list[i].t0_ns;
        end[i] = (int64_t)((uint64_t)list[i].t1_ns - (has_start[i] ? (uint64_t)list[i].t0_ns : 0));
    }
    buf_varint(buf, rows);
    encode_times(start, has_start, rows, buf);
    encode_times(end, has_end, rows, buf);
    for (uint32_t i = 0; i < rows; i++)
        buf_append(buf, list[i].print, CLIP_PRINT_BYTES);
}
