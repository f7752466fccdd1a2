// SPDX-License-Identifier: Apache-2.0
/*
 * The schema of a Parquet file: which top-level columns there are, and how levels and stored values become
 * rows, lists and numbers.
 *
 * Source of the format: apache/parquet-format, parquet.thrift (SchemaElement) and LogicalTypes.md (LIST with
 * its backward-compatibility rules). Immutable after parquet_schema_init(); thread rule: any thread.
 */
#pragma once

#include "cache/base/error.h"
#include "index/containers/parquet/parquet.h"
#include "index/containers/parquet/thrift.h"

enum { PARQUET_DEPTH_MAX = 3 };

enum parquet_physical {
    PARQUET_TYPE_BOOLEAN = 0,
    PARQUET_TYPE_INT32 = 1,
    PARQUET_TYPE_INT64 = 2,
    PARQUET_TYPE_INT96 = 3,
    PARQUET_TYPE_FLOAT = 4,
    PARQUET_TYPE_DOUBLE = 5,
    PARQUET_TYPE_BYTE_ARRAY = 6,
    PARQUET_TYPE_FIXED = 7,
};

/* What a stored number means. */
enum parquet_meaning {
    PARQUET_AS_IS,
    PARQUET_UNSIGNED,
    PARQUET_MILLISECONDS, /* the three: of a TIMESTAMP */
    PARQUET_MICROSECONDS,
    PARQUET_NANOSECONDS,
    PARQUET_AS_DECIMAL, /* the three: of bytes, too, and decoded by their own (value.c) */
    PARQUET_AS_UUID,
    PARQUET_AS_HALF,
};

/* How one readable column is laid out. For a list at nesting k (0: outermost), a definition level
 *
 *     below list_def[k]                       the list, or one around it, is null
 *     list_def[k]                             it is there and empty
 *     above                                   it has this element
 *     below max_def, above list_def[depth-1]  a null value (depth 0: below max_def)
 *     max_def                                 a value
 */
struct parquet_layout {
    uint32_t leaf; /* number among the leaves: its place in every row group */
    enum parquet_physical physical;
    enum parquet_meaning meaning;
    uint32_t width; /* bytes of a PARQUET_TYPE_FIXED value */
    unsigned scale; /* of a decimal: digits behind its point */
    unsigned depth; /* also the greatest repetition level */
    unsigned max_def;
    unsigned list_def[PARQUET_DEPTH_MAX];
};

struct parquet_leaf {
    enum parquet_physical physical;
    uint32_t column; /* top-level column it belongs to */
    uint32_t width;  /* bytes of a PARQUET_TYPE_FIXED value */
    uint8_t max_rep, max_def;
};

struct parquet_schema {
    struct parquet_column *columns; /* names owned */
    struct parquet_layout *layouts; /* one a column */
    size_t count;
    struct parquet_leaf *leaves;
    size_t leaf_count;
};

/* From the FileMetaData's schema list (field 2). `ret` is untouched on failure. -EINVAL. */
int parquet_schema_init(struct parquet_schema *ret, const struct thrift *tree, thrift_id list,
                        struct error *err);
void parquet_schema_done(struct parquet_schema *schema);

/* A stored integer as parquet_values has it: -ERANGE if it does not fit int64 (nanoseconds). */
int parquet_meaning_apply(enum parquet_meaning meaning, enum parquet_physical physical, int64_t stored,
                          int64_t *ret);
