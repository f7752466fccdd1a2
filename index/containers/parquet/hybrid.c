// SPDX-License-Identifier: Apache-2.0
/* A run at a time: repeated values are filled in, packed ones are picked out of at most five bytes each. */
#include "index/containers/parquet/hybrid.h"

struct hybrid hybrid_of(struct cursor bytes, unsigned width)
{
    return (struct hybrid){.bytes = bytes, .width = width};
}

/* The value of `width` (<= 32) bits from bit `at`, least significant bit first, in `len` bytes; bits behind
 * the end are 0. */
static uint32_t bits_at(const uint8_t *bytes, size_t len, uint64_t at, unsigned width)
{
    uint64_t window = 0;
    size_t first = (size_t)(at / 8);
    for (size_t i = 0; i < 5 && first + i < len; i++)
        window |= (uint64_t)bytes[first + i] << (8 * i);
    return (uint32_t)(window >> (at % 8) & ((UINT64_C(1) << width) - 1));
}

static bool begin_packed(struct hybrid *h, uint64_t groups)
{
    size_t left = cursor_left(&h->bytes);
    uint64_t len = groups * h->width; /* a group is eight values */
    if (groups > UINT32_MAX)
        return false;
    h->packed = true;
    h->left = groups * 8;
    if (len > left) { /* some writers leave out the padding of the last group */
        len = left;
        h->left = len * 8 / h->width;
    }
    h->bit = 0;
    h->bits = cursor_bytes(&h->bytes, len);
    return true;
}

static bool begin_repeated(struct hybrid *h, uint64_t count)
{
    h->packed = false;
    h->left = count;
    h->repeated = 0;
    for (unsigned i = 0; i * 8 < h->width; i++)
        h->repeated |= (uint32_t)cursor_u8(&h->bytes) << (8 * i);
    return h->width == 32 || h->repeated >> h->width == 0;
}

static bool begin_run(struct hybrid *h)
{
    uint64_t head = cursor_varint(&h->bytes);
    if (h->bytes.failed)
        return false;
    bool sound = head & 1 ? begin_packed(h, head >> 1) : begin_repeated(h, head >> 1);
    return sound && !h->bytes.failed;
}

static void take_packed(struct hybrid *h, uint32_t *to, uint64_t n)
{
    size_t len = (size_t)(h->bytes.data + h->bytes.at - h->bits);
    for (uint64_t i = 0; i < n; i++, h->bit += h->width)
        to[i] = bits_at(h->bits, len, h->bit, h->width);
}

static void take_repeated(const struct hybrid *h, uint32_t *to, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        to[i] = h->repeated;
}

bool hybrid_read(struct hybrid *h, uint32_t *to, uint64_t n)
{
    while (n) {
        if (h->width == 0) { /* nothing but zeros; some writers leave out the runs */
            h->left = n;
            h->packed = false;
        }
        if (!h->left && (!begin_run(h) || !h->left))
            return false;
        uint64_t take = n < h->left ? n : h->left;
        if (h->packed)
            take_packed(h, to, take);
        else
            take_repeated(h, to, take);
        to += take;
        n -= take;
        h->left -= take;
    }
    return true;
}
