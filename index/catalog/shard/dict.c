// SPDX-License-Identifier: Apache-2.0
/*
 * Small, and read before all else: what an attribute's clips are counted by, and which one block or posting a
 * value is looked up in. That a block's key only separates it from its neighbours keeps long texts out, and
 * keeps the key when values come and go.
 */
#include "index/catalog/shard/dict.h"

#include <string.h>

void dict_done(struct dict *dict)
{
    free(dict->blocks);
    free(dict->large);
    buf_done(&dict->has);
    arena_done(&dict->texts);
    *dict = (struct dict){0};
}

size_t dict_bytes(const struct dict *dict)
{
    return sizeof *dict + dict->block_cap * sizeof *dict->blocks + dict->large_cap * sizeof *dict->large +
           dict->has.cap + dict->texts.len;
}

size_t dict_text_bytes(const struct dict *dict)
{
    size_t sum = 0;
    for (size_t i = 0; i < dict->block_count; i++)
        sum += dict->blocks[i].key.text ? dict->blocks[i].key.len : 0;
    for (size_t i = 0; i < dict->large_count; i++)
        sum += dict->large[i].key.text ? dict->large[i].key.len : 0;
    return sum;
}

/* ---- bytes ---- */

static void encode_keys(const void *first, size_t count, size_t each, struct buf *buf)
{
    CLEANUP_FREE struct shard_key *keys = mem_alloc(count * sizeof *keys);
    for (size_t i = 0; i < count; i++)
        memcpy(&keys[i], (const uint8_t *)first + i * each, sizeof *keys);
    shard_keys_encode(keys, count, buf);
}

void dict_encode(const struct dict *dict, struct buf *buf)
{
    _Static_assert(offsetof(struct dict_block, key) == 0 && offsetof(struct dict_value, key) == 0,
                   "keys are gathered from there");
    buf_varint(buf, dict->clips);
    buf_varint(buf, dict->values);
    buf_varint(buf, dict->next_posting);
    buf_varint(buf, dict->block_count);
    buf_varint(buf, dict->large_count);
    buf_varint(buf, dict->has.len);
    buf_append(buf, dict->has.data, dict->has.len);
    encode_keys(dict->blocks, dict->block_count, sizeof *dict->blocks, buf);
    for (size_t i = 0; i < dict->block_count; i++) {
        buf_varint(buf, dict->blocks[i].number);
        buf_varint(buf, dict->blocks[i].pairs);
    }
    encode_keys(dict->large, dict->large_count, sizeof *dict->large, buf);
    for (size_t i = 0; i < dict->large_count; i++) {
        buf_varint(buf, dict->large[i].posting);
        buf_varint(buf, dict->large[i].clips);
    }
}

static struct shard_key own_key(struct dict *dict, const struct shard_key *key)
{
    struct shard_key own = *key;
    if (key->text)
        own.text = (const char *)arena_copy(&dict->texts, key->text, key->len);
    return own;
}

/* Two numbers stand behind the keys for each: the first below DICT_HAS, the second at most `max`. */
static bool decode_numbers(struct cursor *c, uint64_t max, uint32_t *ret_number, uint32_t *ret_count)
{
    uint64_t number = cursor_varint(c), count = cursor_varint(c);
    *ret_number = (uint32_t)number;
    *ret_count = (uint32_t)count;
    return !c->failed && number < DICT_HAS && count && count <= max;
}

static bool decode_blocks(struct cursor *c, bool text, uint64_t count, struct dict *dict)
{
    CLEANUP_SHARD_KEYS struct shard_keys keys;
    mem_grow(&dict->blocks, &dict->block_cap, count, sizeof *dict->blocks);
    shard_keys_init(&keys, *c, text, count);
    while (shard_keys_next(&keys) && dict->texts.len <= DICT_TEXTS_MAX)
        dict->blocks[dict->block_count++] = (struct dict_block){.key = own_key(dict, &keys.key)};
    *c = keys.at;
    bool good = dict->block_count == count;
    for (size_t i = 0; good && i < count; i++) {
        good = decode_numbers(c, UINT32_MAX, &dict->blocks[i].number, &dict->blocks[i].pairs);
        if (dict->blocks[i].number >= dict->next_block)
            dict->next_block = dict->blocks[i].number + 1;
    }
    return good;
}

