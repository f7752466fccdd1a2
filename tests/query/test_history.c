// SPDX-License-Identifier: Apache-2.0
/* Two versions of the kitchen: what is new since the first, how they differ, and what their clips add up to.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "query/report/across.h"
#include "query/report/diff.h"
#include "query/report/digest.h"
#include "query/report/report.h"
#include "query/say/hint.h"
#include "tests/query/golden.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"

struct fixture {
    struct world first, second;
    struct world_catalog v1, v2;
};

#define EP001_CHANGED                                                                                        \
    "ep001 arm=left outcome=ok tags=cube,new length=260 force=2.5 day=2026-03-01T12:00 duration=3 ok=false"

/* v2: ep000 is as it was, ep001 has another outcome and more tags, ep004 lost its arm, ep100 is new. */
static void setup(struct fixture *ret)
{
    char lines[][128] = {
        "ep000 arm=left outcome=ok tags=cube,red length=250 force=1.5 day=2026-03-01 duration=2.5 ok=true",
        EP001_CHANGED,
        "ep004 outcome=fail tags=cube,blue length=10",
        "ep100 arm=left outcome=fail",
    };
    world_kitchen(&ret->first, &ret->v1);
    ret->second = (struct world){.attributes = world_kitchen_attributes};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        world_add_line(&ret->second, lines[i]);
        if (i < 3)
            world_value(&ret->second, &ret->second.clips[i], "task",
                        i < 2 ? "pick up the cube" : "put it down");
    }
    world_open_next(&ret->second, &ret->v1, &ret->v2);
}

static void teardown(struct fixture *fixture)
{
    world_close(&fixture->v2);
    world_close(&fixture->v1);
    world_done(&fixture->second);
    world_done(&fixture->first);
}

static void parse_and_list(void *ctx, const char *input, size_t len, struct buf *result)
{
    const struct fixture *fixture = ctx;
    struct catalog_reader *reader = fixture->v2.reader;
    CLEANUP_QUERY struct query *query = NULL;
    CLEANUP_SET struct set *found = NULL;
    struct error err = {0};
    uint32_t rows[64];
    uint64_t next;
    int rc = query_parse(input, len, reader, &query, &err);
    if (rc == -ENOENT)
        rc = hint_path(input, len, reader, &err);
    if (rc || query_run(query, reader, &found, &err)) {
        buf_text_append(result, err.text);
        return;
    }
    query_canonical(query, result);
    size_t count = set_read(found, 0, rows, 64, &next);
    for (size_t i = 0; i < count; i++) {
        struct catalog_clip clip;
        cr_assert_eq(catalog_clip(reader, rows[i], &clip, &err), 0, "%s", err.text);
        buf_printf(result, "%s%s", i ? " " : " [", clip.key);
    }
    buf_text_append(result, count ? "]" : " []");
}

Test(history, paths_with_since_mean_what_the_table_says)
{
    struct fixture fixture;
    setup(&fixture);
    int failed = golden_check("since.txt", parse_and_list, &fixture);
    teardown(&fixture);
    cr_assert_eq(failed, 0, "%d lines of since.txt differ", failed);
    check_leaks();
}

static void diff_path(void *ctx, const char *input, size_t len, struct buf *result)
{
    const struct fixture *fixture = ctx;
    CLEANUP_QUERY struct query *query = NULL;
    struct error err = {0};
    int rc = query_parse(input, len, fixture->v2.reader, &query, &err);
    struct diff diff = {fixture->v1.reader, fixture->v2.reader, query};
    if (!rc)
        rc = diff_append(&diff, result, &err);
    if (rc)
        buf_text_append(result, err.text);
}

Test(history, differences_are_what_the_table_says)
{
    struct fixture fixture;
    setup(&fixture);
    int failed = golden_check("diff.txt", diff_path, &fixture);
    teardown(&fixture);
    cr_assert_eq(failed, 0, "%d lines of diff.txt differ", failed);
    check_leaks();
}

/* ---- stages in the version before the one they are bound to ---- */

/* v2: lengths are no integers any more, and there are stars. */
static void setup_retyped(struct fixture *ret)
{
    static const struct world_attribute attributes[] = {
        {"length", VALUE_FLOAT, false}, {"stars", VALUE_INT, false}, {NULL, VALUE_BOOL, false}};
    char lines[][128] = {"ep000 length=250 stars=1", "ep001 length=260.5 stars=3", "ep004 length=10 stars=2"};
    world_kitchen(&ret->first, &ret->v1);
    ret->second = (struct world){.attributes = attributes};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        world_add_line(&ret->second, lines[i]);
    world_open_next(&ret->second, &ret->v1, &ret->v2);
}

