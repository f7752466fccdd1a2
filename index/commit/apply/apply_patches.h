// SPDX-License-Identifier: Apache-2.0
/*
 * What a change set does to an attribute without touching what is beneath: a run of patches for rows that the
 * parent has, a tail run for new ones. Eight runs of a level become one of the next; a commit's own stays as
 * it is until then, so the catalog of a version names what that version changed.
 *
 * Once some 64,000 rows of an attribute are patched, they are folded by blocks of 4,096 rows, as many as fit
 * the budget of a commit: a late column gets what the clips have, shards what is seen of it,
 * and the rest stays patched. What counts is bytes before they are packed, so the same change set gives the
 * same rows whatever packs them. A tail of 2^16 rows is sealed: shards get what it says;
 * patches stay.
 *
 * Thread rule: one thread at a time. Private to apply().
 */
#pragma once

#include "index/commit/apply/apply_state.h"

enum { APPLY_MERGE_RUNS = 8 };

/* Before the attribute's delta is written: rows that are folded go into it. */
int apply_patches_fold(struct apply *apply, size_t at, struct error *err);
/* The same of rows in tail runs. */
int apply_patches_seal(struct apply *apply, size_t at, struct error *err);
/* After: its own runs, and what is counted. `beneath`: the delta changed something. */
int apply_patches_put(struct apply *apply, size_t at, bool beneath, struct error *err);

/* An integer attribute is to be a float one. -EINVAL where a value is not exact. */
int apply_patches_widen(struct apply *apply, const struct attribute *attribute, struct error *err);
/* All runs go; their rows are the caller's concern. */
int apply_patches_drop(struct apply *apply, struct attribute *attribute, struct error *err);
/* The late column of rows first .. end - 1 of one block. *ret_bytes: how much was packed. */
int apply_late_put(struct apply *apply, const struct attribute *attribute, const struct patch *patch,
                   uint32_t first, uint32_t end, size_t *ret_bytes, struct error *err);
int apply_lates_drop(struct apply *apply, const struct attribute *attribute, struct error *err);
/* Writes attribute->state. */
int apply_state_put(struct apply *apply, struct attribute *attribute, struct error *err);
