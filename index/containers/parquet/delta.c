// SPDX-License-Identifier: Apache-2.0
/* A miniblock's bytes are taken at once, padding included, so that the cursor ends where the next stream of
 * the page begins; miniblocks behind the last value have none. */
#include "index/containers/parquet/delta.h"

#include <errno.h>

enum { WIDTH_MAX = 64, GROUP = 8 /* values: a whole number of bytes, whatever their width */ };

static uint64_t zigzag(struct cursor *c)
{
    uint64_t coded = cursor_varint(c);
    return coded >> 1 ^ (0 - (coded & 1));
}

int delta_open(struct delta *ret, struct cursor bytes, uint64_t n, struct error *err)
{
    struct delta delta = {.bytes = bytes, .first = true};
    uint64_t block = cursor_varint(&delta.bytes);
    delta.minis = cursor_varint(&delta.bytes);
    delta.left = cursor_varint(&delta.bytes);
    delta.value = zigzag(&delta.bytes);
    if (delta.bytes.failed || !block || block > UINT32_MAX || !delta.minis || block % delta.minis ||
        block / delta.minis % GROUP)
        return error_set(err, EINVAL, "no sound head of differences");
    if (delta.left != n)
        return error_set(err, EINVAL, "differences of %llu values, the page has %llu",
                         (unsigned long long)delta.left, (unsigned long long)n);
    delta.mini_values = block / delta.minis;
    delta.mini = delta.minis;
    *ret = delta;
    return 0;
}

static bool begin_mini(struct delta *d)
{
    if (d->mini == d->minis) {
        d->least = zigzag(&d->bytes);
        d->widths = cursor_bytes(&d->bytes, d->minis);
        d->mini = 0;
        if (!d->widths)
            return false;
    }
    d->width = d->widths[d->mini++];
    if (d->width > WIDTH_MAX)
        return false;
    d->bits = cursor_bytes(&d->bytes, d->mini_values / GROUP * d->width);
    d->bit = 0;
    d->mini_left = d->mini_values;
    return d->bits != NULL;
}

/* `width` bits from bit `at`, least significant bit first; they lie in the miniblock. */
static uint64_t bits_at(const uint8_t *bytes, uint64_t at, unsigned width)
{
    uint64_t value = 0;
    for (unsigned have = 0; have < width;) {
        unsigned from = (unsigned)(at % 8), take = 8 - from < width - have ? 8 - from : width - have;
        value |= ((uint64_t)bytes[at / 8] >> from & ((1u << take) - 1)) << have;
        have += take;
        at += take;
    }
    return value;
}

bool delta_next(struct delta *d, int64_t *ret)
{
    if (!d->left)
        return false;
    if (!d->first) {
        if (!d->mini_left && !begin_mini(d))
            return false;
        d->value += d->least + bits_at(d->bits, d->bit, d->width);
        d->bit += d->width;
        d->mini_left--;
    }
    d->first = false;
    d->left--;
    *ret = (int64_t)d->value;
    return true;
}

/* ---- writing ---- */

static void put_zigzag(struct buf *out, uint64_t value)
{
    buf_varint(out, value << 1 ^ (0 - (value >> 63)));
}

struct delta_writer delta_writer_of(struct buf *out, uint64_t n)
{
    buf_varint(out, DELTA_BLOCK);
    buf_varint(out, DELTA_MINIS);
    buf_varint(out, n);
    return (struct delta_writer){.out = out, .first = true};
}

static void put_packed(struct buf *out, const uint64_t *values, unsigned width)
{
    unsigned have = 0;
    uint8_t byte = 0;
    for (size_t i = 0; i < DELTA_MINI; i++)
        for (unsigned bit = 0; bit < width; bit++) {
            byte |= (uint8_t)((values[i] >> bit & 1) << have);
            if (++have == 8) {
                buf_u8(out, byte);
                have = 0;
                byte = 0;
            }
        }
}

static unsigned width_of(const uint64_t *values, size_t n)
{
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= values[i];
    return all ? 64 - (unsigned)__builtin_clzll(all) : 0;
}

static void put_block(struct delta_writer *w)
{
    unsigned widths[DELTA_MINIS];
    uint64_t least = w->block[0];
    for (size_t i = 1; i < w->count; i++)
        if ((int64_t)w->block[i] < (int64_t)least)
            least = w->block[i];
    for (size_t i = 0; i < DELTA_BLOCK; i++)
        w->block[i] = i < w->count ? w->block[i] - least : 0;
    put_zigzag(w->out, least);
    for (size_t i = 0; i < DELTA_MINIS; i++) {
        widths[i] = width_of(w->block + i * DELTA_MINI, DELTA_MINI);
        buf_u8(w->out, (uint8_t)widths[i]);
    }
    for (size_t i = 0; i < DELTA_MINIS; i++)
        put_packed(w->out, w->block + i * DELTA_MINI, widths[i]);
    w->count = 0;
}

void delta_writer_add(struct delta_writer *w, int64_t value)
{
    if (w->first)
        put_zigzag(w->out, (uint64_t)value);
    else
        w->block[w->count++] = (uint64_t)value - w->before;
    w->first = false;
    w->before = (uint64_t)value;
    if (w->count == DELTA_BLOCK)
        put_block(w);
}

void delta_writer_end(struct delta_writer *w)
{
    if (w->first)
        put_zigzag(w->out, 0);
    if (w->count)
        put_block(w);
}
