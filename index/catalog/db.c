// SPDX-License-Identifier: Apache-2.0
/*
 * A catalog comes from a store, so the file is not trusted: its stored schema must be the text we know (no
 * view or trigger of somebody else's runs), each column must have the type it has by schema, and no statement
 * runs longer than its reader's patience.
 */
#include "index/catalog/db.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/direct.h"
#include "index/catalog/vfs.h"
#include "index/pages/tidy.h"

struct db {
    sqlite3 *sqlite;
    char *name;
    struct packer *packer;
    struct vfs_file file; /* its patience also governs a plain file */
    bool writable;
    bool checked; /* the schema is what it must be */
    struct direct direct;
    sqlite3_stmt *queries[QUERY_COUNT];
};

int db_damaged(const struct db *db, struct error *err, const char *format, ...)
{
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return error_set(err, EUCLEAN, "catalog %s is damaged: %s", db->name, what);
}

/* What SQLite's result code means here. */
static int failed(struct db *db, int code, struct error *err)
{
    switch (code & 0xff) {
    case SQLITE_INTERRUPT: {
        int rc = patience_check(&db->file.patience, err);
        return rc ? rc : error_set(err, ECANCELED, "cancelled");
    }
    case SQLITE_IOERR:
        if (db->file.failed.code && code != SQLITE_IOERR_SHORT_READ) {
            int rc = error_copy(err, &db->file.failed);
            bool named =
                strstr(db->file.failed.text, db->name); /* who fetches it may have said which it is */
            return named ? rc : error_within(err, rc, "catalog %s", db->name);
        }
        return db->file.pages || db->file.overlay || code == SQLITE_IOERR_SHORT_READ
                   ? db_damaged(db, err, "it ends too early")
                   : error_set(err, EIO, "catalog %s: %s", db->name, sqlite3_errmsg(db->sqlite));
    case SQLITE_NOMEM:
        return error_set(err, ENOMEM, "catalog %s: out of memory", db->name);
    case SQLITE_FULL:
        return error_set(err, ENOSPC, "catalog %s: no space left on the device", db->name);
    case SQLITE_CANTOPEN:
        return error_set(err, sqlite3_system_errno(db->sqlite) ? sqlite3_system_errno(db->sqlite) : EIO,
                         "catalog %s: cannot be opened", db->name);
    case SQLITE_CONSTRAINT:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* a table is missing, or its text makes no sense */
    case SQLITE_FORMAT:
    case SQLITE_TOOBIG:
        return db_damaged(db, err, "%s", sqlite3_errmsg(db->sqlite));
    default:
        return error_set(err, EIO, "catalog %s: %s", db->name, sqlite3_errmsg(db->sqlite));
    }
}

static int look(void *ctx)
{
    struct db *db = ctx;
    return patience_check(&db->file.patience, NULL) != 0;
}

static int execute(struct db *db, const char *sql, struct error *err)
{
    int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
    return code ? failed(db, code, err) : 0;
}

static int open_sqlite(struct db *db, const char *uri, int flags, const char *vfs, struct error *err)
{
    enum { STEPS_BETWEEN_LOOKS = 20000, TEXTS_MAX = 600 << 20 };
    int code = sqlite3_open_v2(uri, &db->sqlite, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, vfs);
    if (code)
        return failed(db, code, err);
    sqlite3_extended_result_codes(db->sqlite, 1);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(db->sqlite, SQLITE_LIMIT_LENGTH, TEXTS_MAX);
    sqlite3_limit(db->sqlite, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_progress_handler(db->sqlite, STEPS_BETWEEN_LOOKS, look, db);
    return execute(db, "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192", err);
}

static struct db *db_new(const char *name)
{
    struct db *db = MEM_NEW(struct db);
    db->name = mem_text(name);
    db->packer = packer_new();
    return db;
}

int db_open_path(const char *path, const char *name, const struct catalog_patience *patience, struct db **ret,
                 struct error *err)
{
    CLEANUP_DB struct db *db = db_new(name);
    db_set_patience(db, patience);
    CLEANUP_BUF struct buf uri = BUF_INIT;
    buf_text_append(&uri, "file:");
    for (const char *at = path; *at; at++)
        if (strchr("%?#", *at))
            buf_printf(&uri, "%%%02X", (unsigned char)*at);
        else
            buf_u8(&uri, (uint8_t)*at);
    buf_text_append(&uri, "?immutable=1");
    int rc = open_sqlite(db, buf_text(&uri), SQLITE_OPEN_READONLY, NULL, err);
    if (!rc)
        *ret = STEAL(db);
    return rc;
}

static int open_vfs(struct db *db, int flags, struct error *err)
{
    CLEANUP_BUF struct buf uri = BUF_INIT;
    vfs_uri(&db->file, &uri);
    int rc = vfs_register(err);
    return rc < 0 ? rc : open_sqlite(db, buf_text(&uri), flags, vfs_name(), err);
}

int db_open_pages(struct pages *pages, const char *name, const struct catalog_patience *patience,
                  struct db **ret, struct error *err)
{
    CLEANUP_DB struct db *db = db_new(name);
    db_set_patience(db, patience);
    db->file.pages = pages;
    int rc = open_vfs(db, SQLITE_OPEN_READONLY, err);
    if (!rc) /* any size: SQLite then asks the VFS for pages in place */
        rc = execute(db, "PRAGMA mmap_size = 1", err);
    if (!rc)
        *ret = STEAL(db);
    return rc;
}

int db_open_overlay(struct overlay *overlay, struct db **ret, struct error *err)
{
    CLEANUP_DB struct db *db = db_new(overlay_name(overlay));
    db->file.overlay = overlay;
    int rc = open_vfs(db, SQLITE_OPEN_READONLY, err);
    if (!rc)
        *ret = STEAL(db);
    return rc;
}

static int make_schema(struct db *db, struct error *err)
{
    char pragmas[200];
    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             SCHEMA_APPLICATION_ID, SCHEMA_FORMAT);
    int rc = execute(db, pragmas, err);
    for (size_t i = 0; !rc && schema_tables[i]; i++)
        rc = execute(db, schema_tables[i], err);
    return rc;
}

