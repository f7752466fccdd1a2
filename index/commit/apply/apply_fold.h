// SPDX-License-Identifier: Apache-2.0
/*
 * Patches that have become many go beneath: what clips have into late columns of 4,096 rows, what is seen of
 * them into shards, shard after shard. The runs that are folded are those that are there when it begins, and
 * stay until all shards are through; `folded` says up to which row they do not count any more. Thread rule:
 * one thread at a time. Private to apply().
 */
#pragma once

#include "index/commit/apply/apply_state.h"

/* Begins with the next shard, if there is any: 1; 0: nothing is to be folded. */
int apply_fold_begin(struct apply *apply, struct error *err);
/* 0: what the shard covers is folded; 1: the budget is used up. */
int apply_fold_slice(struct apply *apply, struct attribute *attribute, struct error *err);
void apply_folding_done(struct apply_folding *folding);
