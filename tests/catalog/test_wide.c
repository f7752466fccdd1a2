// SPDX-License-Identifier: Apache-2.0
/* Thousands of attributes, each of them missing on most clips: who names three does not pay for the rest,
 * whether he asks or commits. */
#include <sqlite3.h>
#include <stdlib.h>

#include "index/pages/btree.h"
#include "tests/catalog/everything.h"
#include "tests/pages/fixture.h"

enum { ATTRIBUTES = 2000, CLIPS = 900, EACH = 30, LABELLED = 90 };

static void name_of(int attribute, char name[16])
{
    snprintf(name, 16, "a%04d", attribute);
}

static struct changeset *wide(void)
{
    struct changeset *set = changeset_new();
    unsigned seed = 4711;
    char name[16], text[16];
    for (int i = 0; i < ATTRIBUTES; i++) {
        name_of(i, name);
        set_attribute(set, name, i % 2 ? VALUE_INT : VALUE_TEXT, false);
    }
    for (int i = 0; i < CLIPS; i++) {
        int step = ATTRIBUTES / EACH;
        snprintf(text, sizeof text, "ep%03d", i);
        set_clip(set, text, i);
        for (int k = 0; k < EACH; k++) {
            int attribute = k * step + rand_r(&seed) % step;
            snprintf(text, sizeof text, "%d", rand_r(&seed) % 1000);
            name_of(attribute, name);
            set_value(set, name, attribute % 2 ? VALUE_INT : VALUE_TEXT, text);
        }
    }
    return set;
}

static struct changeset *three(void)
{
    static const char *const names[] = {"a0101", "a0777", "a1501"};
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    for (int i = 0; i < 3; i++)
        set_attribute(set, names[i], VALUE_INT, false);
    for (int i = 0; i < LABELLED; i++) {
        char key[16], text[16];
        snprintf(key, sizeof key, "ep%03d", i * (CLIPS / LABELLED));
        snprintf(text, sizeof text, "%d", 2000 + i);
        set_labels(set, key, (uint64_t)i + 1);
        set_value(set, names[i % 3], VALUE_INT, text);
    }
    return set;
}

/* ---- which pages ---- */

/* The tables whose rows are of one attribute each, and which: in SQL. */
static const struct {
    const char *name, *attribute;
} tables[] = {
    {"dict", "id & 0xfffff"},
    {"block", "id >> 20 & 0xfffff"},
    {"members", "id >> 20 & 0xfffff"},
    {"posting", "id >> 25 & 0xfffff"},
    {"codes", "id >> 24"},
    {"part", "id >> 16"},
    {"run", "id >> 26 & 0xffff"},
    {"late", "id >> 32"},
    {"state", "attribute"},
    {"shards", "attribute"},
    {"list", "part >> 32"},
};
enum { TABLES = sizeof tables / sizeof *tables };

static sqlite3 *open_two(const struct versions *v)
{
    sqlite3 *db;
    CLEANUP_FREE char *now = versions_path(v, v->head), *old = versions_path(v, v->head - 1);
    CLEANUP_FREE char *attach = mem_printf("ATTACH '%s' AS old", old);
    cr_assert_eq(sqlite3_open_v2(now, &db, SQLITE_OPEN_READONLY, NULL), 0);
    cr_assert_eq(sqlite3_exec(db, attach, NULL, NULL, NULL), 0, "%s", sqlite3_errmsg(db));
    return db;
}

static int number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), 0, "%s: %s", sql, sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "%s: %s", sql, sqlite3_errmsg(db));
    int number = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return number;
}

/* Pages of the newest file that are others than their parent's, by table: NULL: of any. */
static int dirty(const struct versions *v, sqlite3 *db, const char *table)
{
    CLEANUP_BUF struct buf now = BUF_INIT, old = BUF_INIT;
    CLEANUP_FREE char *path = versions_path(v, v->head), *before = versions_path(v, v->head - 1);
    sqlite3_stmt *stmt;
    int count = 0;
    cr_assert_eq(file_read(path, 1 << 26, &now, NULL), 0);
    cr_assert_eq(file_read(before, 1 << 26, &old, NULL), 0);
    cr_assert_eq(
        sqlite3_prepare_v2(db, "SELECT pageno FROM dbstat WHERE name = ? OR ? IS NULL", -1, &stmt, NULL), 0,
        "%s", sqlite3_errmsg(db));
    sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, table, -1, SQLITE_STATIC);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        size_t at = (size_t)(sqlite3_column_int(stmt, 0) - 1) * SCHEMA_PAGE_BYTES;
        count +=
            at + SCHEMA_PAGE_BYTES > old.len || memcmp(now.data + at, old.data + at, SCHEMA_PAGE_BYTES) != 0;
    }
    sqlite3_finalize(stmt);
    return count;
}

