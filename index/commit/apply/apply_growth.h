// SPDX-License-Identifier: Apache-2.0
/* By how much the JSON of clips grows, gathered for a group of rows and written in one statement: as many of
 * them cost more than all else that a label does. Rows come in ascending order, each once. Thread rule: one
 * thread at a time. Private to apply(). */
#pragma once

#include "index/commit/apply/apply_state.h"

struct apply_growth {
    struct apply *apply;
    int64_t group;                    /* row / SCHEMA_GROUP_ROWS */
    size_t count;                     /* of rows that grow */
    int64_t bytes[SCHEMA_GROUP_ROWS]; /* DB_NOT_GROWN: the row does not */
};

void apply_growth_init(struct apply_growth *growth, struct apply *apply);
int apply_growth_add(struct apply_growth *growth, uint32_t row, int64_t bytes, struct error *err);
/* Writes what is left. */
int apply_growth_flush(struct apply_growth *growth, struct error *err);
