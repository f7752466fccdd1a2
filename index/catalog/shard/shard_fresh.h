// SPDX-License-Identifier: Apache-2.0
/* What a shard says of values that no row has any more. Thread rule: that of the connection. */
#pragma once

#include "index/base/rowset.h"
#include "index/catalog/shard/shard.h"

/* The dictionary of a shard keeps the key of a block as long as it can, though the value that it was made of
 * is gone. In shards that cover one of `rows` each key becomes one of what its block holds. */
int shards_fresh(struct db *db, uint32_t attribute, enum value_type type, const struct rowset *rows,
                 struct error *err);
