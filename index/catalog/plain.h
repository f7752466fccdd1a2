// SPDX-License-Identifier: Apache-2.0
/*
 * Plain tables of clips, for whoever would rather ask sqlite3, DuckDB or pandas, and a SQLite file of their
 * own that they are written into:
 *
 *     clips(key, t0, t1, files, bytes)
 *     attributes(key, name, type, value, "by", version)
 *     streams(key, name, ext, file, size, container, object, changed)
 *     events(key, label, start_s, end_s, "by", version)
 *
 * It is no catalog and nothing reads it back. Rows are only appended: memory is bounded, whatever their
 * number. Thread rule: one thread at a time.
 */
#pragma once

#include "cache/base/error.h"
#include "cache/base/memory.h"
#include "index/base/value.h"

enum plain_table { PLAIN_CLIPS, PLAIN_ATTRIBUTES, PLAIN_STREAMS, PLAIN_EVENTS, PLAIN_TABLES };
enum { PLAIN_COLUMNS_MAX = 8 };

struct plain_column {
    const char *name;     /* NULL: no more */
    enum value_type type; /* of its cells that are not none; 0: each has its own */
};
/* What the tables are, whatever file they are written into. */
struct plain_layout {
    const char *name;
    struct plain_column columns[PLAIN_COLUMNS_MAX + 1];
};
extern const struct plain_layout plain_tables[PLAIN_TABLES];

struct plain;

/* Begins the file `path`, which appears when it is finished: until then it grows beside it. -EEXIST. */
int plain_new(const char *path, struct plain **ret, struct error *err);
/* Adds a row; `cells` has a value for each column. A boolean is stored as 0 or 1, an instant as RFC 3339
 * text, a duration in seconds, a list as JSON text; type 0 is NULL. */
int plain_add(struct plain *plain, enum plain_table table, const struct value *cells, struct error *err);
/* -EEXIST if somebody else has made `path` meanwhile. */
int plain_finish(struct plain *plain, struct error *err);
void plain_free(struct plain *plain); /* what was not finished is gone */
CLEANUP_DEFINE(struct plain, plain_free, cleanup_plain)
#define CLEANUP_PLAIN CLEANUP(cleanup_plain)
