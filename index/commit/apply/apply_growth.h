// SPDX-License-Identifier: Apache-2.0
/*
 * By how much the JSON of clips grows, and which attributes of theirs get patches, gathered over the whole
 * set and written once:
 *
 *     few rows            a run of its own, named by the version, and never touched by its own commit
 *     8 runs of a level   become one of the next level, before that
 *     many rows in runs   become one run, which is folded into groups of 512 rows, about 1 MB of them a
 *                         commit; `grown_to` says how far that is
 *     very many rows      go into their groups at once
 *
 * Thread rule: one thread at a time. Private to apply().
 */
#pragma once

#include "index/commit/apply/apply_state.h"

/* The JSON of `row`, which the parent has, becomes so many bytes longer; 0: it is another one. */
void apply_growth_add(struct apply *apply, uint32_t row, int64_t bytes);
int apply_growth_write(struct apply *apply, struct error *err);
