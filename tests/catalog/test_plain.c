// SPDX-License-Identifier: Apache-2.0
/* Plain tables: what is written is what SQLite reads, and no half of a file is left. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "index/base/value_list.h"
#include "index/catalog/plain.h"
#include "tests/test_leaks.h"

struct place {
    char *folder, *path;
    struct error err;
};

static void place_init(struct place *place)
{
    cr_assert_eq(file_make_temp_folder(NULL, "plain", &place->folder, &place->err), 0, "%s", place->err.text);
    place->path = mem_printf("%s/out.db", place->folder);
}

static void place_end(struct place *place)
{
    cr_assert_eq(file_remove_tree(place->folder, &place->err), 0, "%s", place->err.text);
    free(place->folder);
    free(place->path);
    check_leaks();
}

/* rmdir() tells: it takes empty folders only. */
static void expect_nothing_left(struct place *place)
{
    cr_assert_eq(rmdir(place->folder), 0, "%s", strerror(errno));
    cr_assert_eq(mkdir(place->folder, 0700), 0);
}

static struct value text(const char *text)
{
    return (struct value){.type = VALUE_TEXT, .text = text, .len = strlen(text)};
}

static void add(struct place *place, struct plain *plain, struct value value)
{
    const struct value cells[] = {text("ep0"), text("name"), text(value_type_name(value.type)),
                                  value,       text("anna"), {0}};
    cr_assert_eq(plain_add(plain, PLAIN_ATTRIBUTES, cells, &place->err), 0, "%s", place->err.text);
}

/* Each value as "type text", in the order of rows. */
static void expect_values(struct place *place, const char *const *expected, int count)
{
    sqlite3 *sqlite;
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_open_v2(place->path, &sqlite, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(sqlite,
                                    "SELECT typeof(value) || ' ' || value || ' ' || typeof(version) "
                                    "FROM attributes ORDER BY rowid",
                                    -1, &stmt, NULL),
                 SQLITE_OK, "%s", sqlite3_errmsg(sqlite));
    for (int i = 0; i < count; i++) {
        cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "row %d", i);
        cr_expect_str_eq((const char *)sqlite3_column_text(stmt, 0), expected[i]);
    }
    cr_assert_eq(sqlite3_step(stmt), SQLITE_DONE);
    sqlite3_finalize(stmt);
    sqlite3_close(sqlite);
}

Test(plain, each_type_is_stored_as_what_it_is)
{
    static const char *const expected[] = {
        "integer 1 null", "integer -9223372036854775808 null", "real 3.0 null", "real Inf null",
        "text  null",     "text 2026-03-01T12:00:00Z null",    "real 2.5 null", "text [1,2.5,null] null",
    };
    struct place place = {0};
    struct buf list = BUF_INIT;
    struct plain *plain;
    struct value time, infinite, numbers;
    place_init(&place);
    cr_assert_eq(value_parse(VALUE_TIME, "2026-03-01T12:00:00Z", 20, &time, &place.err), 0);
    cr_assert_eq(value_parse(VALUE_FLOAT, "inf", 3, &infinite, &place.err), 0);
    cr_assert_eq(value_list_parse("[1,2.5,null]", 12, &list, &numbers), 0);
    cr_assert_eq(plain_new(place.path, &plain, &place.err), 0, "%s", place.err.text);
    add(&place, plain, (struct value){.type = VALUE_BOOL, .boolean = true});
    add(&place, plain, (struct value){.type = VALUE_INT, .integer = INT64_MIN});
    add(&place, plain, (struct value){.type = VALUE_FLOAT, .real = 3});
    add(&place, plain, infinite);
    add(&place, plain, text(""));
    add(&place, plain, time);
    add(&place, plain, (struct value){.type = VALUE_DURATION, .integer = 2500000000});
    add(&place, plain, numbers);
    cr_assert_neq(access(place.path, F_OK), 0, "it has its name when it is whole");
    cr_assert_eq(plain_finish(plain, &place.err), 0, "%s", place.err.text);
    plain_free(plain);
    buf_done(&list);
    expect_values(&place, expected, sizeof expected / sizeof *expected);
    cr_assert_eq(unlink(place.path), 0);
    expect_nothing_left(&place);
    place_end(&place);
}

Test(plain, what_is_not_finished_leaves_nothing)
{
    struct place place = {0};
    struct plain *plain;
    place_init(&place);
    cr_assert_eq(plain_new(place.path, &plain, &place.err), 0, "%s", place.err.text);
    add(&place, plain, text("lost"));
    plain_free(plain);
    expect_nothing_left(&place);
    place_end(&place);
}

static void write_own(struct place *place)
{
    cr_assert_eq(file_replace(place->path, "own", 3, 0600, &place->err), 0, "%s", place->err.text);
}

static void expect_own(struct place *place)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    cr_assert_eq(file_read(place->path, 100, &bytes, &place->err), 0, "%s", place->err.text);
    cr_assert_str_eq(buf_text(&bytes), "own");
    cr_assert_eq(unlink(place->path), 0);
    expect_nothing_left(place);
}

Test(plain, a_file_that_is_there_is_kept_also_if_it_came_meanwhile)
{
    struct place place = {0};
    struct plain *plain = NULL;
    place_init(&place);
    write_own(&place);
    cr_assert_eq(plain_new(place.path, &plain, &place.err), -EEXIST);
    cr_assert_null(plain);
    expect_own(&place);
    cr_assert_eq(plain_new(place.path, &plain, &place.err), 0, "%s", place.err.text);
    write_own(&place);
    cr_assert_eq(plain_finish(plain, &place.err), -EEXIST);
    plain_free(plain);
    expect_own(&place);
    place_end(&place);
}
