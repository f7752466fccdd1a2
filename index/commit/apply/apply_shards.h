// SPDX-License-Identifier: Apache-2.0
/*
 * What a delta (apply_delta.h) does to the shards of its attribute: where they stand, for rows that are
 * sealed at once, or beside them, in slices (apply_work.h). Sealed rows make shards of their own, of 2^16
 * rows or, where many come at once, more; four that lie side by side become one. Thread rule: one thread at a
 * time. Private to apply().
 */
#pragma once

#include "index/catalog/shard/shard_update.h"
#include "index/commit/apply/apply_gains.h"

/* Writes the blocks, postings and parts that change: by what the delta says, and then, shard by shard, by
 * what new rows bring. Empties the delta. `sealed`: all rows before are. */
int apply_shards_write(struct db *db, struct apply_delta *delta, struct apply_gains_reader *gains,
                       uint64_t sealed, struct error *err);

/* The rows of the delta, which gains nothing, go from every shard that covers them. They need not have what
 * the delta says. Sorts it. */
int apply_shards_lose(struct db *db, const struct attribute *attribute, struct apply_delta *delta,
                      struct error *err);

/* 1: there are four shards that can become *ret; 0: there are none. */
int apply_shards_whole(struct db *db, const struct attribute *attribute, uint64_t sealed, uint32_t *ret,
                       struct error *err);
/* The number under which a shard with the row is made anew, or for the first time. `behind`: the row is
 * behind all that shards know of; where a large one covers it a small one is made, which lies in that. */
int apply_shard_anew(struct db *db, const struct attribute *attribute, uint32_t row, uint64_t sealed,
                     bool behind, uint32_t *ret, struct error *err);
/* A slice of it: all that the attribute's shards of its rows have, and what `delta` (NULL: nothing) says of
 * them. 0: it is there and they are not any more; 1: to be called again. */
int apply_shard_make(struct db *db, const struct attribute *attribute, struct apply_delta *delta,
                     uint32_t number, struct shard_work *work, struct error *err);
