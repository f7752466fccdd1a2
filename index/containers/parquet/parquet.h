// SPDX-License-Identifier: Apache-2.0
/*
 * Parquet: reading columns, and whole row groups as a Parquet file of their own.
 *
 * Source of the format: apache/parquet-format 2.10 (README.md, parquet.thrift, Encodings.md), Thrift compact
 * protocol. Read: flat columns and lists up to three deep (3-level LIST, also legacy 2-level), every encoding
 * there is (encoding.h); data pages v1 and v2; uncompressed, snappy, gzip, zstd, brotli, lz4 (raw, and as
 * Hadoop frames it). Structs and maps are listed with `readable` false and skipped. Encrypted files, and
 * files whose data lie in other files, are refused. Checksums of pages are checked where they are stated.
 *
 * Every length, count and offset is checked against the file and a cap before it is used. Errors name the
 * recording, the row group and the column.
 * Thread rule: `struct parquet` is one thread at a time (it reads through its recording).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/containers/recording.h"
#include "index/containers/slice.h"

struct parquet;

/* Reads the footer. `recording` is borrowed until parquet_free(). -EINVAL: no Parquet file, or damaged;
 * -ENODATA: as far as it goes it may be one, but its writer has not finished it; -ENOTSUP: encrypted. */
int parquet_open(const struct recording *recording, struct parquet **ret, struct error *err);
void parquet_free(struct parquet *parquet);
CLEANUP_DEFINE(struct parquet, parquet_free, cleanup_parquet)
#define CLEANUP_PARQUET CLEANUP(cleanup_parquet)

/* What one parquet_read() may make, against columns that unpack to more than memory holds. At first: the
 * constants. */
#define PARQUET_VALUES_MAX (UINT64_C(1) << 26) /* entries: values, nulls, and null or empty lists */
#define PARQUET_BYTES_MAX  (UINT64_C(1) << 29) /* of a chunk, of an unpacked page, of texts */
struct parquet_limits {
    uint64_t values;
    uint64_t bytes;
};
void parquet_set_limits(struct parquet *parquet, struct parquet_limits limits);

uint64_t parquet_rows(const struct parquet *parquet);
size_t parquet_groups(const struct parquet *parquet);
uint64_t parquet_group_rows(const struct parquet *parquet, size_t group);
uint64_t parquet_group_bytes(const struct parquet *parquet, size_t group); /* as it lies in the file */
uint64_t parquet_group_first_row(const struct parquet *parquet, size_t group);
const char *parquet_metadata(const struct parquet *parquet,
                             const char *key); /* key-value metadata, NULL if absent */

enum parquet_kind {
    PARQUET_BOOL,
    PARQUET_INT, /* (u)int8 to 64, date (days since 1970), time of day (in the file's unit) */
    PARQUET_FLOAT,
    PARQUET_DOUBLE,
    PARQUET_TEXT,      /* as the file has it: not checked to be UTF-8; UUID */
    PARQUET_BYTES,     /* without a type, fixed length, BSON */
    PARQUET_TIMESTAMP, /* ms, us, ns and INT96, as int64 ns; one without a zone counts as UTC */
    PARQUET_DECIMAL,   /* exactly, as text: "-12.50" */
    PARQUET_OTHER,     /* interval, struct, map: never readable */
};

struct parquet_column {
    const char *name;       /* top-level name; may hold '/' and '.': never split it */
    enum parquet_kind kind; /* of the values */
    unsigned depth;         /* list nesting: 0 flat, 1-3 */
    bool date;              /* an INT that counts days since 1970 */
    unsigned scale;         /* of a DECIMAL: digits behind its point */
    bool readable;          /* false: kind OTHER, a deeper list, an encoding or codec that is not read */
    const char *why;        /* it is not readable ("it holds structs or maps"), or NULL */
};
size_t parquet_columns(const struct parquet *parquet); /* top-level columns */
const struct parquet_column *parquet_column(const struct parquet *parquet, size_t i);
int parquet_find(const struct parquet *parquet, const char *name); /* its index, or -ENOENT */

/* Decoded values of one column in one row group.
 *
 *   depth 0:  rows entries; `valid[i]` false is a null; value i at index i
 *   depth d:  offsets[0] has rows+1 entries: row r is elements [offsets[0][r], offsets[0][r+1]) of the next
 *             level; offsets[d-1] delimits the values. A null or empty list has no elements; null_list[r]
 *             tells them apart at the top level.
 *
 *   row                 [[1, 2], []]   null   [[3]]
 *   offsets[0]          0              2      2       3
 *   offsets[1]          0       2   2                 3
 *   i64                 1 2                   3
 *
 * INT and TIMESTAMP fill i64, BOOL too (0/1); FLOAT (widened) and DOUBLE fill f64; TEXT, BYTES and DECIMAL:
 * value i is bytes.data[text_offsets[i] .. text_offsets[i+1]). A null has the value 0 or no bytes. uint64
 * above INT64_MAX and timestamps outside the range of int64 ns are refused (-ERANGE). */
