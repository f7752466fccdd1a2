// SPDX-License-Identifier: Apache-2.0
/* Hashes are evenly spread, so their steps are best told by Rice codes: about 34 bits an entry with its row,
 * however many there are. Each 64 entries begin at a place that is known, so a look-up reads no more than
 * these. */
#include "index/catalog/hash/hash_block.h"

#include <endian.h>
#include <errno.h>

#include "cache/base/cursor.h"

enum { HEADER_BYTES = 18, SKIP_BYTES = 6, GROUP = 64, STEP_BITS_MAX = 31, NUMBER_BITS_MAX = 32 };

static unsigned width_of(uint32_t number)
{
    return number ? 32 - (unsigned)__builtin_clz(number) : 0;
}

/* For steps of this mean: the power of two below it. */
static unsigned step_bits_of(size_t count, uint32_t span)
{
    unsigned width = width_of((uint32_t)(span / count));
    return width ? width - 1 : 0;
}

static size_t skip_count(size_t count)
{
    return (count - 1) / GROUP;
}

/* ---- writing ---- */

size_t hash_block_bytes(size_t count, uint32_t span, uint32_t range)
{
    unsigned k = step_bits_of(count, span);
    uint64_t bits = (uint64_t)count * (1 + k + width_of(range)) + (span >> k);
    return HEADER_BYTES + SKIP_BYTES * skip_count(count) + (size_t)(bits + 7) / 8;
}

static uint64_t quotients(const struct hash_entry *list, size_t count, unsigned k)
{
    uint64_t sum = 0;
    for (size_t i = 1; i < count; i++)
        sum += (list[i].hash - list[i - 1].hash) >> k;
    return sum;
}

static uint32_t range_of(const struct hash_entry *list, size_t count, uint32_t *ret_least)
{
    uint32_t least = UINT32_MAX, most = 0;
    for (size_t i = 0; i < count; i++) {
        least = list[i].number < least ? list[i].number : least;
        most = list[i].number > most ? list[i].number : most;
    }
    *ret_least = least;
    return most - least;
}

/* There is room for 8 bytes from the one the bit is in. */
static void put_bits(uint8_t *bits, uint64_t at, uint64_t value)
{
    uint64_t word;
    memcpy(&word, bits + at / 8, sizeof word);
    word = htole64(le64toh(word) | value << (at % 8));
    memcpy(bits + at / 8, &word, sizeof word);
}

/* Lays the entries into zeroed bytes, and appends the skips. */
static void put_entries(const struct hash_entry *list, size_t count, const struct hash_block *shape,
                        uint8_t *bits, struct buf *skips)
{
    unsigned k = shape->step_bits, entry = 1 + k + shape->number_bits;
    uint32_t before = shape->first;
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t step = list[i].hash - before;
        if (i && i % GROUP == 0) {
            buf_le32(skips, before);
            buf_le16(skips, (uint16_t)(at - i * (uint64_t)entry));
        }
        at += step >> k;
        put_bits(bits, at, 1 | (uint64_t)(step & ((UINT32_C(1) << k) - 1)) << 1);
        put_bits(bits, at + 1 + k, list[i].number - shape->least);
        at += entry;
        before = list[i].hash;
    }
}

/* The rest of `shape` is known; step_bits, of the two that may be best, is the better one. */
static uint64_t choose_step_bits(const struct hash_entry *list, size_t count, struct hash_block *shape)
{
    unsigned k = step_bits_of(count, list[count - 1].hash - list[0].hash);
    uint64_t sum = quotients(list, count, k), wider = quotients(list, count, k + 1);
    bool better = k < STEP_BITS_MAX && wider + count < sum;
    shape->step_bits = (uint8_t)(k + better);
    return (uint64_t)count * (1 + shape->step_bits + shape->number_bits) + (better ? wider : sum);
}

void hash_block_encode(const struct hash_entry *list, size_t count, uint32_t last, struct buf *buf)
{
    struct hash_block shape = {.first = list[0].hash};
    CLEANUP_BUF struct buf skips = BUF_INIT;
    shape.number_bits = (uint8_t)width_of(range_of(list, count, &shape.least));
    size_t bits_len = (size_t)(choose_step_bits(list, count, &shape) + 7) / 8;
    CLEANUP_FREE uint8_t *bits = mem_zero(bits_len + sizeof(uint64_t));
    put_entries(list, count, &shape, bits, &skips);
    buf_u8(buf, shape.step_bits);
    buf_u8(buf, shape.number_bits);
    buf_le32(buf, shape.least);
    buf_le32(buf, last);
    buf_le32(buf, shape.first);
    buf_le32(buf, (uint32_t)count);
    buf_append(buf, skips.data, skips.len);
    buf_append(buf, bits, bits_len);
}

/* ---- reading ---- */

bool hash_block_open(uint32_t from, const uint8_t *bytes, size_t len, struct hash_block *ret)
{
    struct cursor c = cursor_of(bytes, len);
    struct hash_block block = {.from = from};
    block.step_bits = cursor_u8(&c);
    block.number_bits = cursor_u8(&c);
    block.least = cursor_le32(&c);
    block.last = cursor_le32(&c);
    block.first = cursor_le32(&c);
    block.count = cursor_le32(&c);
    if (c.failed || block.step_bits > STEP_BITS_MAX || block.number_bits > NUMBER_BITS_MAX || !block.count ||
        block.first < from || block.first > block.last)
        return false;
    block.skips = cursor_bytes(&c, SKIP_BYTES * (uint64_t)skip_count(block.count));
    block.bits_len = cursor_left(&c);
    block.bits = cursor_bytes(&c, block.bits_len);
    unsigned entry = 1 + block.step_bits + block.number_bits;
    if (c.failed || (uint64_t)block.count * entry > (uint64_t)block.bits_len * 8)
        return false;
    *ret = block;
    return true;
}

