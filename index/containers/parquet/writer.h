// SPDX-License-Identifier: Apache-2.0
/*
 * Writing a Parquet file of flat columns, row by row: any cell may be null, pages are packed with zstd.
 *
 *     "PAR1" | row group | row group ... | FileMetaData | length u32 | "PAR1"
 *
 * A row group is written when its rows take WRITER_GROUP_BYTES, or are WRITER_GROUP_ROWS: that is what memory
 * holds, and what readers take for a piece of work. The same rows give the same bytes with the same zstd.
 * Thread rule: one thread at a time.
 */
#pragma once

#include "index/containers/parquet/parquet.h"

enum {
    PARQUET_WRITER_COLUMNS_MAX = 16,
    PARQUET_WRITER_GROUP_ROWS = 122880, /* as DuckDB's */
    PARQUET_WRITER_GROUP_BYTES = 8 << 20,
};

struct parquet_written {
    const char *name;       /* borrowed */
    enum parquet_kind kind; /* INT (64 bits), DOUBLE, TEXT, TIMESTAMP (ns UTC) */
};
struct parquet_cell {
    bool null;
    int64_t integer; /* INT, TIMESTAMP */
    double real;
    const char *text; /* UTF-8 */
    size_t len;
};

struct parquet_writer;

/* Writes to `fd`, which is borrowed; `name` stands in errors. */
int parquet_writer_new(const char *name, int fd, const struct parquet_written *columns, size_t count,
                       struct parquet_writer **ret, struct error *err);
/* A row: a cell a column. */
int parquet_writer_add(struct parquet_writer *writer, const struct parquet_cell *cells, struct error *err);
/* The file is whole then. */
int parquet_writer_finish(struct parquet_writer *writer, struct error *err);
void parquet_writer_free(struct parquet_writer *writer);
