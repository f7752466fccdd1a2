// SPDX-License-Identifier: Apache-2.0
/*
 * Tables row by row: CSV, JSON Lines and Parquet behind one interface, with one row in memory (of Parquet one
 * row group).
 *
 *     table_input   bytes of a file, a pipe, an object    \
 *     table_csv, table_jsonl, table_parquet               } -> table_cells, a row -> table_reader
 *
 * The name's suffix tells the format (.csv, .tsv, .jsonl or .ndjson, .parquet); without one of them, and for
 * "-", standard input, the first bytes do. What a CSV cell says is text whose type all of its column decides
 * (table_type.h); JSON and Parquet say types themselves. Missing are: an empty CSV field that is not quoted,
 * null, a member that is not there, NaN in a Parquet column; and "nan" in a CSV column of numbers, which only
 * table_type.h can tell.
 *
 * Errors name file, line (Parquet: row), column and value. One thread at a time.
 */
#pragma once

#include "tools/import/notes.h"
#include "tools/import/table_cells.h"
#include "tools/import/table_input.h"

struct table_options {
    const char *const
        *multi; /* columns whose texts, separated by ';', and lists are several values; borrowed */
    size_t multi_count;
    /* Of Parquet: where to say that a column cannot be values and was left out, or that decimals were
     * rounded. NULL: a column that cannot be values refuses the table; so does one of which `needs` (or NULL)
     * is true.
     */
    struct notes *notes;
    bool (*needs)(const char *column);
    bool nested; /* JSON objects within a row are columns, too: "front": {"url": ...} is `front.url` */
};

struct table_reader;

bool table_reader_knows(const char *file); /* does its suffix name a format? */
/* Opens `file`: a path, a URL or "-". `options` may be NULL. */
int table_reader_open(struct stores *stores, const char *file, const struct table_options *options,
                      struct table_reader **ret, struct error *err);
/* The same over an input, which it takes, on failure too. */
int table_reader_over(struct table_input *input, const struct table_options *options,
                      struct table_reader **ret, struct error *err);
void table_reader_free(struct table_reader *reader);
CLEANUP_DEFINE(struct table_reader, table_reader_free, cleanup_table_reader)
#define CLEANUP_TABLE_READER CLEANUP(cleanup_table_reader)

/* 1 with the next row, whose texts live until the next call; 0 at the end. -ETIMEDOUT at the deadline, if one
 * is set: the next call goes on. */
int table_reader_next(struct table_reader *reader, struct table_row *ret, struct error *err);
/* For rows that come through a pipe as they are made; clock_now_ns(), 0: none. */
void table_reader_deadline(struct table_reader *reader, int64_t deadline_ns);

const char *table_reader_name(const struct table_reader *reader); /* of the file, for messages */
/* Columns known by now, in the order of the file: all of them from the start, but for JSON Lines, where each
 * row may bring new ones (and row.count counts them). Names are never empty, at most TABLE_NAME_MAX bytes. */
size_t table_reader_columns(const struct table_reader *reader);
const char *table_reader_column(const struct table_reader *reader, size_t column);
bool table_reader_find(const struct table_reader *reader, const char *name, size_t *ret);

/* "labels.csv: line 7: column 'arm': " before what `err` says; place 0, column SIZE_MAX: none. */
int table_reader_prefix(const struct table_reader *reader, uint64_t place, size_t column, struct error *err);
/* "labels.csv: line 7: ..."; `format` should say the rest. */
int table_reader_fail(const struct table_reader *reader, uint64_t place, struct error *err,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* "... there is neither a column 'key' nor 'episode_index', but 'Episode', 'arm'": -EINVAL. */
int table_reader_fail_key(const struct table_reader *reader, uint64_t place, struct error *err);
const char *table_reader_place_name(const struct table_reader *reader); /* "line", "row" */
/* The place that names the columns, for what is wrong with one: line 1 of CSV; 0, no place, of others. */
uint64_t table_reader_header(const struct table_reader *reader);
