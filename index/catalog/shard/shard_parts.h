// SPDX-License-Identifier: Apache-2.0
/*
 * The columns beside the blocks (column.h): part(attribute << 16 | row >> 16), for wide ranges. They know no
 * shards. Thread rule: that of the connection.
 */
#pragma once

#include "index/catalog/column.h"
#include "index/catalog/shard/shard_update.h"

static inline int64_t shard_part_id(uint32_t attribute, uint32_t part)
{
    return (int64_t)attribute << SCHEMA_PART_BITS | part;
}

/* The changes of a source to the parts of a shard, from part *part of it on; as many as `budget` less
 * *written allows for, one at least. 0: all are written; 1: *part is the next one. The source stands at its
 * start. */
int shard_parts_change(struct db *db, const struct shard_target *to, const struct shard_source *source,
                       uint64_t budget, uint64_t *written, uint64_t *part, struct error *err);
int shard_parts_drop(struct db *db, uint32_t attribute, struct error *err);
/* Each number of the attribute becomes another, in the same order. */
typedef int64_t shard_part_fn(int64_t number);
int shard_parts_map(struct db *db, uint32_t attribute, shard_part_fn *map, struct error *err);
