// SPDX-License-Identifier: Apache-2.0
/* Times of whole seconds, ids and fractions step by multiples of something: dividing by it makes one byte of
 * most steps, without any knowledge of units. */
#include "index/catalog/shard/shard_key.h"

#include <string.h>

#include "index/catalog/column.h"
#include "index/catalog/groups/numbers.h"

struct shard_key shard_key_of(const struct value *value)
{
    if (value->type == VALUE_TEXT)
        return (struct shard_key){.text = value->text ? value->text : "", .len = value->len};
    return (struct shard_key){.number = value->type == VALUE_BOOL ? value->boolean : column_number(value)};
}

struct value shard_key_value(const struct shard_key *key, enum value_type type)
{
    if (key->text)
        return (struct value){.type = type, .text = key->text, .len = key->len};
    if (type == VALUE_BOOL)
        return (struct value){.type = type, .boolean = key->number};
    return column_value(type, key->number);
}

int shard_key_compare(const struct shard_key *a, const struct shard_key *b)
{
    if (!a->text)
        return (a->number > b->number) - (a->number < b->number);
    int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

size_t shard_key_shared(const struct shard_key *a, const struct shard_key *b)
{
    size_t most = a->len < b->len ? a->len : b->len, shared = 0;
    while (shared < most && a->text[shared] == b->text[shared])
        shared++;
    return shared;
}

/* ---- writing ---- */

static uint64_t step_at(const struct shard_key *keys, size_t i)
{
    return (uint64_t)keys[i].number - (uint64_t)keys[i - 1].number;
}

static void encode_numbers(const struct shard_key *keys, size_t count, struct buf *buf)
{
    uint64_t step = 0;
    value_encode_signed(buf, keys[0].number);
    for (size_t i = 1; i < count && step != 1; i++)
        step = numbers_divisor(step_at(keys, i), step);
    if (count > 1)
        buf_varint(buf, step);
    for (size_t i = 1; i < count; i++)
        buf_varint(buf, step ? step_at(keys, i) / step : 0); /* equal ones: of a catalog that is damaged */
}

static void encode_texts(const struct shard_key *keys, size_t count, struct buf *buf)
{
    for (size_t i = 0; i < count; i++) {
        size_t shared = i ? shard_key_shared(&keys[i - 1], &keys[i]) : 0;
        buf_varint(buf, shared);
        buf_varint(buf, keys[i].len - shared);
        buf_append(buf, keys[i].text + shared, keys[i].len - shared);
    }
}

void shard_keys_encode(const struct shard_key *keys, size_t count, struct buf *buf)
{
    if (count)
        (keys[0].text ? encode_texts : encode_numbers)(keys, count, buf);
}

/* ---- reading ---- */

void shard_keys_init(struct shard_keys *keys, struct cursor at, bool text, uint64_t count)
{
    *keys = (struct shard_keys){.at = at, .text = text, .left = count};
}

void shard_keys_done(struct shard_keys *keys)
{
    buf_done(&keys->room);
}

static bool next_number(struct shard_keys *keys)
{
    if (!keys->started) {
        keys->key.number = value_decode_signed(&keys->at);
        keys->step = keys->left > 1 ? cursor_varint(&keys->at) : 1;
        return !keys->at.failed && keys->step;
    }
    uint64_t times = cursor_varint(&keys->at), rise, most = (uint64_t)INT64_MAX - (uint64_t)keys->key.number;
    if (keys->at.failed || !times || __builtin_mul_overflow(times, keys->step, &rise) || rise > most)
        return false;
    keys->key.number = (int64_t)((uint64_t)keys->key.number + rise);
    return true;
}

/* What follows the shared bytes is above what followed them before: so is the text. */
static bool next_text(struct shard_keys *keys)
{
    uint64_t shared = cursor_varint(&keys->at), len = cursor_varint(&keys->at);
    if (keys->at.failed || shared > keys->room.len || len > VALUE_TEXT_MAX - shared)
        return false;
    const uint8_t *bytes = cursor_bytes(&keys->at, len);
    bool above =
        shared == keys->room.len ? len || !keys->started : bytes && len && bytes[0] > keys->room.data[shared];
    if (!bytes || !above)
        return false;
    buf_truncate(&keys->room, shared);
    buf_append(&keys->room, bytes, len);
    keys->key = (struct shard_key){.text = buf_text(&keys->room), .len = keys->room.len};
    return true;
}

bool shard_keys_next(struct shard_keys *keys)
{
    if (!keys->left || keys->at.failed)
        return false;
    bool more = keys->text ? next_text(keys) : next_number(keys);
    keys->started = true;
    keys->left--;
    keys->at.failed |= !more;
    return more;
}
