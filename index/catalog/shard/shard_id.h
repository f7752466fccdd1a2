// SPDX-License-Identifier: Apache-2.0
/* Row ids of the tables of shards (shard.h). Any thread. */
#pragma once

#include "index/catalog/shard/shard.h"

enum { SHARD_ATTRIBUTE_BITS = 20, SHARD_BLOCK_BITS = 20 };

static inline int64_t shard_dict_id(uint32_t number, uint32_t attribute)
{
    return (int64_t)number << SHARD_ATTRIBUTE_BITS | attribute;
}
/* In `block`; a piece of it in `posting`, see pieces.h. */
static inline int64_t shard_block_id(const struct shard *shard, uint32_t number)
{
    return shard_dict_id(shard->number, shard->attribute) << SHARD_BLOCK_BITS | number;
}
