// SPDX-License-Identifier: Apache-2.0
/*
 * Writing a Parquet file row by row: columns of values or of lists of them, any cell may be null.
 *
 *     "PAR1" | row group | row group ... | FileMetaData | length u32 | "PAR1"
 *
 * A row group is written when its rows take WRITER_GROUP_BYTES, or are WRITER_GROUP_ROWS: that is what memory
 * holds, and what readers take for a piece of work. Pages are packed with zstd: the same rows give the same
 * bytes with the same zstd. Or they are `alike`: not packed, but encoded in few bytes (differences of
 * numbers, dictionaries), the same bytes on every machine. Thread rule: one thread at a time.
 */
#pragma once

#include "index/containers/parquet/parquet.h"

enum {
    PARQUET_WRITER_DEPTH_MAX = 3,
    PARQUET_WRITER_GROUP_ROWS = 122880, /* as DuckDB's */
    PARQUET_WRITER_GROUP_BYTES = 8 << 20,
};

struct parquet_written {
    const char *name;       /* borrowed */
    enum parquet_kind kind; /* BOOL, INT (64 bits), DOUBLE, TEXT, TIMESTAMP (ns UTC) */
    unsigned depth;         /* lists around a value, up to PARQUET_WRITER_DEPTH_MAX; 0: flat */
};
struct parquet_cell {
    bool null;
    int64_t integer; /* BOOL, INT, TIMESTAMP */
    double real;
    const char *text; /* UTF-8 */
    size_t len;
    const struct parquet_cell *items; /* of a list: `count` values, or lists */
    size_t count;
};

struct parquet_pair {
    const char *key, *value;
};
/* Where a file goes, and how. All is borrowed. */
struct parquet_writer_to {
    const char *name; /* in errors */
    int fd;
    struct buf *buf; /* not NULL: the file is appended to it, and `fd` is not used */
    bool alike;
    const struct parquet_pair *metadata; /* of the file: `pandas`, `huggingface` ... */
    size_t metadata_count;
};

struct parquet_writer;

int parquet_writer_new(const struct parquet_writer_to *to, const struct parquet_written *columns,
                       size_t count, struct parquet_writer **ret, struct error *err);
/* A row: a cell a column. */
int parquet_writer_add(struct parquet_writer *writer, const struct parquet_cell *cells, struct error *err);
/* The file is whole then. */
int parquet_writer_finish(struct parquet_writer *writer, struct error *err);
void parquet_writer_free(struct parquet_writer *writer);
CLEANUP_DEFINE(struct parquet_writer, parquet_writer_free, cleanup_parquet_writer)
#define CLEANUP_PARQUET_WRITER CLEANUP(cleanup_parquet_writer)
