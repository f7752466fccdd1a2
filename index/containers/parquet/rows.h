// SPDX-License-Identifier: Apache-2.0
/*
 * The rows of a row group, unpacked (rows.c) and written as a row group of another file (rows_write.c).
 *
 *     row           0          1       2
 *     entry_at      0          2       3       4      of rep and def, a byte each
 *     rep           0 1        0       0
 *     def           3 3        1       3              row 1 is an empty list
 *     value_at      0          8       8       12     of values, PLAIN; booleans a byte each
 *
 * Thread rule: one thread at a time.
 */
#pragma once

#include "index/containers/parquet/footer.h"

struct rows_leaf {
    const struct parquet_leaf *schema;
    struct buf rep, def; /* empty where such a level can only be 0 */
    struct buf values;
    uint64_t *entry_at, *value_at; /* rows + 1 */
};

/* Rows that some page which cannot be decoded holds, or may hold. */
struct rows_bad {
    uint64_t first, end;
    struct error why;
};

struct parquet_rows {
    const struct parquet *parquet;
    size_t group;
    uint64_t rows;
    struct rows_leaf *leaves; /* NULL: they are only looked at, one after the other */
    struct rows_bad *bad;
    size_t bad_count, bad_cap;
};

/* Adds the rows of a part that has them to the slice, which ends where their row group begins, and appends
 * that RowGroup to `group`. -EINVAL: they are not in the group, or some are bad; -ENOTSUP: more than a page
 * holds. */
int parquet_rows_write(const struct parquet_part *part, struct slice *slice, struct buf *group,
                       struct error *err);
