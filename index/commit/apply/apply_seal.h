// SPDX-License-Identifier: Apache-2.0
/*
 * A tail that is long enough is sealed, 2^16 rows at a time: what tail runs say of them goes to shards,
 * attribute by attribute. Patches go on standing above. Thread rule: one thread at a time. Private to
 * apply().
 */
#pragma once

#include "index/commit/apply/apply_state.h"

/* Begins with the next attribute, if there is any: 1; 0: nothing is to be sealed. */
int apply_seal_begin(struct apply *apply, struct error *err);
/* 0: the attribute is sealed; 1: the budget is used up. */
int apply_seal_slice(struct apply *apply, struct attribute *attribute, struct error *err);
/* Shards know of the attribute's rows before this one. */
uint64_t apply_sealed(const struct apply *apply, const struct attribute *attribute);
