// SPDX-License-Identifier: Apache-2.0
/*
 * Sources of a set: met again by root and folder. What one says of itself is written where it is another than
 * what the parent says, and which clip is of which where that changes. Thread rule: one thread at a time.
 * Private to apply().
 */
#pragma once

#include "index/commit/apply/apply_state.h"

struct apply_sources;
struct apply_sources *apply_sources_new(struct apply *apply);
void apply_sources_free(struct apply_sources *sources);

/* ---- intake ---- */

/* Begins a source of the set; the one before it is written. -EREMCHG: others have said something else of it
 * since the set was made. */
int apply_sources_begin(struct apply_sources *sources, const struct changeset_op *op, struct error *err);
void apply_sources_file(struct apply_sources *sources, const struct changeset_op *op);
int apply_sources_end(struct apply_sources *sources, struct error *err);
/* The catalog's id of a source of the set. */
uint32_t apply_sources_id(const struct apply_sources *sources, uint32_t number);

/* ---- clips, in row order ---- */

/* The source of the row's clip, 0: of none. */
int apply_sources_get(struct apply_sources *sources, uint32_t row, uint32_t *ret, struct error *err);
int apply_sources_put(struct apply_sources *sources, uint32_t row, uint32_t source, struct error *err);
int apply_sources_flush(struct apply_sources *sources, struct error *err);