struct parquet_values {
    enum parquet_kind kind;
    unsigned depth;
    uint64_t rows;
    uint64_t count; /* values (entries of valid) */
    bool *valid;
    int64_t *i64;
    double *f64;
    struct buf bytes;
    uint64_t *text_offsets; /* count + 1 */
    uint64_t *offsets[3];
    bool *null_list; /* rows entries, depth > 0 */
};
/* -ENOTSUP: the column is not readable; -EFBIG: beyond the limits; -EINVAL: damaged. */
int parquet_read(struct parquet *parquet, size_t group, size_t column, struct parquet_values *ret,
                 struct error *err);
void parquet_values_done(struct parquet_values *values);
#define CLEANUP_PARQUET_VALUES CLEANUP(parquet_values_done)

/* Statistics of one flat column in one group: inclusive bounds of what is neither null nor NaN, if the file
 * states them for a signed integer, float, boolean or timestamp column. False if absent or not usable. */
struct parquet_bounds {
    enum parquet_kind kind;
    int64_t i64_min, i64_max;
    double f64_min, f64_max;
    uint64_t nulls;
    bool has_nulls;
};
bool parquet_bounds(const struct parquet *parquet, size_t group, size_t column, struct parquet_bounds *ret);

/* Row groups [first, first + count), count > 0, as a Parquet file of their own: "PAR1", the groups' bytes by
 * range, and the footer re-encoded with shifted offsets; schema, key-value metadata and unknown Thrift fields
 * kept, page indexes shifted (dropped if they are damaged), bloom filters dropped. Works for columns that are
 * not readable, too. The same groups of the same file give the same bytes. `slice` must be SLICE_INIT, and is
 * after a failure. Reads only page indexes of the recording. */
int parquet_slice(const struct parquet *parquet, size_t first, size_t count, struct slice *slice,
                  struct error *err);

/* ---- rows inside a row group ---- */

/* A row group, unpacked in memory (at most limits.bytes; all of it is read). Works for columns that are not
 * readable (structs, maps), too. */
struct parquet_rows;

/* `parquet` is borrowed. A page that cannot be decoded is a failure of its rows, once they are wanted: where
 * lists are stored, of all from there to the group's end. -ENOTSUP: an encoding or compression that is not
 * read, or too large. */
int parquet_rows_new(const struct parquet *parquet, size_t group, struct parquet_rows **ret,
                     struct error *err);
void parquet_rows_free(struct parquet_rows *rows);
CLEANUP_DEFINE(struct parquet_rows, parquet_rows_free, cleanup_parquet_rows)
#define CLEANUP_PARQUET_ROWS CLEANUP(cleanup_parquet_rows)

/* Bytes of the values of these rows; they are in the group. */
uint64_t parquet_rows_bytes(const struct parquet_rows *rows, uint64_t first, uint64_t count);

/* Rows [first, first + count) of a row group, count > 0. */
struct parquet_part {
    size_t group;
    uint64_t first, count;
    const struct parquet_rows *rows; /* of the group; NULL: the group goes by range, and is whole */
};
/* The parts that are rows [first, first + count) of the file, count > 0, which are there, and their number;
 * the caller frees them, and gives `rows` to those that are not whole. */
size_t parquet_parts(const struct parquet *parquet, uint64_t first, uint64_t count,
                     struct parquet_part **ret);
bool parquet_part_is_whole(const struct parquet *parquet, const struct parquet_part *part);
/* Several parts as parquet_slice() makes a file of whole groups, a row group each. A part with `rows` is
 * inline: PLAIN values that are not compressed, no statistics. -EINVAL: they cannot be decoded, with row
 * group, column, page and reason; -ENOTSUP: more than a page holds. */
int parquet_slice_parts(const struct parquet *parquet, const struct parquet_part *parts, size_t count,
                        struct slice *slice, struct error *err);

/* Reads the file and decodes every page of it. -EINVAL with row group, column, page and reason; a column
 * chunk in an encoding or compression that is not read, or larger than the limits, is passed over. */
int parquet_check(const struct parquet *parquet, struct error *err);
