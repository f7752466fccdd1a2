// SPDX-License-Identifier: Apache-2.0
/* One transaction without a journal: the file is private until it has its name, and thrown away on failure.
 */
#include "index/catalog/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/buf.h"

/* `value` has no type of its own: SQLite keeps each as it was bound. */
static const struct {
    const char *create, *insert;
    int columns;
} tables[] = {
    [PLAIN_CLIPS] = {"CREATE TABLE clips(key TEXT, t0 TEXT, t1 TEXT, files INTEGER, bytes INTEGER)",
                     "INSERT INTO clips VALUES(?,?,?,?,?)", 5},
    [PLAIN_ATTRIBUTES] = {"CREATE TABLE attributes(key TEXT, name TEXT, type TEXT, value, \"by\" TEXT, "
                          "version INTEGER)",
                          "INSERT INTO attributes VALUES(?,?,?,?,?,?)", 6},
    [PLAIN_STREAMS] = {"CREATE TABLE streams(key TEXT, name TEXT, ext TEXT, file TEXT, size INTEGER, "
                       "container TEXT, object TEXT, changed INTEGER)",
                       "INSERT INTO streams VALUES(?,?,?,?,?,?,?,?)", 8},
    [PLAIN_EVENTS] = {"CREATE TABLE events(key TEXT, label TEXT, start_s REAL, end_s REAL, \"by\" TEXT, "
                      "version INTEGER)",
                      "INSERT INTO events VALUES(?,?,?,?,?,?)", 6},
};
enum { TABLES = sizeof tables / sizeof *tables };

struct plain {
    char *path, *partial; /* partial NULL: there is no such file */
    sqlite3 *sqlite;
    sqlite3_stmt *inserts[TABLES];
};

static int failed(const struct plain *plain, int code, struct error *err)
{
    int number = 0;
    switch (code & 0xff) {
    case SQLITE_FULL:
        number = ENOSPC;
        break;
    case SQLITE_NOMEM:
        number = ENOMEM;
        break;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        number = sqlite3_system_errno(plain->sqlite);
        break;
    default:
        break;
    }
    return number ? error_set(err, number, "%s: %s", plain->path, strerror(number))
                  : error_set(err, EIO, "%s: %s", plain->path, sqlite3_errmsg(plain->sqlite));
}

static int execute(struct plain *plain, const char *sql, struct error *err)
{
    int code = sqlite3_exec(plain->sqlite, sql, NULL, NULL, NULL);
    return code ? failed(plain, code, err) : 0;
}

/* ---- beginning ---- */

/* Made here, so that the system says what is wrong with the path. */
static int make_partial(struct plain *plain, struct error *err)
{
    struct stat found;
    if (!lstat(plain->path, &found))
        return error_set(err, EEXIST, "%s: %s", plain->path, strerror(EEXIST));
    CLEANUP_FREE char *partial = mem_printf("%s.%ld.partial", plain->path, (long)getpid());
    CLEANUP_CLOSE int fd = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_set(err, errno, "%s: %s", partial, strerror(errno));
    plain->partial = STEAL(partial);
    return 0;
}

/* "unix-none" takes no locks, which not every file system has: nobody else knows the file. */
static int open_partial(struct plain *plain, struct error *err)
{
    int code = sqlite3_open_v2(plain->partial, &plain->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                               "unix-none");
    if (code)
        return failed(plain, code, err);
    int rc = execute(plain, "PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE", err);
    for (size_t i = 0; !rc && i < TABLES; i++) {
        rc = execute(plain, tables[i].create, err);
        code = rc ? 0 : sqlite3_prepare_v2(plain->sqlite, tables[i].insert, -1, &plain->inserts[i], NULL);
        if (code)
            rc = failed(plain, code, err);
    }
    return rc;
}

int plain_new(const char *path, struct plain **ret, struct error *err)
{
    CLEANUP_PLAIN struct plain *plain = MEM_NEW(struct plain);
    *plain = (struct plain){.path = mem_text(path)};
    int rc = make_partial(plain, err);
    if (!rc)
        rc = open_partial(plain, err);
    if (!rc)
        *ret = STEAL(plain);
    return rc;
}

/* ---- rows ---- */

static int bind_printed(sqlite3_stmt *stmt, int at, const struct value *value,
                        void (*print)(struct buf *buf, const struct value *value))
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    print(&text, value);
    return sqlite3_bind_text64(stmt, at, buf_text(&text), text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static int bind(sqlite3_stmt *stmt, int at, const struct value *value)
{
    switch (value->type) {
    case VALUE_BOOL:
        return sqlite3_bind_int64(stmt, at, value->boolean);
    case VALUE_INT:
        return sqlite3_bind_int64(stmt, at, value->integer);
    case VALUE_FLOAT:
        return sqlite3_bind_double(stmt, at, value->real);
    case VALUE_TEXT: /* stays until the row is in */
        return sqlite3_bind_text64(stmt, at, value->len ? value->text : "", value->len, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case VALUE_TIME:
        return bind_printed(stmt, at, value, value_print);
    case VALUE_DURATION:
        return sqlite3_bind_double(stmt, at, (double)value->integer / 1e9);
    case VALUE_LIST:
        return bind_printed(stmt, at, value, value_print_json);
    }
    return sqlite3_bind_null(stmt, at);
}

int plain_add(struct plain *plain, enum plain_table table, const struct value *cells, struct error *err)
{
    sqlite3_stmt *stmt = plain->inserts[table];
    int code = 0;
    for (int i = 0; !code && i < tables[table].columns; i++)
        code = bind(stmt, i + 1, &cells[i]);
    if (!code)
        code = sqlite3_step(stmt);
    int rc = code == SQLITE_DONE ? 0 : failed(plain, code, err);
    sqlite3_reset(stmt);
    return rc;
}

/* ---- the end ---- */

static int close_partial(struct plain *plain)
{
    for (size_t i = 0; i < TABLES; i++) {
        sqlite3_finalize(plain->inserts[i]);
        plain->inserts[i] = NULL;
    }
    int code = sqlite3_close(plain->sqlite);
    plain->sqlite = NULL;
    return code;
}

/* A hard link fails if the name is taken. Where a file system has none, renameat2() can do the same. */
static int take_name(struct plain *plain, struct error *err)
{
    if (!link(plain->partial, plain->path))
        return 0; /* the other name goes with plain_free() */
    if (errno != EEXIST && !renameat2(AT_FDCWD, plain->partial, AT_FDCWD, plain->path, RENAME_NOREPLACE))
        return 0;
    return error_set(err, errno, "%s: %s", plain->path, strerror(errno));
}

int plain_finish(struct plain *plain, struct error *err)
{
    int rc = execute(plain, "COMMIT", err);
    if (!rc && close_partial(plain))
        rc = error_set(err, EIO, "%s: cannot be closed", plain->path);
    return rc ? rc : take_name(plain, err);
}

void plain_free(struct plain *plain)
{
    if (!plain)
        return;
    close_partial(plain);
    if (plain->partial)
        unlink(plain->partial);
    free(plain->partial);
    free(plain->path);
    free(plain);
}