/* The pages are private and thrown away on failure: a journal would only double the writing. SQLite refuses
 * to go without one as long as it defends itself. What is deleted becomes zeros, or what a page held before
 * would be stored with it, again and again. */
static int begin_write(struct db *db, struct error *err)
{
    char pragmas[300];
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    snprintf(pragmas, sizeof pragmas,
             "PRAGMA page_size = %d; PRAGMA auto_vacuum = 0; PRAGMA encoding = 'UTF-8'; PRAGMA journal_mode "
             "= OFF; "
             "PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA secure_delete = FAST; "
             "PRAGMA cache_size = -262144; BEGIN EXCLUSIVE",
             SCHEMA_PAGE_BYTES);
    int rc = execute(db, pragmas, err);
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return rc;
}

int db_open_write(struct overlay *overlay, struct db **ret, struct error *err)
{
    CLEANUP_DB struct db *db = db_new(overlay_name(overlay));
    bool make = !overlay_pages(overlay);
    db->writable = true;
    db->file.overlay = overlay;
    int rc = open_vfs(db, SQLITE_OPEN_READWRITE, err);
    if (!rc)
        rc = begin_write(db, err);
    if (!rc && make)
        rc = make_schema(db, err);
    if (!rc)
        *ret = STEAL(db);
    return rc;
}

int db_commit(struct db *db, struct error *err)
{
    int rc = execute(db, "COMMIT", err);
    return rc ? rc : tidy_pages(db->file.overlay, err);
}

void db_close(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < QUERY_COUNT; i++)
        sqlite3_finalize(db->queries[i]);
    direct_done(&db->direct);
    sqlite3_close(db->sqlite);
    packer_free(db->packer);
    free(db->name);
    free(db);
}

struct direct *db_direct(struct db *db)
{
    return db->file.pages ? &db->direct : NULL;
}

struct page_bytes *db_page(struct db *db, uint32_t page)
{
    return vfs_page(&db->file, page);
}

struct pages *db_pages(struct db *db)
{
    return db->file.pages;
}

struct packer *db_packer(struct db *db)
{
    return db->packer;
}

void db_set_patience(struct db *db, const struct catalog_patience *patience)
{
    db->file.patience = *patience;
    db->file.failed.code = 0;
}

const struct catalog_patience *db_patience(const struct db *db)
{
    return &db->file.patience;
}

bool db_nowait(const struct db *db)
{
    return db->file.patience.nowait;
}

/* ---- statements ---- */

/* Automatic indices have no text. */
static int check_schema(struct db *db, sqlite3_stmt *stmt, struct error *err)
{
    size_t known = 0;
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(stmt, 0);
        if (!sql)
            continue;
        if (!schema_tables[known] || strcmp(sql, schema_tables[known]) != 0)
            return db_damaged(db, err, "its tables are not those of format %d", SCHEMA_FORMAT);
        known++;
    }
    if (code != SQLITE_DONE)
        return failed(db, code, err);
    return schema_tables[known] ? db_damaged(db, err, "tables are missing") : 0;
}

