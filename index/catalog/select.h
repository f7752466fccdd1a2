// SPDX-License-Identifier: Apache-2.0
/* What selecting and estimating share: which ranges of the index a literal means, and what stands above them
 * (cells.h). */
#pragma once

#include "index/catalog/column.h"
#include "index/catalog/reader.h"

/* -EINVAL: a value is not of the type the operator needs. */
int select_check(const struct attribute *attribute, const struct catalog_literal *literal, struct error *err);

/* The shards that a literal is answered by: borrowed. */
struct shards select_shards(const struct shards *all, const struct catalog_literal *literal);

/* May tail runs have rows of the window (NULL: any rows)? Those that are sealed are in none. */
bool select_has_tail(struct catalog_reader *reader, const struct catalog_window *window);
/* What stands above the rows of a window (NULL: above any); NULL: nothing does. As cells_patch_index(). */
int select_above(struct catalog_reader *reader, const struct attribute *attribute,
                 const struct catalog_window *window, const struct patch_index **ret, struct error *err);

struct select_range {
    struct shard_range range;
    struct buf bound; /* what it borrows */
};
/* The range that a RANGE literal means, or one that asks for printed text. 1; 0: no value can qualify;
 * -ENOENT: it is none: a prefix of printed numbers, a suffix, words. */
int select_range(const struct attribute *attribute, const struct catalog_literal *literal,
                 struct select_range *ret);

/* Is the range so wide that it is looked up in the columns of a shard? */
bool select_is_wide(const struct attribute *attribute, const struct shard *shard,
                    const struct shard_range *range);
/* The parts of a shard's column that may have numbers of the range, and the numbers. Non-zero from `each`
 * ends it with that. */
typedef int select_part_fn(void *ctx, const struct column_part *part, const int64_t numbers[2],
                           struct error *err);
int select_parts(struct catalog_reader *reader, const struct shard *shard, const struct shard_range *range,
                 select_part_fn *each, void *ctx, struct error *err);

/* The terms [from, to) above what is beneath for which an EQ, NE (as EQ), RANGE, PREFIX, SUFFIX or WORDS
 * literal holds. */
typedef void select_terms_fn(void *ctx, size_t from, size_t to);
void select_terms(const struct patch_index *patch_index, const struct attribute *attribute,
                  const struct catalog_literal *literal, select_terms_fn *each, void *ctx);
