// SPDX-License-Identifier: Apache-2.0
/* What selecting and estimating share: walks over the values and the column parts beneath that a literal
 * concerns, and over what stands above them (cells.h). */
#pragma once

#include "index/catalog/column.h"
#include "index/catalog/posting.h"
#include "index/catalog/reader.h"

struct select_ranges {
    const int64_t (*list)[2]; /* [low, high] as column_number() */
    size_t count;
};

/* -EINVAL: a value is not of the type the operator needs. */
int select_check(const struct attribute *attribute, const struct catalog_literal *literal, struct error *err);

/* Each value of the dictionary for which a RANGE or PREFIX literal holds. Non-zero from `each` ends the walk.
 */
typedef int select_value_fn(void *ctx, const struct posting_value *value, struct error *err);
int select_dictionary(struct catalog_reader *reader, const struct attribute *attribute,
                      const struct catalog_literal *literal, select_value_fn *each, void *ctx,
                      struct error *err);

/* Each part of the column, codes packed. */
typedef int select_part_fn(void *ctx, const struct column_part *part, struct error *err);
int select_parts(struct catalog_reader *reader, const struct attribute *attribute, select_part_fn *each,
                 void *ctx, struct error *err);

/* The terms [from, to) above what is beneath for which an EQ, NE (as EQ), RANGE or PREFIX literal holds. */
typedef void select_terms_fn(void *ctx, size_t from, size_t to);
void select_terms(const struct patch_index *patch_index, const struct attribute *attribute,
                  const struct catalog_literal *literal, select_terms_fn *each, void *ctx);
