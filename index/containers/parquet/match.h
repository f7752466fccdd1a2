// SPDX-License-Identifier: Apache-2.0
/*
 * Whether column chunks of one Parquet file can stand in another: which columns there are and how they are
 * stored, whatever their order and whoever wrote them.
 *
 * Two columns are alike if levels and values mean the same: the same tree of groups and leaves, as often
 * repeated or null, of the same types. How a type is stated (converted or logical) does not matter, nor do
 * the names that a list gives what it is made of. Source of the format: apache/parquet-format, parquet.thrift
 * (SchemaElement), LogicalTypes.md. Immutable after parquet_shape_init(); thread rule: any thread.
 */
#pragma once

#include "index/containers/parquet/footer.h"

struct parquet_shape {
    struct buf bytes; /* a column after the other: equal bytes, alike */
    size_t *at;       /* columns + 1 */
    uint32_t *leaf;   /* columns + 1: the first leaf of each */
    size_t count;
};

void parquet_shape_init(struct parquet_shape *ret, const struct parquet *parquet);
void parquet_shape_done(struct parquet_shape *shape);
#define CLEANUP_PARQUET_SHAPE CLEANUP(parquet_shape_done)

/* The file whose columns others are held against. */
struct parquet_pattern {
    const char *name;              /* for errors: what a person calls it */
    const struct parquet *parquet; /* no two columns of one name */
    struct parquet_shape shape;
    const bool *anew; /* columns which the others need not have, and in any type */
};

enum { PARQUET_NO_LEAF = UINT32_MAX };

/* Fills `ret`, of the pattern's leaves: which leaf of `parquet` each is; PARQUET_NO_LEAF of a column that is
 * to be written anew. -EINVAL: the columns differ; says which, and how. */
int parquet_match(const struct parquet_pattern *pattern, const struct parquet *parquet, uint32_t *ret,
                  struct error *err);