static int check_once(struct db *db, struct error *err)
{
    if (db->checked)
        return 0;
    sqlite3_stmt *stmt = NULL;
    int code =
        sqlite3_prepare_v2(db->sqlite, "SELECT sql FROM sqlite_schema ORDER BY rowid", -1, &stmt, NULL);
    int rc = code ? failed(db, code, err) : check_schema(db, stmt, err);
    sqlite3_finalize(stmt);
    db->checked = !rc;
    return rc;
}

int db_query(struct db *db, enum schema_query query, sqlite3_stmt **ret, struct error *err)
{
    sqlite3_stmt **stmt = &db->queries[query];
    if (!*stmt) {
        int rc = check_once(db, err);
        if (rc)
            return rc;
        int code =
            sqlite3_prepare_v3(db->sqlite, schema_queries[query], -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
        if (code)
            return failed(db, code, err);
    }
    sqlite3_reset(*stmt);
    *ret = *stmt;
    return 0;
}

int db_step(struct db *db, sqlite3_stmt *stmt, struct error *err)
{
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        return 1;
    if (code == SQLITE_DONE)
        return 0;
    int rc = failed(db, code, err);
    sqlite3_reset(stmt);
    return rc;
}

int db_run(struct db *db, sqlite3_stmt *stmt, struct error *err)
{
    int rc = db_step(db, stmt, err);
    assert(rc <= 0);
    sqlite3_reset(stmt);
    return rc;
}

int db_put_bytes(struct db *db, enum schema_query query, int64_t id, const struct buf *bytes,
                 struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, query, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, id);
    db_bind_bytes(stmt, 2, bytes->data, bytes->len);
    return db_run(db, stmt, err);
}

int db_drop_rows(struct db *db, enum schema_query query, int64_t first, int64_t last, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, query, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, first);
    db_bind_number(stmt, 2, last);
    return db_run(db, stmt, err);
}

static int single_number(struct db *db, sqlite3_stmt *stmt, int64_t *ret, struct error *err)
{
    int rc = db_step(db, stmt, err);
    if (rc == 1)
        rc = db_column_number(db, stmt, 0, INT64_MIN, ret, err);
    else if (!rc)
        rc = -ENOENT;
    sqlite3_reset(stmt);
    return rc;
}

int db_number(struct db *db, enum schema_query query, int64_t bound, int64_t *ret, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, query, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, bound);
    rc = single_number(db, stmt, ret, err);
    return rc == -ENOENT ? error_set(err, ENOENT, "catalog %s has no such row", db->name) : rc;
}

int db_meta(struct db *db, const char *name, int64_t *ret, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_META, &stmt, err);
    if (rc)
        return rc;
    db_bind_text(stmt, 1, name, strlen(name));
    rc = single_number(db, stmt, ret, err);
    if (rc == -ENOENT || (!rc && *ret < 0))
        return db_damaged(db, err, "the number '%s' is missing or negative", name);
    return rc;
}

int db_meta_put(struct db *db, const char *name, int64_t number, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_META_PUT, &stmt, err);
    if (rc)
        return rc;
    db_bind_text(stmt, 1, name, strlen(name));
    db_bind_number(stmt, 2, number);
    return db_run(db, stmt, err);
}

void db_bind_null(sqlite3_stmt *stmt, int at)
{
    sqlite3_bind_null(stmt, at);
}

void db_bind_number(sqlite3_stmt *stmt, int at, int64_t number)
{
    sqlite3_bind_int64(stmt, at, number);
}

