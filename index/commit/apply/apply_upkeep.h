// SPDX-License-Identifier: Apache-2.0
/*
 * What a commit does for those before it, so that readers need not look through what they left: in this
 * order,
 *
 *     growth of the JSON   runs become one, and go into groups of 4,096 rows      apply_growth.h
 *     runs                 some of an attribute of one level become one            apply_patches.h
 *     hashes               eight runs of a level become one, by blocks            catalog/hash
 *     what is under way    a shard that is made, by blocks                        apply_work.h
 *     seals                the tail goes to shards, attribute by attribute        apply_seal.h
 *     folds                many patches go beneath, shard by shard                apply_fold.h
 *     merges               four shards become one, attribute by attribute
 *     hot pages            what a mount fetches at once is gathered               pages/pages_write.h
 *
 * as long as there is budget. It is in bytes before they are packed, so what is done does not depend on a
 * library's version. A piece that cannot be cut is not begun without any budget, and may go beyond what is
 * left: a run or group of 4,096 rows, a posting, a part, a dictionary. Thread rule: one thread at a time.
 * Private to apply().
 */
#pragma once

#include "index/commit/apply/apply_state.h"

/* What this commit may write of it: the more, the more it brings. */
void apply_upkeep_allow(struct apply *apply);
/* Runs of attributes that get one more. */
int apply_upkeep_runs(struct apply *apply, struct error *err);
/* All from what is under way on. */
int apply_upkeep_shards(struct apply *apply, struct error *err);
/* The whole tail is sealed at once: nothing is under way for its rows. */
int apply_upkeep_make_way(struct apply *apply, struct error *err);
