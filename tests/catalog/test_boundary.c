// SPDX-License-Identifier: Apache-2.0
/* More clips than a shard holds: what is asked of both sides of the boundary, and what changes on one only.
 */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "index/catalog/shard/shard.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

enum { PART = 1 << 16, PARTS = 4 };
enum { BOUNDARY = 1 << 20, CLIPS = BOUNDARY + 3000 };

static void put_clip(struct changeset *set, uint32_t row)
{
    char key[16], text[16];
    snprintf(key, sizeof key, "ep%08u", row);
    set_clip(set, key, (int)row);
    set_value(set, "light", VALUE_TEXT, row % 3 ? "day" : "night");
    snprintf(text, sizeof text, "%u", row * 5);
    set_value(set, "index", VALUE_INT, text);
    if (row % 1000 == 576) /* 2^20 is one of them */
        set_value(set, "tag", VALUE_TEXT, "rare");
}

static uint64_t count_of(struct versions *v, const char *name, enum catalog_op op, enum value_type type,
                         const char *low, const char *high)
{
    struct catalog_attribute attribute;
    struct rowset *rows;
    struct value values[2] = {value_of(type, low), high ? value_of(type, high) : value_of(type, low)};
    cr_assert_eq(catalog_attribute_find(v->reader, name, strlen(name), &attribute, &v->err), 0);
    struct catalog_literal literal = {.attribute = attribute.id,
                                      .op = op,
                                      .values = values,
                                      .count = 1,
                                      .inclusive_low = true,
                                      .inclusive_high = true};
    cr_assert_eq(catalog_select(v->reader, &literal, &rows, &v->err), 0, "%s", v->err.text);
    uint64_t count = rowset_count(rows), sum = 0;
    for (uint64_t first = 0; first < CLIPS; first += BOUNDARY) {
        const struct catalog_window window = {.first = first, .end = first + BOUNDARY};
        struct rowset *some;
        literal.window = &window;
        cr_assert_eq(catalog_select(v->reader, &literal, &some, &v->err), 0, "%s", v->err.text);
        sum += rowset_and_count(rows, some);
        cr_assert_eq(rowset_rank(some, first), 0);
        cr_assert_eq(rowset_rank(some, window.end), rowset_count(some));
        rowset_unref(some);
    }
    cr_assert_eq(sum, count, "what the windows hold is all there is");
    rowset_unref(rows);
    return count;
}

static void check(struct versions *v, uint64_t night, uint64_t rare)
{
    cr_assert_eq(versions_counts(v, "light").clips, CLIPS);
    cr_assert_eq(versions_counts(v, "light").distinct, 2, "a value of two shards is one");
    cr_assert_eq(versions_counts(v, "index").distinct, CLIPS);
    cr_assert_eq(count_of(v, "light", CATALOG_EQ, VALUE_TEXT, "night", NULL), night);
    cr_assert_eq(count_of(v, "light", CATALOG_NE, VALUE_TEXT, "night", NULL), CLIPS - night);
    cr_assert_eq(count_of(v, "tag", CATALOG_HAS, VALUE_TEXT, "rare", NULL), rare);
    cr_assert_eq(count_of(v, "tag", CATALOG_NULL, VALUE_TEXT, "rare", NULL), CLIPS - rare);
    cr_assert_eq(count_of(v, "index", CATALOG_RANGE, VALUE_INT, "5242875", "5242885"), 3);
    cr_assert_eq(count_of(v, "index", CATALOG_RANGE, VALUE_INT, "0", "99999999"), CLIPS);
    cr_assert_eq(count_of(v, "index", CATALOG_EQ, VALUE_INT, "5242880", NULL), 1);
    cr_assert_eq(count_of(v, "index", CATALOG_PREFIX, VALUE_TEXT, "524288", NULL), 2);
}

Test(boundary, more_clips_than_a_shard_holds_are_asked_and_labelled_as_one)
{
    struct versions v;
    struct changeset *set = changeset_new();
    uint64_t night = (CLIPS + 2) / 3, rare = (CLIPS - 576 + 999) / 1000;
    versions_init(&v);
    set_attribute(set, "light", VALUE_TEXT, false);
    set_attribute(set, "index", VALUE_INT, false);
    set_attribute(set, "tag", VALUE_TEXT, false);
    for (uint32_t row = 0; row < CLIPS; row++)
        put_clip(set, row);
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    check(&v, night, rare);
    set = labels_by("anna", CHANGESET_ALL);
    set_attribute(set, "tag", VALUE_TEXT, false);
    set_attribute(set, "light", VALUE_TEXT, false);
    set_labels(set, "ep01048575", 1); /* the last row of the first shard, and the first of the second */
    set_value(set, "tag", VALUE_TEXT, "rare");
    set_labels(set, "ep01048576", 2);
    set_value(set, "light", VALUE_TEXT, "night");
    set_value(set, "tag", VALUE_TEXT, "new");
    cr_assert_eq(versions_apply(&v, set), 0, "%s", v.err.text);
    check(&v, night + 1, rare + 1);
    cr_assert_eq(count_of(&v, "tag", CATALOG_EQ, VALUE_TEXT, "new", NULL), 1);
    cr_assert_eq(versions_counts(&v, "tag").distinct, 2);
    versions_done(&v);
    check_leaks();
}

/* ---- shards that come one by one ---- */

/* How many attributes have just this shard. */
static int count_merged(struct versions *v, uint32_t number)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    int count = 0;
    char *path = versions_path(v, v->head);
    cr_assert_eq(sqlite3_open(path, &db), 0);
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT numbers FROM shards", -1, &stmt, NULL), 0);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        count +=
            sqlite3_column_bytes(stmt, 0) == 1 && *(const uint8_t *)sqlite3_column_blob(stmt, 0) == number;
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    free(path);
    return count;
}

