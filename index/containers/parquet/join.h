// SPDX-License-Identifier: Apache-2.0
/*
 * Row groups of many Parquet files as one file, some columns of it written anew:
 *
 *     "PAR1" | columns of part 0 | anew | columns of part 1 | anew | ... | footer, its length, "PAR1"
 *     inline | ranges of part 0  | inline | ranges of part 1 | inline ...
 *
 * Schema and key-value metadata are those of the first part that has rows. The others have the same top-level
 * columns, in any order: types, nullability and lists alike; compression and encodings may differ, and so may
 * the names inside lists (`element`, `item`). A part's row groups stay row groups: its rows are an episode's,
 * so that an episode is one row group unless its own file has it in several. Parts and row groups without
 * rows are passed over.
 *
 * Columns written anew are flat int64 in the first part; what they are in the others does not matter, unless
 * their values are mapped. They are a dictionary and runs, or DELTA_BINARY_PACKED, not compressed, with
 * statistics. Of the other columns' metadata, what only saves readers work and would cost much or no longer
 * holds is left out: page indexes, bloom filters, sort order, sizes and counts by encoding, and statistics in
 * an order that is not defined.
 *
 * No data pages are read but those of a mapped column whose statistics do not say that it is one value.
 * The same parts with the same values give the same bytes. Encrypted files are refused.
 * Thread rule: one thread at a time.
 */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/containers/recording.h"

/* What a column of a part is made of. */
enum parquet_join_how {
    PARQUET_JOIN_CONSTANT, /* `first` in each row */
    PARQUET_JOIN_SEQUENCE, /* `first` in the part's first row, one more in each after it */
    PARQUET_JOIN_MAPPED,   /* map[v], v being what the row has: there, and in [0, map_count); map[v] >= 0 */
};
struct parquet_join_value {
    enum parquet_join_how how;
    int64_t first;
    const int64_t *map; /* borrowed for the call */
    size_t map_count;
};

struct parquet_join;

enum { PARQUET_JOIN_COLUMNS_MAX = 8 };

/* A file without parts as yet, in which these top-level columns are written anew. */
struct parquet_join *parquet_join_new(const char *const *columns, size_t count);
void parquet_join_free(struct parquet_join *join);
CLEANUP_DEFINE(struct parquet_join, parquet_join_free, cleanup_parquet_join)
#define CLEANUP_PARQUET_JOIN CLEANUP(cleanup_parquet_join)

/* Appends the rows of a file; the parts count from 0, those without rows too. `file` is borrowed for the
 * call; `values`: one a column. After a failure the join can only be freed. -EINVAL: the file is damaged, its
 * columns are not those of the first part (which ones, and how), or a value has no place in the map;
 * -ENOTSUP: it is encrypted, or a column to be written anew is no int64; -EFBIG: too many rows or bytes. */
int parquet_join_add(struct parquet_join *join, const struct recording *file,
                     const struct parquet_join_value *values, struct error *err);

/* Of what was added so far; the footer is not in the bytes. */
uint64_t parquet_join_rows(const struct parquet_join *join);
uint64_t parquet_join_bytes(const struct parquet_join *join);

enum { PARQUET_JOIN_INLINE = UINT32_MAX };
struct parquet_join_piece {
    uint32_t part;   /* its number, or PARQUET_JOIN_INLINE */
    uint64_t offset; /* in the part's file, or in inline_bytes */
    uint64_t len;    /* > 0 */
};
struct parquet_joined {
    struct parquet_join_piece *pieces; /* the file, in order; ranges that touch are one */
    size_t count;
    struct buf inline_bytes;
    uint64_t size; /* of the file: the pieces' lengths */
};
void parquet_joined_done(struct parquet_joined *joined);
#define CLEANUP_PARQUET_JOINED CLEANUP(parquet_joined_done)

/* The whole file, once, after the last part. -ENODATA: no part had rows. */
int parquet_join_finish(struct parquet_join *join, struct parquet_joined *ret, struct error *err);
