// SPDX-License-Identifier: Apache-2.0
/* Records of one catalog have a dictionary in common, which is made once. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/buf.h"
#include "tests/catalog/versions.h"
#include "tests/test_leaks.h"

enum { MANY = 3000, FEW = 500 };

static struct changeset *clips(int from, int to)
{
    struct changeset *set = changeset_new();
    set_attribute(set, "task", VALUE_TEXT, false);
    set_attribute(set, "length", VALUE_INT, false);
    for (int i = from; i < to; i++) {
        char text[32];
        snprintf(text, sizeof text, "ep%06d", i);
        set_clip(set, text, i);
        snprintf(text, sizeof text, "pour the %d", i * 7919 % 4001);
        set_value(set, "task", VALUE_TEXT, text);
        snprintf(text, sizeof text, "%d", i * 31 % 997);
        set_value(set, "length", VALUE_INT, text);
    }
    return set;
}

/* The one number or the bytes that a statement gives. */
static void ask(const struct versions *v, const char *sql, struct buf *ret)
{
    CLEANUP_FREE char *path = versions_path(v, v->head);
    sqlite3 *db;
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), 0);
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), 0, "%s", sqlite3_errmsg(db));
    buf_clear(ret);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        buf_append(ret, sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

static void expect_codings(const struct versions *v, const char *expected)
{
    CLEANUP_BUF struct buf codings = BUF_INIT;
    ask(v,
        "SELECT group_concat(coding) FROM (SELECT DISTINCT hex(substr(records, 1, 1)) AS coding FROM "
        "forward)",
        &codings);
    cr_assert_str_eq(buf_text(&codings), expected);
    buf_done(&codings);
}

static void expect_json(struct versions *v, int clip)
{
    CLEANUP_BUF struct buf json = BUF_INIT, expected = BUF_INIT;
    char key[16];
    uint32_t row;
    snprintf(key, sizeof key, "ep%06d", clip);
    buf_printf(&expected, "{\"key\":\"%s\",\"length\":%d,\"task\":\"pour the %d\"}\n", key, clip * 31 % 997,
               clip * 7919 % 4001);
    cr_assert_eq(catalog_clip_find(v->reader, key, strlen(key), &row, &v->err), 0, "%s", v->err.text);
    cr_assert_eq(catalog_json(v->reader, row, &json, &v->err), 0, "%s", v->err.text);
    cr_assert_str_eq(buf_text(&json), buf_text(&expected));
    buf_done(&json);
    buf_done(&expected);
}

Test(dictionary, the_first_commit_of_many_clips_makes_the_one_that_all_later_ones_use)
{
    struct versions v;
    struct buf first = BUF_INIT, later = BUF_INIT;
    versions_init(&v);
    cr_assert_eq(versions_apply(&v, clips(0, FEW)), 0, "%s", v.err.text);
    expect_codings(&v, "01");
    ask(&v, "SELECT bytes FROM dictionary", &first);
    cr_assert_eq(first.len, 0, "so few clips need none");
    expect_json(&v, FEW / 2);
    cr_assert_eq(versions_apply(&v, clips(FEW, MANY)), 0, "%s", v.err.text);
    expect_codings(&v, "01,02");
    ask(&v, "SELECT bytes FROM dictionary", &first);
    cr_assert_gt(first.len, 100);
    for (int i = 0; i < MANY; i += 97)
        expect_json(&v, i);
    cr_assert_eq(versions_apply(&v, clips(MANY, 2 * MANY)), 0, "%s", v.err.text);
    ask(&v, "SELECT bytes FROM dictionary", &later);
    cr_assert(later.len == first.len && !memcmp(later.data, first.data, first.len), "it has changed");
    for (int i = 0; i < 2 * MANY; i += 97)
        expect_json(&v, i);
    buf_done(&first);
    buf_done(&later);
    versions_done(&v);
    check_leaks();
}

Test(dictionary, short_groups_take_less_room_with_it)
{
    struct versions v;
    struct buf bytes[2] = {BUF_INIT, BUF_INIT};
    for (int with = 0; with < 2; with++) {
        struct apply_limits limits = APPLY_LIMITS;
        limits.sample_groups = with ? limits.sample_groups : SIZE_MAX;
        versions_init(&v);
        v.limits = &limits;
        cr_assert_eq(versions_apply(&v, clips(0, with ? MANY : 1000)), 0, "%s", v.err.text);
        expect_codings(&v, with ? "02" : "01");
        ask(&v, "SELECT records FROM forward WHERE part < 100", &bytes[with]);
        versions_done(&v);
    }
    cr_assert_lt(bytes[1].len * 10, bytes[0].len * 9, "%zu with, %zu without", bytes[1].len, bytes[0].len);
    buf_done(&bytes[0]);
    buf_done(&bytes[1]);
}
