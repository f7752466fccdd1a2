// SPDX-License-Identifier: Apache-2.0
/* A purpose and what it is about become a message. */
#include "query/order/keyed.h"

#include "cache/base/buf.h"
#include "cache/base/hash.h"

static void put(uint8_t *to, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(number >> 8 * i);
}

static uint64_t hash(const struct keyed *key, const void *message, size_t len)
{
    uint8_t bytes[16];
    put(bytes, key->seed, 8);
    put(bytes + 8, key->epoch, 8);
    return siphash24(bytes, message, len);
}

uint64_t keyed_clip(const struct keyed *key, enum keyed_purpose purpose, uint32_t of)
{
    uint8_t message[5] = {(uint8_t)purpose};
    put(message + 1, of, 4);
    return hash(key, message, sizeof message);
}

uint64_t keyed_value(const struct keyed *key, const struct value *value)
{
    CLEANUP_BUF struct buf message = BUF_INIT;
    buf_u8(&message, KEYED_GROUP);
    value_print(&message, value);
    return hash(key, message.data, message.len);
}

uint64_t keyed_half(const struct keyed *key, uint8_t round, uint32_t half)
{
    uint8_t message[6] = {KEYED_SHUFFLE, round};
    put(message + 2, half, 4);
    return hash(key, message, sizeof message);
}