static uint32_t skip_hash(const struct hash_block *block, size_t group)
{
    uint32_t hash;
    memcpy(&hash, block->skips + SKIP_BYTES * (group - 1), sizeof hash);
    return le32toh(hash);
}

static uint64_t skip_bit(const struct hash_block *block, size_t group)
{
    uint16_t more;
    memcpy(&more, block->skips + SKIP_BYTES * (group - 1) + sizeof(uint32_t), sizeof more);
    return (uint64_t)group * GROUP * (1 + block->step_bits + block->number_bits) + le16toh(more);
}

void hash_block_seek(const struct hash_block *block, uint32_t hash, struct hash_block_reader *ret)
{
    size_t low = 0, high = skip_count(block->count); /* the last group with only less before it */
    while (low < high) {
        size_t middle = high - (high - low) / 2;
        if (skip_hash(block, middle) < hash)
            low = middle;
        else
            high = middle - 1;
    }
    *ret = (struct hash_block_reader){.block = block, .hash = block->first, .number = -1};
    if (!low)
        return;
    ret->index = (uint32_t)(low * GROUP);
    ret->hash = skip_hash(block, low);
    ret->bit = skip_bit(block, low);
}

/* The bits from there on, 57 at least, zeros behind the last. */
static uint64_t peek(const struct hash_block *block, uint64_t bit)
{
    size_t at = (size_t)(bit / 8), left = block->bits_len - at;
    uint64_t word = 0;
    if (left >= sizeof word)
        memcpy(&word, block->bits + at, sizeof word);
    else
        memcpy(&word, block->bits + at, left);
    return le64toh(word) >> (bit % 8);
}

static bool take_quotient(struct hash_block_reader *reader, uint64_t *ret)
{
    uint64_t total = (uint64_t)reader->block->bits_len * 8, start = reader->bit, word = 0;
    while (reader->bit < total && !(word = peek(reader->block, reader->bit)))
        reader->bit = (reader->bit / 8 + 8) * 8;
    if (!word)
        return false;
    reader->bit += (unsigned)__builtin_ctzll(word);
    *ret = reader->bit++ - start;
    return true;
}

static bool take(struct hash_block_reader *reader, unsigned count, uint64_t *ret)
{
    if (count > (uint64_t)reader->block->bits_len * 8 - reader->bit)
        return false;
    *ret = peek(reader->block, reader->bit) & ((UINT64_C(1) << count) - 1);
    reader->bit += count;
    return true;
}

/* An entry seldom has more bits than one look gives. */
static bool take_at_once(struct hash_block_reader *reader, uint64_t *ret_step, uint64_t *ret_number)
{
    enum { PEEKED = 57 };
    const struct hash_block *block = reader->block;
    uint64_t total = (uint64_t)block->bits_len * 8, word = reader->bit < total ? peek(block, reader->bit) : 0;
    unsigned high = word ? (unsigned)__builtin_ctzll(word) : PEEKED, k = block->step_bits;
    unsigned bits = high + 1 + k + block->number_bits;
    if (bits > PEEKED || reader->bit + bits > total)
        return false;
    word = word >> high >> 1;
    *ret_step = (uint64_t)high << k | (word & ((UINT64_C(1) << k) - 1));
    *ret_number = word >> k & ((UINT64_C(1) << block->number_bits) - 1);
    reader->bit += bits;
    return true;
}

static bool take_in_parts(struct hash_block_reader *reader, uint64_t *ret_step, uint64_t *ret_number)
{
    const struct hash_block *block = reader->block;
    uint64_t high, low;
    if (!take_quotient(reader, &high) || !take(reader, block->step_bits, &low) ||
        !take(reader, block->number_bits, ret_number) || high > UINT32_MAX >> block->step_bits)
        return false;
    *ret_step = high << block->step_bits | low;
    return true;
}

/* A group begins where its skip says. */
static bool begins(const struct hash_block_reader *reader)
{
    size_t group = reader->index / GROUP;
    return !group ||
           (skip_hash(reader->block, group) == reader->hash && skip_bit(reader->block, group) == reader->bit);
}

/* Nothing but the last byte's zeros is left. */
static bool ends(const struct hash_block_reader *reader)
{
    uint64_t total = (uint64_t)reader->block->bits_len * 8;
    return total - reader->bit < 8 && !peek(reader->block, reader->bit);
}

int hash_block_next(struct hash_block_reader *reader, struct hash_entry *ret)
{
    const struct hash_block *block = reader->block;
    uint64_t step, number;
    if (reader->index == block->count)
        return ends(reader) ? 0 : -EUCLEAN;
    if (reader->index % GROUP == 0 && !begins(reader))
        return -EUCLEAN;
    if (!take_at_once(reader, &step, &number) && !take_in_parts(reader, &step, &number))
        return -EUCLEAN;
    uint64_t hash = reader->hash + step;
    number += block->least;
    if (hash > block->last || number > UINT32_MAX || (!step && (int64_t)number <= reader->number))
        return -EUCLEAN;
    reader->index++;
    reader->hash = (uint32_t)hash;
    reader->number = (int64_t)number;
    *ret = (struct hash_entry){(uint32_t)hash, (uint32_t)number};
    return 1;
}
