// SPDX-License-Identifier: Apache-2.0
/* What is left of clips where nobody looks: keys of blocks, the dictionary of records, bytes between rows. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/pages/tidy.h"
#include "tests/catalog/unpacked.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

enum { CLIPS = 600 };
#define PHRASE "whose arm is broken and who is called Jane"

/* Every second clip is hers, and has a text that begins as no other does. */
static void make(struct versions *v)
{
    struct apply_limits limits = APPLY_LIMITS;
    struct changeset *set = changeset_new();
    limits.tail_rows = 1;
    limits.sample_groups = 16;
    versions_init(v);
    v->limits = &limits;
    set_attribute(set, "name", VALUE_TEXT, false);
    set_attribute(set, "who", VALUE_TEXT, false);
    for (int i = 0; i < CLIPS; i++) {
        char key[16], text[64];
        snprintf(key, sizeof key, "ep%03d", i);
        set_clip(set, key, i);
        snprintf(text, sizeof text, "t%03d is a text that takes some room in a block", i);
        set_value(set, "name", VALUE_TEXT, text);
        snprintf(text, sizeof text, "%s (%d)", i % 2 ? "somebody else" : PHRASE, i * 7919 % 1000);
        set_value(set, "who", VALUE_TEXT, text);
    }
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
    v->limits = NULL;
}

static void scrub_hers(struct versions *v)
{
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    CLEANUP_SCRUB_DICTIONARIES struct scrub_dictionaries *dictionaries = scrub_dictionaries_new();
    struct scrub_counts counts;
    for (int i = 0; i < CLIPS; i += 2) {
        char key[16];
        uint32_t row;
        snprintf(key, sizeof key, "ep%03d", i);
        cr_assert_eq(catalog_clip_find(v->reader, key, strlen(key), &row, &v->err), 0, "%s", v->err.text);
        rowset_add(rows, row);
    }
    versions_scrub(v, v->head, rows, NULL, dictionaries, &counts);
    cr_assert_eq(counts.clips, CLIPS / 2);
    cr_assert_eq(counts.left, CLIPS / 2);
}

static bool holds(const struct versions *v, const char *text)
{
    CLEANUP_FREE char *path = versions_path(v, v->head);
    CLEANUP_BUF struct buf all = BUF_INIT;
    unpack_all(path, &all);
    return memmem(all.data, all.len, text, strlen(text));
}

Test(scrub, no_key_of_a_block_is_of_a_value_that_is_gone)
{
    struct versions v;
    make(&v);
    scrub_hers(&v);
    for (int i = 0; i < CLIPS; i++) {
        char text[16];
        snprintf(text, sizeof text, "t%03d", i);
        cr_assert_eq(holds(&v, text), i % 2, "%s", text);
    }
    versions_done(&v);
    check_leaks();
}

Test(scrub, the_dictionary_of_records_is_made_again_without_them)
{
    struct versions v;
    make(&v);
    CLEANUP_FREE char *path = versions_path(&v, v.head);
    CLEANUP_BUF struct buf before = BUF_INIT, json = BUF_INIT;
    uint32_t row;
    unpack_all(path, &before);
    scrub_hers(&v);
    cr_assert(memmem(before.data, before.len, "called Jane", 11));
    cr_assert(!holds(&v, "called Jane") && !holds(&v, "arm is broken") && !holds(&v, "Jane"));
    cr_assert_eq(catalog_clip_find(v.reader, "ep001", 5, &row, NULL), 0);
    cr_assert_eq(catalog_json(v.reader, row, &json, &v.err), 0, "%s", v.err.text);
    cr_assert(strstr(buf_text(&json), "somebody else"), "%s", buf_text(&json));
    versions_done(&v);
    buf_done(&before);
    buf_done(&json);
    check_leaks();
}

/* ---- bytes between rows ---- */

static void sql(sqlite3 *db, const char *text)
{
    cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, NULL), 0, "%s", sqlite3_errmsg(db));
}

