// SPDX-License-Identifier: Apache-2.0
/*
 * One SQLite connection to a catalog: prepared statements, checked columns, and errors as this project has
 * them.
 *
 * What a damaged or hostile file can make SQLite say becomes -EUCLEAN "catalog NAME is damaged: ...". A read
 * that must not wait gives -EAGAIN, a cancelled one -ECANCELED, a late one -ETIMEDOUT; the same statement may
 * be run again afterwards. Columns are checked for their type: none of SQLite's conversions happens.
 *
 * Thread rule: one thread at a time.
 */
#pragma once

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/base/value.h"
#include "index/catalog/catalog.h"
#include "index/catalog/packer.h"
#include "index/catalog/schema.h"
#include "index/pages/overlay.h"

struct db;
struct direct;
struct page_bytes;

/* The patience also governs opening, which reads the first bytes: -EAGAIN where they are not here. */
int db_open_path(const char *path, const char *name, const struct catalog_patience *patience, struct db **ret,
                 struct error *err);
int db_open_pages(struct pages *pages, const char *name, const struct catalog_patience *patience,
                  struct db **ret, struct error *err); /* borrows `pages` */
/* What an overlay holds now, for whoever is about to commit it. Borrows it. */
int db_open_overlay(struct overlay *overlay, struct db **ret, struct error *err);
/* Writable, for apply: an existing catalog, or in an empty overlay a new one with the schema made. One
 * transaction is open. Borrows `overlay`. */
int db_open_write(struct overlay *overlay, struct db **ret, struct error *err);
/* Writes all, and nothing but what it holds now (index/pages/tidy.h); the connection can only be closed then.
 */
int db_commit(struct db *db, struct error *err);
void db_close(struct db *db);
CLEANUP_DEFINE(struct db, db_close, cleanup_db)
#define CLEANUP_DB CLEANUP(cleanup_db)

struct packer *db_packer(struct db *db);
struct direct *db_direct(struct db *db); /* direct.h; NULL: no version's */
/* A page of a version, from 0, if it is here: a reference, or NULL. */
struct page_bytes *db_page(struct db *db, uint32_t page);
struct pages *db_pages(struct db *db); /* NULL: it is no version's, or being written */
void db_set_patience(struct db *db, const struct catalog_patience *patience);
const struct catalog_patience *db_patience(const struct db *db); /* lives as long as the connection */
bool db_nowait(const struct db *db);

/* The statement of a query, reset and ready to bind: prepared on first use, owned by the connection. The
 * first call checks the schema. */
int db_query(struct db *db, enum schema_query query, sqlite3_stmt **ret, struct error *err);
int db_step(struct db *db, sqlite3_stmt *stmt, struct error *err); /* 1: a row, 0: done */
/* Runs a statement that gives no row, and resets it. */
int db_run(struct db *db, sqlite3_stmt *stmt, struct error *err);
/* Runs a statement that puts a blob under a number. */
int db_put_bytes(struct db *db, enum schema_query query, int64_t id, const struct buf *bytes,
                 struct error *err);
/* Runs one that drops the rows numbered first .. last. */
int db_drop_rows(struct db *db, enum schema_query query, int64_t first, int64_t last, struct error *err);
/* The one number a query gives for at most one number bound; -ENOENT if there is no row. */
int db_number(struct db *db, enum schema_query query, int64_t bound, int64_t *ret, struct error *err);
int db_meta(struct db *db, const char *name, int64_t *ret, struct error *err); /* a missing one is damage */
int db_meta_put(struct db *db, const char *name, int64_t number, struct error *err);

void db_bind_null(sqlite3_stmt *stmt, int at);
void db_bind_number(sqlite3_stmt *stmt, int at, int64_t number);
void db_bind_text(sqlite3_stmt *stmt, int at, const char *text,
                  size_t len); /* borrowed until the next bind */
void db_bind_bytes(sqlite3_stmt *stmt, int at, const void *bytes, size_t len); /* as above */
void db_bind_value(sqlite3_stmt *stmt, int at, const struct value *value);     /* as above */

/* Columns of the current row: 0 or -EUCLEAN. Pointers are valid until the statement's next step or reset. */
int db_column_number(struct db *db, sqlite3_stmt *stmt, int at, int64_t min, int64_t *ret, struct error *err);
int db_column_text(struct db *db, sqlite3_stmt *stmt, int at, const char **ret,
                   struct error *err); /* no NUL inside */
int db_column_bytes(struct db *db, sqlite3_stmt *stmt, int at, const uint8_t **ret, size_t *ret_len,
                    struct error *err);
int db_column_value(struct db *db, sqlite3_stmt *stmt, int at, enum value_type type, struct value *ret,
                    struct error *err);
bool db_column_null(sqlite3_stmt *stmt, int at);

/* "catalog NAME is damaged: what": -EUCLEAN. And with the statement, whose current row it is. */
int db_damaged_row(struct db *db, sqlite3_stmt *stmt, struct error *err, const char *what);
int db_damaged(const struct db *db, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
