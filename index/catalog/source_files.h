// SPDX-License-Identifier: Apache-2.0
/*
 * Sources: what those that were imported as a whole say of themselves, and which clip is of which
 * (index/FORMAT.md: `source`, `file`, `sourced`).
 *
 *     source    id (from 1) -> root, folder, version that last changed its files
 *     file      source << 8 | number -> bytes, in pieces: number 0 the list of names and sizes, n the n-th
 * file sourced   row >> 10 -> sources of these rows
 *
 * Rows are hostile: damage names table and place. Thread rule: that of the connection.
 */
#pragma once

#include "index/base/source_file.h"
#include "index/catalog/db.h"
#include "index/catalog/groups/numbers.h"

enum { SOURCED_ROWS = 1 << SCHEMA_SOURCED_BITS };

struct source_row {
    uint32_t id, root, version;
    const char *folder; /* valid until the statement's next step */
};
/* Of QUERY_SOURCE and QUERY_SOURCES. */
int source_row_take(struct db *db, sqlite3_stmt *stmt, struct source_row *ret, struct error *err);

/* ---- files ---- */

struct source_file {
    const char *name;
    uint64_t size;
};
struct source_files { /* ascending by name */
    struct buf bytes; /* names lie in it */
    struct source_file *list;
    size_t count;
};
#define CLEANUP_SOURCE_FILES CLEANUP(source_files_done)
void source_files_done(struct source_files *files);
/* The list's bytes, and back; -EUCLEAN: they are no list. */
void source_files_encode(const struct source_file *list, size_t count, struct buf *buf);
int source_files_decode(struct source_files *files, const struct buf *bytes);
/* Of a source that there is. */
int source_files_read(struct db *db, uint32_t source, struct source_files *ret, struct error *err);
/* The place of the file of this name, or SIZE_MAX. */
size_t source_files_find(const struct source_files *files, const char *name);
/* Appends the bytes of file `at` of the list. */
int source_file_read(struct db *db, uint32_t source, const struct source_files *files, size_t at,
                     struct buf *buf, struct error *err);
int source_file_put(struct db *db, uint32_t source, size_t number, const void *bytes, size_t len,
                    struct error *err);
int source_files_drop(struct db *db, uint32_t source, struct error *err);
/* Ids of all rows of `file` that a source can have. */
void source_file_ids(uint32_t source, int64_t ret[2]);

/* ---- which clip ---- */

struct sourced {    /* the group that was read last; zero is none */
    uint64_t group; /* plus 1 */
    struct buf bytes;
    struct numbers numbers;
};
void sourced_done(struct sourced *sourced);
/* *ret 0: the clip of this row is of none. */
int sourced_get(struct db *db, struct sourced *sourced, uint32_t row, uint32_t *ret, struct error *err);
/* A group's bytes, of the rows up to the last one that is of a source; nothing: none is. */
void sourced_encode(const uint32_t sources[SOURCED_ROWS], struct buf *buf);
/* -EUCLEAN. `ret` borrows the bytes; source ids are in range. */
int sourced_decode(const void *bytes, size_t len, struct numbers *ret);