/* Rows of attributes that were not named are what they were. */
static void check_others(sqlite3 *db, const char *others)
{
    for (size_t i = 0; i < TABLES; i++) {
        CLEANUP_FREE char *sql = mem_printf(
            "WITH mine(id) AS (%s) "
            "SELECT count(*) FROM (SELECT *, %s AS a FROM (SELECT * FROM %s EXCEPT SELECT * FROM old.%s "
            "UNION ALL SELECT * FROM (SELECT * FROM old.%s EXCEPT SELECT * FROM %s))) WHERE a NOT IN mine",
            others, tables[i].attribute, tables[i].name, tables[i].name, tables[i].name, tables[i].name);
        cr_assert_eq(number(db, sql), 0, "%s", tables[i].name);
    }
}

static const char *const mine = "SELECT id FROM attribute WHERE name IN ('a0101', 'a0777', 'a1501')";

Test(wide, a_commit_that_names_three_attributes_touches_no_page_of_the_others)
{
    static const char *const still[] = {"dict",   "block",     "members", "posting", "codes",   "part",
                                        "late",   "shards",    "forward", "names",   "sizes",   "ident",
                                        "stream", "attribute", "hash",    "list",    "template"};
    struct versions v;
    struct apply_limits limits = APPLY_LIMITS;
    versions_init(&v);
    limits.tail_rows = CLIPS;
    v.limits = &limits;
    cr_assert_eq(versions_apply(&v, wide()), 0, "%s", v.err.text);
    cr_assert_eq(versions_apply(&v, three()), 0, "%s", v.err.text);
    sqlite3 *db = open_two(&v);
    cr_assert_gt(number(db, "SELECT count(*) FROM dict"), ATTRIBUTES / 2);
    for (size_t i = 0; i < sizeof still / sizeof *still; i++)
        cr_assert_eq(dirty(&v, db, still[i]), 0, "%s", still[i]);
    check_others(db, mine);
    cr_assert_leq(dirty(&v, db, "state"), 4);
    cr_assert_leq(dirty(&v, db, NULL), 20, "%d pages", dirty(&v, db, NULL));
    sqlite3_close(db);
    limits.patched_rows = 5; /* what was patched goes into the shards */
    cr_assert_eq(versions_apply(&v, three()), 0, "%s", v.err.text);
    db = open_two(&v);
    check_others(db, mine);
    cr_assert_gt(dirty(&v, db, "late"), 0, "they are folded");
    cr_assert_leq(dirty(&v, db, NULL), 60, "%d pages", dirty(&v, db, NULL));
    sqlite3_close(db);
    versions_done(&v);
    check_leaks();
}

/* ---- what a mount fetches ---- */

static bool is_hot(const struct hot_pages *hot, uint32_t page)
{
    for (size_t i = 0; i < hot->count; i++)
        if (hot->list[i] == page)
            return true;
    return false;
}

/* Leaves of a table that are hot: of all (*ret_all). */
static int hot_leaves(sqlite3 *db, const struct hot_pages *hot, const char *table, int *ret_all)
{
    sqlite3_stmt *stmt;
    int count = 0;
    *ret_all = 0;
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'", -1,
                                    &stmt, NULL),
                 0);
    sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
    for (; sqlite3_step(stmt) == SQLITE_ROW; ++*ret_all)
        count += is_hot(hot, (uint32_t)sqlite3_column_int(stmt, 0) - 1);
    sqlite3_finalize(stmt);
    return count;
}

