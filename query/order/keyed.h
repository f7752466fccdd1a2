// SPDX-License-Identifier: Apache-2.0
/*
 * Numbers that look random and are the same on every machine and in every version of this program: who
 * shuffles, samples or splits takes chances by them. All of them are SipHash-2-4 (Aumasson and Bernstein,
 * 2012) under the key
 *
 *     u64 seed | u64 epoch                     little endian
 *
 * of a message that begins with a byte for its purpose, so that what is sampled with a seed has nothing to do
 * with what is split or shuffled with it. They are frozen: tests/query/golden/order.txt. Any thread.
 */
#pragma once

#include <stdint.h>

#include "index/base/value.h"

struct keyed {
    uint64_t seed, epoch;
};
enum keyed_purpose {
    KEYED_SAMPLE = 's',  /* u32 hash of a clip's key */
    KEYED_SPLIT = 'p',   /* the same */
    KEYED_BALANCE = 'b', /* the same */
    KEYED_GROUP = 'g',   /* a value as it is printed */
    KEYED_SHUFFLE = 'f', /* u8 round | u32 half */
};
uint64_t keyed_clip(const struct keyed *key, enum keyed_purpose purpose, uint32_t hash);
uint64_t keyed_value(const struct keyed *key, const struct value *value);
uint64_t keyed_half(const struct keyed *key, uint8_t round, uint32_t half);
