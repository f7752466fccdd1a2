// SPDX-License-Identifier: Apache-2.0
/* Which entries of a dictionary hold a range. Private to shard_*.c. Any thread. */
#pragma once

#include "index/catalog/shard/shard.h"

/* Blocks [from, to) hold all of the range that stands in blocks. */
void shard_range_blocks(const struct dict *dict, const struct shard_range *range, size_t *ret_from,
                        size_t *ret_to);
/* Large values [from, to) are those of the range. */
void shard_range_large(const struct dict *dict, const struct shard_range *range, size_t *ret_from,
                       size_t *ret_to);
