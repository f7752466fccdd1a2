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

const struct plain_layout plain_tables[PLAIN_TABLES] = {
    [PLAIN_CLIPS] = {"clips",
                     {{"key", VALUE_TEXT},
                      {"t0", VALUE_TIME},
                      {"t1", VALUE_TIME},
                      {"files", VALUE_INT},
                      {"bytes", VALUE_INT}}},
    [PLAIN_ATTRIBUTES] = {"attributes",
                          {{"key", VALUE_TEXT},
                           {"name", VALUE_TEXT},
                           {"type", VALUE_TEXT},
                           {"value", 0},
                           {"by", VALUE_TEXT},
                           {"version", VALUE_INT}}},
    [PLAIN_STREAMS] = {"streams",
                       {{"key", VALUE_TEXT},
                        {"name", VALUE_TEXT},
                        {"ext", VALUE_TEXT},
                        {"file", VALUE_TEXT},
                        {"size", VALUE_INT},
                        {"container", VALUE_TEXT},
                        {"object", VALUE_TEXT},
                        {"changed", VALUE_INT}}},
    [PLAIN_EVENTS] = {"events",
                      {{"key", VALUE_TEXT},
                       {"label", VALUE_TEXT},
                       {"start_s", VALUE_DURATION},
                       {"end_s", VALUE_DURATION},
                       {"by", VALUE_TEXT},
                       {"version", VALUE_INT}}},
};

/* A column without a type keeps each value as it was bound. */
static const char *sql_type(enum value_type type)
{
    switch (type) {
    case VALUE_BOOL:
    case VALUE_INT:
        return " INTEGER";
    case VALUE_FLOAT:
    case VALUE_DURATION:
        return " REAL";
    case VALUE_TEXT:
    case VALUE_TIME:
    case VALUE_LIST:
        return " TEXT";
    }
    return "";
}

struct plain {
    char *path, *partial; /* partial NULL: there is no such file */
    sqlite3 *sqlite;
    sqlite3_stmt *inserts[PLAIN_TABLES];
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

static int make_table(struct plain *plain, size_t table, struct error *err)
{
    CLEANUP_BUF struct buf create = BUF_INIT, insert = BUF_INIT;
    const struct plain_layout *layout = &plain_tables[table];
    buf_printf(&create, "CREATE TABLE %s(", layout->name);
    buf_printf(&insert, "INSERT INTO %s VALUES(", layout->name);
    for (const struct plain_column *column = layout->columns; column->name; column++) {
        buf_printf(&create, "%s\"%s\"%s", column == layout->columns ? "" : ", ", column->name,
                   sql_type(column->type));
        buf_text_append(&insert, column == layout->columns ? "?" : ",?");
    }
    buf_u8(&create, ')');
    buf_u8(&insert, ')');
    int rc = execute(plain, buf_text(&create), err);
    int code =
        rc ? 0 : sqlite3_prepare_v2(plain->sqlite, buf_text(&insert), -1, &plain->inserts[table], NULL);
    return code ? failed(plain, code, err) : rc;
}

/* "unix-none" takes no locks, which not every file system has: nobody else knows the file. */
static int open_partial(struct plain *plain, struct error *err)
{
    int code = sqlite3_open_v2(plain->partial, &plain->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                               "unix-none");
    if (code)
        return failed(plain, code, err);
    int rc = execute(plain, "PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE", err);
    for (size_t i = 0; !rc && i < PLAIN_TABLES; i++)
        rc = make_table(plain, i, err);
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
    for (int i = 0; !code && plain_tables[table].columns[i].name; i++)
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
    for (size_t i = 0; i < PLAIN_TABLES; i++) {
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