static void put_part(struct versions *v, uint32_t part)
{
    struct changeset *set = changeset_new();
    set_attribute(set, "light", VALUE_TEXT, false);
    set_attribute(set, "index", VALUE_INT, false);
    set_attribute(set, "tag", VALUE_TEXT, false);
    for (uint32_t row = part * PART; row < (part + 1) * PART; row++)
        put_clip(set, row);
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

static void check_parts(struct versions *v, uint32_t clips)
{
    cr_assert_eq(versions_counts(v, "light").clips, clips);
    cr_assert_eq(versions_counts(v, "light").distinct, 2);
    cr_assert_eq(versions_counts(v, "index").distinct, clips);
    cr_assert_eq(count_of(v, "light", CATALOG_EQ, VALUE_TEXT, "night", NULL), (clips + 2) / 3);
    cr_assert_eq(count_of(v, "tag", CATALOG_HAS, VALUE_TEXT, "rare", NULL), (clips - 576 + 999) / 1000);
    cr_assert_eq(count_of(v, "index", CATALOG_RANGE, VALUE_INT, "327670", "327685"), clips > PART ? 4 : 2);
    cr_assert_eq(count_of(v, "index", CATALOG_RANGE, VALUE_INT, "0", "99999999"), clips);
}

static void label_one(struct versions *v, bool seen)
{
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    set_attribute(set, "seen", VALUE_BOOL, false);
    set_labels(set, "ep00000001", 1);
    set_value(set, "seen", VALUE_BOOL, seen ? "true" : "false");
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

Test(boundary, four_shards_become_one_a_slice_a_commit_where_the_budget_is_small)
{
    struct versions v;
    struct apply_limits limits = APPLY_LIMITS;
    int commits = 0, merged = 0;
    versions_init(&v);
    v.limits = &limits;
    limits.upkeep_bytes = 150000;
    limits.small_set_bytes = SIZE_MAX;
    for (uint32_t part = 0; part < PARTS; part++) {
        put_part(&v, part);
        cr_assert_eq(count_merged(&v, shard_number(0, 1)), 0);
        check_parts(&v, (part + 1) * PART);
    }
    for (; merged < 3 && commits < 100; commits++) {
        label_one(&v, commits % 2);
        int now = count_merged(&v, shard_number(0, 1));
        cr_assert_geq(now, merged);
        merged = now;
        check_parts(&v, PARTS * PART);
    }
    cr_assert(merged == 3 && commits > 5, "%d merged after %d commits", merged, commits);
    versions_done(&v);
    check_leaks();
}

/* ---- a small shard within a large one ---- */

static void put_rows(struct versions *v, uint32_t from, uint32_t to)
{
    struct changeset *set = changeset_new();
    set_attribute(set, "light", VALUE_TEXT, false);
    set_attribute(set, "index", VALUE_INT, false);
    set_attribute(set, "tag", VALUE_TEXT, false);
    for (uint32_t row = from; row < to; row++)
        put_clip(set, row);
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

static void check_rows(struct versions *v, uint64_t clips)
{
    cr_assert_eq(versions_counts(v, "light").clips, clips);
    cr_assert_eq(versions_counts(v, "index").distinct, clips);
    cr_assert_eq(count_of(v, "light", CATALOG_EQ, VALUE_TEXT, "night", NULL), (clips + 2) / 3);
    cr_assert_eq(count_of(v, "index", CATALOG_RANGE, VALUE_INT, "0", "99999999"), clips);
    cr_assert_eq(count_of(v, "index", CATALOG_RANGE, VALUE_INT, "-5", "70"), 15);
}

/* Labels on clips on both sides of row `around`, which are folded at once. */
static void label_around(struct versions *v, uint32_t around, uint32_t count, const char *mark)
{
    struct changeset *set = labels_by("anna", CHANGESET_ALL);
    set_attribute(set, "tag", VALUE_TEXT, false);
    for (uint32_t i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "ep%08u", around - count / 2 + i);
        set_labels(set, key, i + 1);
        set_value(set, "tag", VALUE_TEXT, mark);
    }
    cr_assert_eq(versions_apply(v, set), 0, "%s", v->err.text);
}

Test(boundary, clips_that_come_after_many_go_to_a_small_shard_within_the_large_one_until_a_fold_takes_both)
{
    enum { MANY = 240000, MORE = 2000, LABELS = 600 };
    struct versions v;
    struct apply_limits limits = APPLY_LIMITS;
    versions_init(&v);
    v.limits = &limits;
    put_rows(&v, 0, MANY);
    cr_assert_eq(count_merged(&v, shard_number(0, 1)), 3);
    limits.tail_rows = MORE;
    put_rows(&v, MANY, MANY + MORE - 1);
    put_rows(&v, MANY + MORE - 1, MANY + MORE);
    cr_assert_eq(count_merged(&v, shard_number(0, 1)), 3, "the tail is sealed too early");
    check_rows(&v, MANY + MORE);
    label_around(&v, 500, 1, "first");
    cr_assert_eq(count_merged(&v, shard_number(0, 1)), 0, "the tail is not sealed");
    check_rows(&v, MANY + MORE);
    limits.patched_rows = LABELS;
    limits.tail_rows = 1 << 16;
    label_around(&v, MANY, LABELS, "border");
    label_around(&v, 900, 1, "last");
    cr_assert_eq(count_of(&v, "tag", CATALOG_EQ, VALUE_TEXT, "border", NULL), LABELS);
    cr_assert_eq(count_merged(&v, shard_other_turn(shard_number(0, 1))), 1, "the fold took both");
    check_rows(&v, MANY + MORE);
    versions_done(&v);
    check_leaks();
}