/* As SQLite writes it that is not told to be careful. */
static void make_careless(const char *path)
{
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(path, &db), 0);
    sql(db, "PRAGMA page_size = 8192; PRAGMA secure_delete = 0; PRAGMA journal_mode = OFF");
    sql(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, bytes BLOB); CREATE TABLE k(a TEXT PRIMARY KEY) WITHOUT "
            "ROWID");
    sql(db,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO t SELECT "
        "i, CAST(printf('secret %d %.*c', i, i * 37 % 900, 'x') AS BLOB) FROM n");
    sql(db, "INSERT INTO t VALUES(1000, CAST(printf('%.*c secret secret', 30000, 'y') AS BLOB))");
    sql(db, "INSERT INTO k SELECT printf('secret %d', id) FROM t");
    sql(db, "UPDATE t SET bytes = CAST(printf('open %d', id) AS BLOB) WHERE id % 3 = 0; DELETE FROM t WHERE "
            "id % 3 = 1");
    sql(db, "UPDATE t SET bytes = CAST(printf('open %.*c', id * 53 % 700, 'z') AS BLOB); DELETE FROM k WHERE "
            "a <> 'secret 7'");
    sql(db, "UPDATE k SET a = 'open'; INSERT INTO t VALUES(2000, CAST(printf('%.*c', 9000, 'o') AS BLOB))");
    sqlite3_close(db);
}

static bool file_holds(const char *path, const char *text)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    cr_assert_eq(file_read(path, 1 << 30, &bytes, NULL), 0);
    return memmem(bytes.data, bytes.len, text, strlen(text));
}

static int64_t ask(const char *path, const char *text)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_open(path, &db), 0);
    cr_assert_eq(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), 0, "%s", sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return number;
}

/* All pages but the leaves of the list of free ones, which are not stored. */
static struct overlay *lay_over(const char *path)
{
    struct overlay *overlay = NULL;
    uint8_t page[8192];
    FILE *file = fopen(path, "rb");
    cr_assert_eq(overlay_new(NULL, sizeof page, &overlay, NULL), 0);
    for (uint32_t i = 0; fread(page, 1, sizeof page, file) == sizeof page; i++)
        cr_assert_eq(overlay_write(overlay, i, page, NULL), 0);
    fclose(file);
    return overlay;
}

Test(scrub, a_page_that_is_tidied_holds_its_rows_and_nothing_else)
{
    struct error err = {0};
    char *folder = NULL;
    cr_assert_eq(file_make_temp_folder(NULL, "tidy", &folder, &err), 0, "%s", err.text);
    CLEANUP_FREE char *path = mem_printf("%s/careless", folder), *tidied = mem_printf("%s/tidied", folder);
    static const char sum[] =
        "SELECT (SELECT sum(length(bytes) * id) FROM t WHERE bytes NOT LIKE '%secret%') + "
        "(SELECT count(*) FROM k WHERE a = 'open')";
    make_careless(path);
    cr_assert(file_holds(path, "secret"));
    struct overlay *overlay = lay_over(path);
    cr_assert_eq(tidy_pages(overlay, &err), 0, "%s", err.text);
    cr_assert_eq(overlay_save(overlay, tidied, &(struct catalog_patience){0}, &err), 0, "%s", err.text);
    cr_assert_eq(ask(tidied, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
    cr_assert_eq(ask(tidied, sum), ask(path, sum));
    cr_assert_eq(ask(tidied, "SELECT count(*) FROM t WHERE bytes LIKE '%secret%'"), 0);
    /* what is free is stored by nobody: it is written over with what is not */
    sqlite3 *db;
    cr_assert_eq(sqlite3_open(tidied, &db), 0);
    cr_assert_gt(ask(tidied, "PRAGMA freelist_count"), 0);
    sql(db, "PRAGMA secure_delete = 1; CREATE TABLE f(b BLOB); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
            "SELECT i + 1 "
            "FROM n WHERE i < 200) INSERT INTO f SELECT zeroblob(8000) FROM n");
    sqlite3_close(db);
    cr_assert(!file_holds(tidied, "secret"));
    overlay_free(overlay);
    file_remove_tree(folder, NULL);
    free(folder);
    check_leaks();
}