void db_bind_text(sqlite3_stmt *stmt, int at, const char *text, size_t len)
{
    sqlite3_bind_text64(stmt, at, text ? text : "", len, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_bytes(sqlite3_stmt *stmt, int at, const void *bytes, size_t len)
{
    sqlite3_bind_blob64(stmt, at, bytes ? bytes : "", len, SQLITE_STATIC);
}

void db_bind_value(sqlite3_stmt *stmt, int at, const struct value *value)
{
    switch (value->type) {
    case VALUE_BOOL:
        db_bind_number(stmt, at, value->boolean);
        break;
    case VALUE_FLOAT:
        sqlite3_bind_double(stmt, at, value->real);
        break;
    case VALUE_TEXT:
        db_bind_text(stmt, at, value->text, value->len);
        break;
    case VALUE_INT:
    case VALUE_TIME:
    case VALUE_DURATION:
        db_bind_number(stmt, at, value->integer);
        break;
    case VALUE_LIST: /* in no dictionary */
        db_bind_null(stmt, at);
        break;
    }
}

/* ---- columns ---- */

bool db_column_null(sqlite3_stmt *stmt, int at)
{
    return sqlite3_column_type(stmt, at) == SQLITE_NULL;
}

/* What is bound tells the row; of a statement that gives many, its first column does. */
int db_damaged_row(struct db *db, sqlite3_stmt *stmt, struct error *err, const char *what)
{
    char *sql = sqlite3_expanded_sql(stmt);
    const char *text = sql ? sql : sqlite3_sql(stmt);
    int rc = sqlite3_bind_parameter_count(stmt) || sqlite3_column_type(stmt, 0) != SQLITE_INTEGER
                 ? db_damaged(db, err, "%s in \"%s\"", what, text)
                 : db_damaged(db, err, "%s where %s = %lld in \"%s\"", what, sqlite3_column_name(stmt, 0),
                              sqlite3_column_int64(stmt, 0), text);
    sqlite3_free(sql);
    return rc;
}

static int bad_column(struct db *db, sqlite3_stmt *stmt, int at, const char *what, struct error *err)
{
    char text[80];
    snprintf(text, sizeof text, "%s %s", sqlite3_column_name(stmt, at), what);
    return db_damaged_row(db, stmt, err, text);
}

static int wrong_type(struct db *db, sqlite3_stmt *stmt, int at, struct error *err)
{
    return bad_column(db, stmt, at, "has a wrong type", err);
}

int db_column_number(struct db *db, sqlite3_stmt *stmt, int at, int64_t min, int64_t *ret, struct error *err)
{
    if (sqlite3_column_type(stmt, at) != SQLITE_INTEGER)
        return wrong_type(db, stmt, at, err);
    int64_t number = sqlite3_column_int64(stmt, at);
    if (number < min)
        return bad_column(db, stmt, at, "is below zero", err);
    *ret = number;
    return 0;
}

int db_column_text(struct db *db, sqlite3_stmt *stmt, int at, const char **ret, struct error *err)
{
    if (sqlite3_column_type(stmt, at) != SQLITE_TEXT)
        return wrong_type(db, stmt, at, err);
    const char *text = (const char *)sqlite3_column_text(stmt, at);
    if (!text)
        return error_set(err, ENOMEM, "out of memory");
    if (strlen(text) != (size_t)sqlite3_column_bytes(stmt, at))
        return bad_column(db, stmt, at, "holds a NUL byte", err);
    *ret = text;
    return 0;
}

int db_column_bytes(struct db *db, sqlite3_stmt *stmt, int at, const uint8_t **ret, size_t *ret_len,
                    struct error *err)
{
    if (sqlite3_column_type(stmt, at) != SQLITE_BLOB)
        return wrong_type(db, stmt, at, err);
    const void *bytes = sqlite3_column_blob(stmt, at);
    *ret_len = (size_t)sqlite3_column_bytes(stmt, at);
    *ret = bytes ? bytes
                 : (const void *)""; /* an empty blob has no pointer, and neither has one without memory */
    if (!bytes && *ret_len)
        return error_set(err, ENOMEM, "out of memory");
    return 0;
}

/* An integer stands for a float where the attribute was an integer before it was widened. */
static bool column_value(sqlite3_stmt *stmt, int at, struct value *value)
{
    int stored = sqlite3_column_type(stmt, at);
    switch (value->type) {
    case VALUE_FLOAT:
        value->real = sqlite3_column_double(stmt, at);
        return stored == SQLITE_FLOAT || stored == SQLITE_INTEGER;
    case VALUE_TEXT:
        value->text = stored == SQLITE_TEXT ? (const char *)sqlite3_column_text(stmt, at) : NULL;
        value->len = (size_t)sqlite3_column_bytes(stmt, at);
        return value->text;
    case VALUE_BOOL:
        value->boolean = sqlite3_column_int64(stmt, at) == 1;
        return stored == SQLITE_INTEGER && (sqlite3_column_int64(stmt, at) | 1) == 1;
    case VALUE_INT:
    case VALUE_TIME:
    case VALUE_DURATION:
        break;
    case VALUE_LIST:
        return false;
    }
    value->integer = sqlite3_column_int64(stmt, at);
    return stored == SQLITE_INTEGER;
}

int db_column_value(struct db *db, sqlite3_stmt *stmt, int at, enum value_type type, struct value *ret,
                    struct error *err)
{
    struct value value = {.type = type};
    if (!column_value(stmt, at, &value) || value_check(&value, NULL))
        return wrong_type(db, stmt, at, err);
    *ret = value;
    return 0;
}
