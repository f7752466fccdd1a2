// SPDX-License-Identifier: Apache-2.0
/* Catalogs in whose schema there is more, or something else, than there must be: none of it runs, in a
 * reader or in a commit. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/catalog/db.h"
#include "index/pages/overlay.h"
#include "tests/catalog/asked.h"
#include "tests/catalog/everything.h"
#include "tests/test_leaks.h"

enum { CLIPS = 60, TABLES = 33 };

static void change(const char *path, const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    cr_assert_eq(sqlite3_open(path, &db), 0);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &why), 0, "%s: %s", sql, why);
    sqlite3_close(db);
}

static int commit_to(const char *path, struct error *err)
{
    CLEANUP_OVERLAY struct overlay *file = NULL;
    CLEANUP_CHANGESET struct changeset *set = everything_labels("net-7");
    struct apply_counts counts;
    cr_assert_eq(overlay_new_plain(path, SCHEMA_PAGE_BYTES, &file, err), 0, "%s", err->text);
    struct apply_options options = {.file = file, .version = 100};
    return apply(&options, set, &counts, err);
}

Test(schema, more_than_there_must_be_is_refused_by_readers_and_commits)
{
    static const char *const more[] = {
        "CREATE TABLE more(a)",
        "CREATE VIEW more AS SELECT * FROM meta",
        "CREATE INDEX more ON object(path)",
        "CREATE TRIGGER more AFTER INSERT ON version BEGIN DELETE FROM names; END",
        "CREATE TRIGGER more BEFORE UPDATE ON meta BEGIN SELECT load_extension('/tmp/x.so'); END",
        "CREATE VIRTUAL TABLE more USING fts5(a)",
        "CREATE VIRTUAL TABLE more USING rtree(a, b, c)",
        "ALTER TABLE extra ADD COLUMN more DEFAULT 'x'",
        "ALTER TABLE extra RENAME COLUMN bytes TO data",
        "DROP TABLE extra; CREATE VIEW extra AS SELECT 1 AS id, zeroblob(1 << 30) AS bytes",
        "DROP TABLE names; CREATE TABLE names(id INTEGER PRIMARY KEY, bytes BLOB AS (zeroblob(id)) STORED)",
        "DROP TABLE late",
        "ANALYZE",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = sql || ' -- x' WHERE name = 'names'",
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = NULL WHERE name = 'names'",
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT * FROM sqlite_schema WHERE name = "
        "'names'",
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES('table', 'a', 'a', 2, 'CREATE "
        "nonsense')",
    };
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        struct versions v;
        struct asked asked = {0};
        struct error err = {0};
        everything_make(&v, CLIPS);
        char *path = versions_path(&v, v.head);
        change(path, more[i]);
        ask_path(path, 7, &asked);
        cr_assert(asked.damaged && !asked.strange.code, "%s: %s", more[i], asked.strange.text);
        cr_assert_eq(commit_to(path, &err), -EUCLEAN, "%s: %s", more[i], err.text);
        free(path);
        versions_done(&v);
    }
    check_leaks();
}

/* Each table's root in turn is another one's, none, or beyond the file. */
Test(schema, tables_that_begin_elsewhere_are_damage_or_not_read)
{
    static const char *const roots[] = {"2",   "0",    "-1",          "1", "1 << 31", "9223372036854775807",
                                        "'x'", "NULL", "rootpage + 1"};
    struct versions v;
    everything_make(&v, CLIPS);
    char *path = versions_path(&v, v.head);
    struct buf sound = BUF_INIT;
    cr_assert_eq(file_read(path, 1 << 24, &sound, &v.err), 0);
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        for (size_t t = i % 3; t < TABLES; t += 3) {
            struct asked asked = {0};
            struct error err = {0};
            cr_assert_eq(file_replace(path, sound.data, sound.len, 0600, &err), 0);
            CLEANUP_FREE char *sql = mem_printf(
                "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = %s WHERE rowid = %zu",
                roots[i], t + 1);
            change(path, sql);
            ask_path(path, 7, &asked);
            cr_assert(!asked.strange.code, "%s: %s", sql, asked.strange.text);
            int rc = commit_to(path, &err);
            cr_assert(rc == 0 || rc == -EUCLEAN, "%s: %s", sql, err.text);
        }
    buf_done(&sound);
    free(path);
    versions_done(&v);
    check_leaks();
}

static int setting(sqlite3 *sqlite, int which)
{
    int on = -1;
    cr_assert_eq(sqlite3_db_config(sqlite, which, -1, &on), 0);
    return on;
}

static void check_settings(struct db *db)
{
    struct error err = {0};
    sqlite3_stmt *stmt;
    cr_assert_eq(db_query(db, QUERY_ATTRIBUTES, &stmt, &err), 0, "%s", err.text);
    sqlite3 *sqlite = sqlite3_db_handle(stmt);
    cr_assert_eq(setting(sqlite, SQLITE_DBCONFIG_DEFENSIVE), 1);
    cr_assert_eq(setting(sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA), 0);
    cr_assert_eq(sqlite3_limit(sqlite, SQLITE_LIMIT_ATTACHED, -1), 0);
}

Test(schema, sqlite_defends_itself_and_trusts_no_schema_in_readers_and_writers)
{
    struct versions v;
    struct db *db;
    struct error err = {0};
    struct overlay *file;
    everything_make(&v, CLIPS);
    char *path = versions_path(&v, v.head);
    cr_assert_eq(db_open_path(path, "of it", &(struct catalog_patience){0}, &db, &err), 0, "%s", err.text);
    check_settings(db);
    db_close(db);
    cr_assert_eq(overlay_new_plain(path, SCHEMA_PAGE_BYTES, &file, &err), 0, "%s", err.text);
    cr_assert_eq(db_open_overlay(file, &db, &err), 0, "%s", err.text);
    check_settings(db);
    db_close(db);
    cr_assert_eq(db_open_write(file, &db, &err), 0, "%s", err.text);
    check_settings(db);
    db_close(db);
    overlay_free(file);
    free(path);
    versions_done(&v);
    check_leaks();
}
