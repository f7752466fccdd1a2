// SPDX-License-Identifier: Apache-2.0
/* What selecting and estimating share: which ranges of the index a literal means, and what stands above them
 * (cells.h). */
#pragma once

#include "index/catalog/reader.h"

/* -EINVAL: a value is not of the type the operator needs. */
int select_check(const struct attribute *attribute, const struct catalog_literal *literal, struct error *err);

struct select_range {
    struct shard_range range;
    struct buf bound; /* what it borrows */
};
/* The range that a RANGE or PREFIX literal means. 1; 0: no value can qualify; -ENOENT: it is none: a prefix
 * of printed numbers. */
int select_range(const struct attribute *attribute, const struct catalog_literal *literal,
                 struct select_range *ret);

/* The terms [from, to) above what is beneath for which an EQ, NE (as EQ), RANGE or PREFIX literal holds. */
typedef void select_terms_fn(void *ctx, size_t from, size_t to);
void select_terms(const struct patch_index *patch_index, const struct attribute *attribute,
                  const struct catalog_literal *literal, select_terms_fn *each, void *ctx);