static void list_before(const struct fixture *fixture, const char *path, struct buf *result)
{
    CLEANUP_QUERY struct query *query = NULL;
    CLEANUP_ROWSET struct rowset *found = NULL;
    struct error err = {0};
    uint32_t row;
    cr_assert_eq(query_parse(path, strlen(path), fixture->v2.reader, &query, &err), 0, "%s", err.text);
    cr_assert_eq(across_rows(query, fixture->v1.reader, &found, &err), 0, "%s: %s", path, err.text);
    for (uint64_t at = 0; rowset_rows(found, at, &row, 1); at = (uint64_t)row + 1) {
        struct catalog_clip clip;
        cr_assert_eq(catalog_clip(fixture->v1.reader, row, &clip, &err), 0, "%s", err.text);
        buf_printf(result, "%s%s", result->len ? " " : "", clip.key);
    }
}

struct before { /* what a path finds in the version before */
    const char *path, *clips;
};

static void expect_before(const struct before *cases, size_t count)
{
    struct fixture fixture;
    setup_retyped(&fixture);
    for (size_t i = 0; i < count; i++) {
        CLEANUP_BUF struct buf found = BUF_INIT;
        list_before(&fixture, cases[i].path, &found);
        cr_expect_str_eq(buf_text(&found), cases[i].clips, "%s: %s", cases[i].path, buf_text(&found));
    }
    teardown(&fixture);
}

Test(history, a_stage_on_an_attribute_that_is_new_or_of_another_type_means_something_in_the_version_before)
{
    static const struct before cases[] = {
        {"@sort=stars/@head=2", "ep000 ep001"},
        {"@sort=-stars/@skip=6", "ep006 ep007"},
        {"@split=0..50,0,stars", "ep000 ep006"},
        {"@balance=stars", ""},
        {"@balance=stars,1,1,2,1", ""},
        {"@sort=-length/@head=1", "ep001"},
        {"@balance=length,250,1", "ep000 ep002"},
        {"@balance=length,250,2,10,1", "ep000 ep002 ep004"},
        {"@balance=length,250,1,260.5,0", "ep000 ep002"},
        {"@balance=length,250,1,260.5,1", ""},
    };
    expect_before(cases, sizeof cases / sizeof *cases);
    check_leaks();
}

Test(history, a_condition_on_an_attribute_of_another_type_is_met_in_the_version_before_by_like_values)
{
    static const struct before cases[] = {
        {"length=250", "ep000 ep002"},
        {"length.in=250,10", "ep000 ep002 ep004"},
        {"length.ne=250", "ep001 ep003 ep004 ep005"},
        {"length.lt=10", "ep003 ep005"},
        {"length.le=10", "ep003 ep004 ep005"},
        {"length.gt=250", "ep001"},
        {"length.ge=250", "ep000 ep001 ep002"},
        {"length.rng=9..250", "ep003 ep004"},
        {"length.rng=..10", "ep003 ep005"},
        {"length.rng=250..", "ep000 ep001 ep002"},
        {"length.prefix=2", "ep000 ep001 ep002"},
        {"length.null=1", "ep006 ep007"},
        {"stars.gt=1", ""},
    };
    expect_before(cases, sizeof cases / sizeof *cases);
    check_leaks();
}

Test(history, the_older_version_comes_first)
{
    struct fixture fixture;
    setup(&fixture);
    struct query *all = query_all();
    struct diff diff = {fixture.v2.reader, fixture.v1.reader, all};
    struct error err = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    cr_assert_eq(diff_append(&diff, &text, &err), -EINVAL);
    cr_assert_str_eq(err.text, "v2 is newer than v1: the older version comes first");
    query_unref(all);
    teardown(&fixture);
    check_leaks();
}

Test(history, a_version_opened_alone_says_that_it_cannot_compare)
{
    struct fixture fixture;
    struct error err = {0};
    struct catalog_reader *other = NULL;
    setup(&fixture);
    cr_assert_eq(catalog_reader_sibling(fixture.v1.reader, 2, &other, &err), -ENOTSUP);
    cr_assert_eq(catalog_reader_sibling(fixture.v2.reader, 7, &other, &err), -ENOENT);
    teardown(&fixture);
    check_leaks();
}

