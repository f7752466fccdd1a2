// SPDX-License-Identifier: Apache-2.0
/*
 * What a change set does to an attribute without touching what is beneath: a run of patches for rows that the
 * parent has, a tail run for new ones. Runs of a level become one of the next; a commit's own stays as
 * it is until then, so the catalog of a version names what that version changed. What counts is bytes before
 * they are packed, so the same change set gives the same rows whatever packs them.
 *
 * Thread rule: one thread at a time. Private to apply().
 */
#pragma once

#include "index/commit/apply/apply_state.h"

enum {
    APPLY_MERGE_RUNS = 12, /* a tail is sealed after 22 commits of 3,000 clips: once in that time */
    /* Of patches, where what a clip has is looked for in run after run: commits' own, and merged ones. */
    APPLY_MERGE_OWN = 8,
    APPLY_MERGE_MERGED = 4,
    APPLY_MERGE_LATEST = 24, /* so many become one even where they have so many rows that they are soon
                                sealed or folded */
    APPLY_LEVELS = 32,
};

/* Merges runs of the attribute as far as the budget goes. */
int apply_runs_merge(struct apply *apply, struct attribute *attribute, enum runs_kind kind,
                     struct error *err);
/* The runs first .. end - 1 go. */
int apply_runs_drop(struct apply *apply, struct attribute *attribute, enum runs_kind kind, size_t first,
                    size_t end, struct error *err);
/* The run at this place says what these cells say. */
int apply_run_write(struct apply *apply, struct attribute *attribute, enum runs_kind kind, size_t at,
                    const struct patch *patch, const struct patch_span *cells, struct error *err);
/* As many live clips more have the attribute with the cells from .. to - 1 than beneath. */
int64_t apply_clips_above(const struct patch *patch, size_t from, size_t to);

/* Tail runs go into the attribute's delta, before that is written. */
int apply_patches_seal(struct apply *apply, size_t at, struct error *err);
/* After it was: the attribute's own runs, and what is counted. `beneath`: the delta changed something. */
int apply_patches_put(struct apply *apply, size_t at, bool beneath, struct error *err);

/* An integer attribute is to be a float one. -EINVAL where a value is not exact. */
int apply_patches_widen(struct apply *apply, const struct attribute *attribute, struct error *err);
/* All runs go; their rows are the caller's concern. */
int apply_patches_drop(struct apply *apply, struct attribute *attribute, struct error *err);
/* The late column of rows first .. end - 1 of one block. *ret_bytes: how much was packed. */
int apply_late_put(struct apply *apply, const struct attribute *attribute, const struct patch *patch,
                   uint32_t first, uint32_t end, size_t *ret_bytes, struct error *err);
int apply_lates_drop(struct apply *apply, const struct attribute *attribute, struct error *err);
/* How many different values there are, which stands in attribute->state, is counted again. */
int apply_recount(struct apply *apply, struct attribute *attribute, struct error *err);
/* Writes attribute->state. */
int apply_state_put(struct apply *apply, struct attribute *attribute, struct error *err);
