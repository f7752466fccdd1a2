// SPDX-License-Identifier: Apache-2.0
/* Rows of the tables of shards: written, dropped. What is written is counted. Private to shard_*.c. Thread
 * rule: that of the connection. */
#pragma once

#include "index/catalog/shard/shard_update.h"

int shard_put(struct db *db, enum schema_query query, int64_t id, const struct buf *bytes, uint64_t *written,
              struct error *err);
int shard_block_put(const struct shard *shard, uint32_t number, const struct block_entry *entries,
                    size_t count, uint64_t *written, struct error *err);
int shard_block_drop(const struct shard *shard, uint32_t number, struct error *err);
/* Rows ascending, from the shard's first. */
int shard_posting_put(const struct shard *shard, uint32_t number, const void *bytes, size_t len,
                      uint64_t *written, struct error *err);
int shard_posting_drop(const struct shard *shard, uint32_t number, struct error *err);
/* The dictionary as it is in memory; without values and rows: none. */
int shard_dict_put(const struct shard *shard, uint64_t *written, struct error *err);
/* Dictionary, blocks and postings of a shard. */
int shard_drop(struct db *db, uint32_t attribute, uint32_t number, struct error *err);
/* `with` (or nothing) takes the place of these in the list of the attribute's shards. Written if it changes.
 */
int shard_numbers_replace(struct db *db, uint32_t attribute, const uint32_t *old, size_t count,
                          const uint32_t *with, struct error *err);
/* As shard_update(), but that the list of the attribute's shards stays. */
int shard_update_unlisted(struct db *db, const struct shard_target *to, const struct shard_source *source,
                          const struct shard_presence *presence, struct shard_work *work, struct error *err);
/* The first value that a slice has to do: keys->key, where *ret is true. */
int shard_work_start(const struct shard_work *work, bool text, struct shard_keys *keys, bool *ret,
                     struct error *err);
/* Is it the parts' turn, and a slice of them: 0: done; 1: call again. */
bool shard_work_is_of_parts(const struct shard_work *work);
int shard_work_parts(struct db *db, const struct shard_target *to, const struct shard_source *source,
                     struct shard_work *work, struct error *err);