Test(history, a_report_of_what_changed_is_found_for_older_versions_only)
{
    static const char *const refused[] = {"diff-v3.jsonl",
                                          "diff-v4.jsonl",
                                          "diff-v0.jsonl",
                                          "diff-v01.jsonl",
                                          "diff-v.jsonl",
                                          "diff-v1.json",
                                          "diff-v1.jsonlx",
                                          "diff-v-1.jsonl",
                                          "diff-v4294967297.jsonl",
                                          "diff",
                                          ""};
    struct report report;
    cr_assert_eq(report_find("diff-v2.jsonl", false, 3, &report), 0);
    cr_assert(report.kind == REPORT_DIFF && report.since == 2);
    cr_assert_eq(report_find("digest", false, 3, &report), 0);
    cr_assert(report.kind == REPORT_DIGEST);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_assert_eq(report_find(refused[i], false, 3, &report), -ENOENT, "%s", refused[i]);
    cr_assert_eq(report_find("diff-v2.jsonl", true, 3, &report), -ENOENT);
    cr_assert_eq(report_find("paths.txt", false, 3, &report), -ENOENT);
    cr_assert_eq(report_find("paths.txt", true, 3, &report), 0);
}

/* ---- digests ---- */

static struct digest digest_of(const char *path, struct catalog_reader *reader)
{
    CLEANUP_QUERY struct query *query = NULL;
    struct digest digest = {0};
    struct error err = {0};
    cr_assert_eq(query_parse(path, strlen(path), reader, &query, &err), 0, "%s", err.text);
    cr_assert_eq(digest_query(query, reader, &digest, &err), 0, "%s", err.text);
    return digest;
}

static bool same(const struct digest *a, const struct digest *b)
{
    return !memcmp(a->sha256, b->sha256, sizeof a->sha256);
}

Test(history, the_same_clips_have_one_digest_whatever_path_and_version_they_come_from)
{
    struct fixture fixture;
    setup(&fixture);
    struct digest old = digest_of("arm=right", fixture.v1.reader),
                  new = digest_of("arm=right", fixture.v2.reader),
                  other =
                      digest_of("arm.in=right,both/length.lt=251/arm.ne=both+arm=right", fixture.v1.reader);
    cr_assert(same(&old, &new));
    cr_assert_eq(old.clips, 3);
    cr_assert_eq(old.files, 12);
    struct digest fewer = digest_of("arm.ne=both/arm=right/length.null=0", fixture.v1.reader);
    cr_assert_not(same(&old, &fewer));
    cr_assert_not(same(&other, &new));
    teardown(&fixture);
    check_leaks();
}

Test(history, another_label_and_another_clip_are_another_digest)
{
    struct fixture fixture;
    setup(&fixture);
    const char *paths[] = {"", "length=260", "arm=left"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct digest old = digest_of(paths[i], fixture.v1.reader),
                      new = digest_of(paths[i], fixture.v2.reader);
        cr_assert_not(same(&old, &new), "'%s'", paths[i]);
    }
    teardown(&fixture);
    check_leaks();
}

Test(history, the_report_is_the_digest_in_hex_and_its_size_is_told_without_it)
{
    struct fixture fixture;
    setup(&fixture);
    struct query *all = query_all();
    CLEANUP_BUF struct buf text = BUF_INIT;
    char hex[SHA256_HEX_BYTES];
    uint64_t size;
    struct digest digest = digest_of("", fixture.v1.reader);
    hex_print(digest.sha256, sizeof digest.sha256, hex);
    cr_assert_eq(report_append(REPORT_DIGEST, all, fixture.v1.reader, &text, NULL), 0);
    cr_assert_eq(report_size(REPORT_DIGEST, all, fixture.v1.reader, &size, NULL), 0);
    cr_assert_eq(size, text.len);
    cr_assert_eq(strncmp(buf_text(&text), hex, 64), 0);
    /* golden: the format of a digest must not change */
    cr_assert_str_eq(hex, "fb08a675fd9de60d96262b52fd2519a83b088a652c88e937bd1b6b2e485f725d");
    buf_done(&text);
    query_unref(all);
    teardown(&fixture);
    check_leaks();
}
