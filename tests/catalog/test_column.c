// SPDX-License-Identifier: Apache-2.0
/* Columns beside the blocks, where they do not say what these do. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

enum { CLIPS = 3000, TAIL = 50 };

static struct changeset *clips(int from, int to)
{
    char text[32];
    struct changeset *set = changeset_new();
    set_attribute(set, "length", VALUE_INT, false);
    for (int i = from; i < to; i++) {
        snprintf(text, sizeof text, "ep%06d", i);
        set_clip(set, text, i);
        snprintf(text, sizeof text, "%d", i % 977);
        set_value(set, "length", VALUE_INT, text);
    }
    return set;
}

/* Sealed clips, and `tail` more in a tail run. */
static void make(struct versions *v, int tail)
{
    struct apply_limits limits = APPLY_LIMITS;
    limits.tail_rows = 2 * TAIL;
    versions_init(v);
    v->limits = &limits;
    cr_assert_eq(versions_apply(v, clips(0, CLIPS)), 0, "%s", v->err.text);
    if (tail)
        cr_assert_eq(versions_apply(v, clips(CLIPS, CLIPS + tail)), 0, "%s", v->err.text);
    v->limits = NULL;
}

/* What a wide range, which columns answer, comes to. */
static int select_wide(const char *path, uint64_t *ret_count, struct error *err)
{
    struct catalog *catalog;
    struct catalog_reader *reader;
    struct catalog_attribute length;
    struct rowset *rows = NULL;
    const struct value values[] = {{.type = VALUE_INT, .integer = 10}, {.type = VALUE_INT, .integer = 900}};
    cr_assert_eq(catalog_open_path(path, &catalog, err), 0, "%s", err->text);
    cr_assert_eq(catalog_reader_acquire(catalog, &(struct catalog_patience){0}, &reader, err), 0);
    cr_assert_eq(catalog_attribute_find(reader, "length", 6, &length, err), 0, "%s", err->text);
    const struct catalog_literal literal = {
        .attribute = length.id, .op = CATALOG_RANGE, .values = values, .count = 2, .inclusive_low = true};
    int rc = catalog_select(reader, &literal, &rows, err);
    *ret_count = rc ? 0 : rowset_count(rows);
    rowset_unref(rows);
    catalog_reader_release(reader);
    catalog_unref(catalog);
    return rc;
}

static void expect(int tail, const char *sql, const char *message)
{
    struct versions v;
    struct error err = {0};
    sqlite3 *db;
    uint64_t count;
    make(&v, tail);
    CLEANUP_FREE char *path = versions_path(&v, tail ? 2 : 1);
    cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    int rc = select_wide(path, &count, &err);
    cr_assert_eq(rc, message ? -EUCLEAN : 0, "%s: %s", sql, err.text);
    if (message)
        cr_assert(strstr(err.text, message), "%s: %s", sql, err.text);
    else if (!*sql)
        cr_assert_gt(count, CLIPS * 4 / 5);
    versions_done(&v);
}

/* In a zone that the range does not meet: its codes are not looked at. */
#define MORE(clips) "UPDATE part SET low = 5000, high = 6000, clips = clips + " clips

Test(column, parts_that_have_other_clips_than_their_shard_are_damage)
{
    static const char other[] = "have other clips than the shard", codes[] = "are of other clips than it has";
    expect(0, "", NULL);
    expect(TAIL, "", NULL);
    expect(0, "DELETE FROM part", other);
    expect(0, MORE("-1"), other);
    expect(0, MORE("1"), other);
    expect(TAIL, MORE("50"), NULL); /* so many may be written already, before they leave the tail */
    expect(TAIL, MORE("51"), other);
    expect(0, "UPDATE part SET clips = clips - 1", codes);
    expect(0, "UPDATE part SET clips = clips + 1", codes);
    check_leaks();
}