Test(wide, of_thousands_of_attributes_what_tells_the_rows_of_the_first_is_hot_and_the_rest_is_not)
{
    static const char *const by_attribute[] = {"dict", "block"};
    struct versions v;
    struct hot_pages hot;
    struct apply_limits limits = APPLY_LIMITS;
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    versions_init(&v);
    limits.tail_rows = CLIPS;
    v.limits = &limits;
    cr_assert_eq(versions_apply(&v, wide()), 0, "%s", v.err.text);
    CLEANUP_FREE char *path = versions_path(&v, v.head);
    sqlite3 *db;
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), 0);
    cr_assert_eq(overlay_new_plain(path, SCHEMA_PAGE_BYTES, &overlay, &v.err), 0, "%s", v.err.text);
    cr_assert_eq(hot_pages_find(overlay, &hot, &v.err), 0, "%s", v.err.text);
    for (size_t i = 0; i < 2; i++) {
        int all, some = hot_leaves(db, &hot, by_attribute[i], &all);
        cr_assert(all > 12 && some > 0 && some <= all / 4, "%s: %d of %d", by_attribute[i], some, all);
    }
    hot_pages_done(&hot);
    sqlite3_close(db);
    versions_done(&v);
}

/* ---- what a question reads ---- */

/* Pages of a table that were verified, which is how SQLite gets them. */
static int brought(sqlite3 *db, struct pages *pages, const char *table)
{
    sqlite3_stmt *stmt;
    int count = 0;
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT pageno FROM dbstat WHERE name = ?", -1, &stmt, NULL), 0);
    sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        struct piece piece = {0};
        struct map_place place;
        cr_assert_eq(pages_place(pages, (uint32_t)sqlite3_column_int(stmt, 0) - 1, &place, NULL), 0);
        memcpy(piece.hash, place.hash, MAP_HASH_BYTES);
        count += page_store_here(paged.store, &piece);
    }
    sqlite3_finalize(stmt);
    return count;
}

static void select_one(struct catalog_reader *reader, const char *name)
{
    struct error err = {0};
    struct catalog_attribute attribute;
    struct rowset *rows;
    struct value low = {.type = VALUE_INT, .integer = 100};
    cr_assert_eq(catalog_attribute_find(reader, name, strlen(name), &attribute, &err), 0, "%s", err.text);
    struct catalog_literal literal = {.attribute = attribute.id,
                                      .op = CATALOG_RANGE,
                                      .values = (struct value[]){low, low},
                                      .count = 1,
                                      .open_high = true};
    cr_assert_eq(catalog_select(reader, &literal, &rows, &err), 0, "%s", err.text);
    cr_assert_gt(rowset_count(rows), 0);
    rowset_unref(rows);
}

CHECKED_TEST(wide, a_question_about_one_attribute_reads_no_rows_of_the_others, fixture_made, fixture_removed)
{
    struct versions v;
    struct apply_limits limits = APPLY_LIMITS;
    struct catalog_reader *reader;
    struct pages *pages = NULL;
    struct error err = {0};
    versions_init(&v);
    limits.tail_rows = CLIPS;
    v.limits = &limits;
    cr_assert_eq(versions_apply(&v, wide()), 0, "%s", v.err.text);
    cr_assert_eq(versions_apply(&v, three()), 0, "%s", v.err.text);
    sqlite3 *db = open_two(&v);
    CLEANUP_FREE char *path = versions_path(&v, v.head);
    cr_assert_eq(paged_open(&paged, path, "of v2", &pages, &err), 0, "%s", err.text);
    struct catalog *catalog = catalog_open_pages(pages);
    cr_assert_eq(catalog_reader_acquire(catalog, &(struct catalog_patience){0}, &reader, &err), 0, "%s",
                 err.text);
    select_one(reader, "a0777");
    for (size_t i = 0; i < TABLES; i++) {
        CLEANUP_FREE char *sql = mem_printf("SELECT count(*) FROM dbstat WHERE name = '%s'", tables[i].name);
        int all = number(db, sql), got = brought(db, pages, tables[i].name);
        if (strcmp(tables[i].name, "state") != 0) /* in which attributes have runs: small, and read whole */
            cr_assert_leq(got, 3, "%s: %d of %d pages", tables[i].name, got, all);
    }
    cr_assert_gt(brought(db, pages, "dict"), 0, "what is asked for is read");
    cr_assert_eq(brought(db, pages, "forward") + brought(db, pages, "names"), 0);
    catalog_reader_release(reader);
    catalog_unref(catalog);
    pages_unref(pages);
    sqlite3_close(db);
    versions_done(&v);
}
