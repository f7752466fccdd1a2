// SPDX-License-Identifier: Apache-2.0
/*
 * The dictionary of an attribute (its values and the rows that have them) while a change set is applied.
 * Attributes without a column always have one. Those with a column have one while it holds few values; once
 * there are more than SCHEMA_LISTED_MAX they lose it for good. Thread rule: one thread at a time. Private to
 * apply().
 */
#pragma once

#include "index/commit/apply/apply_delta.h"

struct apply_dictionary { /* to write to; all borrowed */
    struct db *db;
    struct attribute *attribute; /* its `distinct` and `listed` follow */
    int64_t *next_posting;       /* the number of the next new posting */
};

/* The delta's values: of an attribute without a column. Sorts them. */
int apply_dictionary_write(const struct apply_dictionary *to, struct apply_delta *delta, struct error *err);
/* All of it: an attribute that is dropped, or has too many values. */
int apply_dictionary_drop(const struct apply_dictionary *to, struct error *err);
/* The attribute has its column only, from here on; its `distinct` is counted there. */
int apply_dictionary_unlist(const struct apply_dictionary *to, struct error *err);
/* The delta's numbers: of a listed attribute with a column, which must have been written. Sorts them by
 * value. */
int apply_dictionary_write_numbers(const struct apply_dictionary *to, struct apply_delta *delta,
                                   struct error *err);
