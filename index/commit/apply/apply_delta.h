// SPDX-License-Identifier: Apache-2.0
/*
 * What a change set does to one attribute: which rows gain and lose it, and which values. Gathered clip by
 * clip in row order, then written at once. Thread rule: one thread at a time.
 */
#pragma once

#include "cache/base/strmap.h"
#include "index/base/rowset.h"
#include "index/catalog/attributes.h"
#include "index/catalog/cells/patch.h"
#include "index/catalog/db.h"

enum { APPLY_FEW = 7 };
struct apply_rows { /* most values of a rich attribute change in a few rows */
    uint32_t count;
    uint32_t few[APPLY_FEW]; /* the last ones */
    struct rowset *many;     /* those before them; NULL: none */
};
/* All of them, which is where they stand from here on; borrowed. */
const struct rowset *apply_rows_set(struct apply_rows *rows);
void apply_rows_done(struct apply_rows *rows);

struct apply_value {    /* of attributes without a column */
    struct value value; /* a text is borrowed from the map */
    struct apply_rows gained, lost;
};

struct apply_number { /* of attributes with a column */
    int64_t number;
    uint32_t row;
    bool gained; /* else lost */
};

struct apply_delta {
    struct apply_rows gained, lost; /* rows that have the attribute now, or no more */
    struct strmap *map;             /* value -> index into values */
    struct apply_value *values;
    size_t value_count, value_cap;
    struct apply_number *numbers;
    size_t number_count, number_cap;
};

void apply_delta_done(struct apply_delta *delta);
bool apply_delta_empty(const struct apply_delta *delta);
void apply_delta_row(struct apply_delta *delta, uint32_t row, bool gained);
void apply_delta_value(struct apply_delta *delta, bool column, const struct value *value, uint32_t row,
                       bool gained);

/* What stands beneath a cell becomes what is seen of it. */
void apply_delta_cell(struct apply_delta *delta, const struct attribute *attribute, const struct patch *patch,
                      const struct patch_cell *cell);
/* By value. */
void apply_delta_sort(struct apply_delta *delta);

/* It gets several values a clip: its columns go. */
int apply_delta_unfold(struct db *db, struct attribute *attribute, struct error *err);
/* -EINVAL: the integer is none that a float holds as it is. */
int apply_delta_check_exact(const struct attribute *attribute, int64_t number, struct error *err);
/* An integer attribute becomes a float one. -EINVAL where a value is not exact. */
int apply_delta_widen(struct db *db, struct attribute *attribute, struct error *err);