static bool decode_large(struct cursor *c, bool text, uint64_t count, uint32_t span, struct dict *dict)
{
    CLEANUP_SHARD_KEYS struct shard_keys keys;
    mem_grow(&dict->large, &dict->large_cap, count, sizeof *dict->large);
    shard_keys_init(&keys, *c, text, count);
    while (shard_keys_next(&keys) && dict->texts.len <= DICT_TEXTS_MAX)
        dict->large[dict->large_count++] = (struct dict_value){.key = own_key(dict, &keys.key)};
    *c = keys.at;
    bool good = dict->large_count == count;
    for (size_t i = 0; good && i < count; i++)
        good = decode_numbers(c, span, &dict->large[i].posting, &dict->large[i].clips);
    return good;
}

const char *dict_decode(const uint8_t *bytes, size_t len, bool text, uint32_t span, struct dict *ret)
{
    CLEANUP_DICT struct dict dict = {0};
    struct cursor c = cursor_of(bytes, len);
    dict.clips = cursor_varint(&c);
    dict.values = cursor_varint(&c);
    uint64_t next = cursor_varint(&c), blocks = cursor_varint(&c), large = cursor_varint(&c),
             has_len = cursor_varint(&c);
    const uint8_t *has = cursor_bytes(&c, has_len);
    if (c.failed || dict.clips > span || dict.values > (uint64_t)DICT_NUMBERS * DICT_NUMBERS ||
        next > DICT_HAS || blocks > len || large > len)
        return "its counts are out of range";
    dict.next_posting = (uint32_t)next;
    buf_append(&dict.has, has, has_len);
    if (!decode_blocks(&c, text, blocks, &dict))
        return "its blocks are damaged";
    if (!decode_large(&c, text, large, span, &dict))
        return "its large values are damaged";
    if (cursor_left(&c))
        return "bytes follow its end";
    *ret = dict;
    dict = (struct dict){0};
    return NULL;
}

/* ---- finding ---- */

size_t dict_block_of(const struct dict *dict, const struct shard_key *key)
{
    size_t low = 0, high = dict->block_count; /* the first one above */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (shard_key_compare(&dict->blocks[middle].key, key) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low ? low - 1 : 0;
}

size_t dict_large_below(const struct dict *dict, const struct shard_key *key)
{
    size_t low = 0, high = dict->large_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (shard_key_compare(&dict->large[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct dict_value *dict_large_find(const struct dict *dict, const struct shard_key *key)
{
    size_t at = dict_large_below(dict, key);
    bool found = at < dict->large_count && !shard_key_compare(&dict->large[at].key, key);
    return found ? &dict->large[at] : NULL;
}

/* ---- changing ---- */

void dict_large_put(struct dict *dict, const struct dict_value *value)
{
    size_t at = dict_large_below(dict, &value->key);
    mem_grow(&dict->large, &dict->large_cap, dict->large_count + 1, sizeof *dict->large);
    memmove(&dict->large[at + 1], &dict->large[at], (dict->large_count - at) * sizeof *dict->large);
    dict->large[at] = *value;
    dict->large[at].key = own_key(dict, &value->key);
    dict->large_count++;
}

void dict_large_drop(struct dict *dict, struct dict_value *value)
{
    size_t at = (size_t)(value - dict->large);
    dict->large_count--;
    memmove(value, value + 1, (dict->large_count - at) * sizeof *value);
}

void dict_blocks_replace(struct dict *dict, size_t at, size_t old, const struct dict_block *with,
                         size_t count)
{
    size_t behind = dict->block_count - at - old;
    mem_grow(&dict->blocks, &dict->block_cap, dict->block_count + count, sizeof *dict->blocks);
    if (behind)
        memmove(&dict->blocks[at + count], &dict->blocks[at + old], behind * sizeof *dict->blocks);
    for (size_t i = 0; i < count; i++) {
        dict->blocks[at + i] = with[i];
        dict->blocks[at + i].key = own_key(dict, &with[i].key);
    }
    dict->block_count += count - old;
}

static bool is_used(const struct dict *dict, int64_t number)
{
    for (size_t i = 0; i < dict->block_count; i++)
        if (dict->blocks[i].number == number)
            return true;
    return false;
}

uint32_t dict_block_number(struct dict *dict, int64_t before, int64_t after)
{
    int64_t middle = before + (after - before) / 2;
    if (after > before + 1 && !is_used(dict, middle))
        return (uint32_t)middle;
    uint32_t number = dict->next_block + (after < 0 && dict->next_block ? DICT_STEP - 1 : 0);
    if (number >= DICT_HAS)
        for (number = 0; number < DICT_HAS && is_used(dict, number); number++)
            ;
    if (number >= dict->next_block)
        dict->next_block = number + 1;
    return number;
}
