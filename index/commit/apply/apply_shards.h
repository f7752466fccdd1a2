// SPDX-License-Identifier: Apache-2.0
/*
 * What a delta (apply_delta.h) does to the shards of its attribute. Sealed rows make shards of their own, of
 * 2^16 rows or, where many come at once, more; four that lie side by side become one. Thread rule: one thread
 * at a time. Private to apply().
 */
#pragma once

#include "index/commit/apply/apply_delta.h"

/* Writes the blocks, postings and parts that change. Sorts the delta. `sealed`: all rows before are. */
int apply_shards_write(struct db *db, const struct attribute *attribute, struct apply_delta *delta,
                       uint64_t sealed, struct error *err);
/* Merges shards of the attribute until *budget, which says how many bytes a commit may write and is less by
 * those written then, is 0; the last merge may go beyond it. */
int apply_shards_merge(struct db *db, const struct attribute *attribute, uint64_t sealed, uint64_t *budget,
                       struct error *err);
