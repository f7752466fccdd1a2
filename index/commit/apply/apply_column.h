// SPDX-License-Identifier: Apache-2.0
/*
 * The column of an attribute while a change set is applied (parts: index/catalog/column.h). A part's id is
 * attribute << SCHEMA_PART_BITS | number. Thread rule: one thread at a time. Private to apply().
 */
#pragma once

#include "index/catalog/column.h"
#include "index/commit/apply/apply_delta.h"

/* An absent part is empty. *ret_different is how many values it holds. */
int apply_column_read(struct db *db, int64_t id, struct column_values *values, uint32_t *ret_different,
                      struct error *err);
/* Writes or, if no row has a value, removes the part. */
int apply_column_put(struct db *db, int64_t id, const struct column_values *values, uint32_t *ret_different,
                     struct error *err);
/* The delta's numbers, still in row order. An attribute that is not listed gets its `distinct` changed.
 * *ret_most: how many values one of the parts holds now, the one with the most. */
int apply_column_write(struct db *db, struct attribute *attribute, const struct apply_delta *delta,
                       uint32_t *ret_most, struct error *err);
/* Sets `distinct` to the sum over the parts: a value in two parts counts twice. */
int apply_column_count(struct db *db, struct attribute *attribute, struct error *err);
int apply_column_drop(struct db *db, const struct attribute *attribute, struct error *err);
