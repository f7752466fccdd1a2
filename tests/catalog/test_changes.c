// SPDX-License-Identifier: Apache-2.0
/* Which clips have changed since a version. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

/* Rows 0 to 3 are "a" to "d". */
static void give(struct changeset *set, const char *key, const char *grade, const char *const *streams)
{
    set_clip(set, key, key[0]);
    if (grade)
        set_value(set, "grade", VALUE_TEXT, grade);
    for (; *streams; streams++)
        set_stream(set, *streams, "a.mp4", 100, 100);
}

static const char *const two[] = {"front", "wrist", NULL}, *const one[] = {"front", NULL},
                         *const other[] = {"wrist", NULL}, *const three[] = {"front", "side", "wrist", NULL};

static struct changeset *begin(void)
{
    struct changeset *set = changeset_new();
    set_attribute(set, "grade", VALUE_TEXT, false);
    return set;
}

static void make_four(struct versions *v)
{
    static const char *const keys[] = {"a", "b", "c", "d"};
    struct changeset *set = begin();
    versions_init(v);
    for (int i = 0; i < 4; i++)
        give(set, keys[i], "good", two);
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

static void expect(struct versions *v, uint32_t since, bool labels_only, const char *rows)
{
    CLEANUP_ROWSET struct rowset *set = NULL;
    CLEANUP_BUF struct buf text = BUF_INIT;
    uint32_t row;
    cr_assert_eq(catalog_changed_since(v->reader, since, labels_only, &set, &v->err), 0, "%s", v->err.text);
    for (uint64_t at = 0; rowset_rows(set, at, &row, 1); at = row + UINT64_C(1))
        buf_u8(&text, (uint8_t)('a' + row));
    cr_assert_str_eq(buf_text(&text), rows, "since v%u: '%s', not '%s'", since, buf_text(&text), rows);
}

Test(changes, a_clip_has_changed_where_its_labels_or_a_file_have)
{
    struct versions v;
    make_four(&v);
    struct changeset *set = begin();
    give(set, "a", "good", two);
    give(set, "b", "bad", two);
    give(set, "c", "good", three);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.clips_replaced, 2);
    expect(&v, 0, false, "abcd");
    expect(&v, 1, false, "bc");
    expect(&v, 1, true, "b");
    expect(&v, 2, false, "");
    versions_done(&v);
    check_leaks();
}

Test(changes, a_clip_that_only_lost_a_file_has_changed)
{
    struct versions v;
    make_four(&v);
    struct changeset *set = begin();
    give(set, "a", "good", one);
    give(set, "b", "good", other);
    give(set, "c", "good", two);
    give(set, "d", "good", one + 1);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.clips_replaced, 3);
    expect(&v, 1, false, "abd");
    set = begin();
    give(set, "a", "good", one);
    give(set, "d", "good", one + 1);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    cr_assert_eq(v.counts.clips_unchanged, 2);
    expect(&v, 2, false, "");
    versions_done(&v);
    check_leaks();
}

Test(changes, a_removed_clip_is_none_that_changed_and_a_restored_one_is)
{
    struct versions v;
    make_four(&v);
    struct changeset *set = changeset_new();
    cr_assert_eq(changeset_remove(set, "b", &v.err), 0);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect(&v, 1, false, "");
    set = begin();
    give(set, "b", "good", two);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    expect(&v, 1, false, "b");
    expect(&v, 2, false, "b");
    versions_done(&v);
    check_leaks();
}

/* What a damaged file may hold in one clip. */
static void expect_damage(const char *sql, const char *message)
{
    struct versions v;
    struct error err = {0};
    struct catalog *catalog;
    struct catalog_reader *reader;
    struct rowset *rows = NULL;
    sqlite3 *db;
    make_four(&v);
    char *path = versions_path(&v, 1);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    cr_assert_eq(catalog_open_path(path, &catalog, &err), 0, "%s", err.text);
    cr_assert_eq(catalog_reader_acquire(catalog, &(struct catalog_patience){0}, &reader, &err), 0);
    cr_assert_eq(catalog_changed_since(reader, 0, false, &rows, &err), -EUCLEAN, "%s", sql);
    cr_assert(strstr(err.text, message), "%s: %s", sql, err.text);
    catalog_reader_release(reader);
    catalog_unref(catalog);
    free(path);
    versions_done(&v);
}

Test(changes, what_does_not_say_when_it_changed_is_damage)
{
    static const char sizes[] = "is damaged: the sizes of row 0 and its neighbours are not in order";
    expect_damage("UPDATE sizes SET bytes = x'0102'", sizes);
    expect_damage("UPDATE sizes SET bytes = substr(bytes, 1, length(bytes) - 1)", sizes);
    expect_damage("UPDATE sizes SET bytes = CAST(x'00' || substr(bytes, 2) AS BLOB)", sizes);
    expect_damage("UPDATE sizes SET bytes = 'a'", "is damaged: bytes has a wrong type");
    expect_damage("DELETE FROM sizes", "is damaged: what row 0 and its neighbours say is missing");
    expect_damage("UPDATE newest SET bytes = x'ffff'", "is damaged: the newest versions of part 0 are not");
    expect_damage("INSERT INTO growth VALUES(1024, x'000101')",
                  "is damaged: run 1 of growth is not in order");
    expect_damage("INSERT INTO grown VALUES(0, x'01'); INSERT INTO newest VALUES(4294967296, x'010002')",
                  "is damaged: the growth of row 0 and its neighbours is not in order");
    check_leaks();
}
