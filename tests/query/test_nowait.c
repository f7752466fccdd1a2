// SPDX-License-Identifier: Apache-2.0
/* A catalog whose pages are not here: what does not wait says so, and can simply be called again. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "query/report/report.h"
#include "query/say/browse.h"
#include "tests/catalog/paged.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"

struct fixture {
    struct world world;
    struct world_catalog plain; /* the same catalog, all here */
    struct paged paged;
    struct catalog *catalog;
    struct catalog_reader *now, *patient;
};

/* `plain` again, of which no page is here. */
static struct catalog *open_absent(struct paged *paged, const struct world_catalog *plain)
{
    struct error err = {0};
    CLEANUP_PAGES struct pages *pages = NULL;
    cr_assert_eq(paged_open(paged, plain->path, "v1", &pages, &err), 0, "%s", err.text);
    return catalog_open_pages(pages);
}

static void setup(struct fixture *ret)
{
    struct error err = {0};
    *ret = (struct fixture){0};
    world_kitchen(&ret->world, &ret->plain);
    cr_assert_eq(paged_init(&ret->paged, &err), 0, "%s", err.text);
    ret->catalog = open_absent(&ret->paged, &ret->plain);
    struct catalog_patience none = {.nowait = true}, all = {0};
    cr_assert_eq(catalog_reader_acquire(ret->catalog, &all, &ret->patient, &err), 0, "%s", err.text);
    cr_assert_eq(catalog_reader_acquire(ret->catalog, &none, &ret->now, &err), 0, "%s", err.text);
}

static void teardown(struct fixture *fixture)
{
    catalog_reader_release(fixture->now);
    catalog_reader_release(fixture->patient);
    catalog_unref(fixture->catalog);
    paged_done(&fixture->paged);
    world_close(&fixture->plain);
    world_done(&fixture->world);
}

/* All that a path leads to, or the error's text; -EAGAIN if a page was missing. */
static int read_all(const char *path, struct catalog_reader *reader, struct buf *buf)
{
    CLEANUP_QUERY struct query *query = NULL;
    struct error err = {0};
    bool exists;
    int rc = query_parse(path, strlen(path), reader, &query, &err);
    if (!rc)
        rc = query_exists(query, reader, &exists, &err);
    for (size_t i = 0; i < report_name_count && !rc; i++)
        rc = report_append(report_names[i].kind, query, reader, buf, &err);
    if (rc == -ENOENT)
        buf_text_append(buf, err.text);
    cr_assert(rc == 0 || rc == -ENOENT || rc == -EAGAIN, "%s: %s", path, err.text);
    return rc;
}

Test(nowait, a_query_that_misses_a_page_is_run_again_and_tells_the_same)
{
    static const char *const paths[] = {"arm=left",
                                        "arm=lfet",
                                        "amr=left",
                                        "length.rng=9..250/tags.ne=cube",
                                        "day.prefix=2026-03",
                                        "duration.gt=2/force.null=1",
                                        ""};
    struct fixture fixture;
    setup(&fixture);
    int missed = 0;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct buf wanted = BUF_INIT, got = BUF_INIT;
        int expected = read_all(paths[i], fixture.plain.reader, &wanted);
        if (read_all(paths[i], fixture.now, &got) == -EAGAIN) {
            missed++;
            buf_clear(&got);
            cr_assert_eq(read_all(paths[i], fixture.patient, &got), expected);
            buf_clear(&got);
            cr_assert_eq(read_all(paths[i], fixture.now, &got), expected, "%s: all pages are here now",
                         paths[i]);
        }
        cr_assert_str_eq(buf_text(&got), buf_text(&wanted), "%s", paths[i]);
        buf_done(&wanted), buf_done(&got);
    }
    cr_assert_gt(missed, 0, "no page was ever missing: the test tests nothing");
    teardown(&fixture);
    check_leaks();
}

static int add_name(void *ctx, const char *name, struct error *err)
{
    buf_printf(ctx, "%s ", name);
    return 0;
}

/* All names of .by/ and .by/KEY/, and what one of them means. */
static int browse_all(const char *path, struct catalog_reader *reader, struct buf *buf)
{
    static const char *const keys[] = {"arm", "tags", "length", "day"};
    CLEANUP_QUERY struct query *query = NULL, *below = NULL;
    struct error err = {0};
    int rc = query_parse(path, strlen(path), reader, &query, &err);
    if (!rc)
        rc = browse_keys(query, reader, add_name, buf, &err);
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !rc; i++)
        rc = browse_values(query, keys[i], reader, add_name, buf, &err);
    if (!rc)
        rc = browse_find_key("arm", reader, &(struct catalog_attribute){0}, &err);
    if (!rc)
        rc = browse_extend(query, "arm", "left", reader, &below, &err);
    cr_assert(rc == 0 || rc == -EAGAIN, "%s: %s", path, err.text);
    return rc;
}

Test(nowait, names_to_browse_are_the_same_when_they_are_asked_for_again)
{
    static const char *const paths[] = {"", "arm=left", "length.lt=200"};
    struct fixture fixture;
    setup(&fixture);
    int missed = 0;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct buf wanted = BUF_INIT, got = BUF_INIT;
        cr_assert_eq(browse_all(paths[i], fixture.plain.reader, &wanted), 0);
        missed += browse_all(paths[i], fixture.now, &got) == -EAGAIN;
        buf_clear(&got);
        cr_assert_eq(browse_all(paths[i], fixture.patient, &got), 0);
        buf_clear(&got);
        cr_assert_eq(browse_all(paths[i], fixture.now, &got), 0, "%s: all pages are here now", paths[i]);
        cr_assert_str_eq(buf_text(&got), buf_text(&wanted), "%s", paths[i]);
        buf_done(&wanted), buf_done(&got);
    }
    cr_assert_gt(missed, 0, "no page was ever missing: the test tests nothing");
    teardown(&fixture);
    check_leaks();
}

Test(nowait, a_query_that_waits_ends_when_it_is_cancelled_and_can_be_run_again)
{
    struct fixture fixture;
    setup(&fixture);
    struct query *query = NULL;
    struct error err = {0};
    struct catalog_reader *reader;
    atomic_bool cancelled = false;
    struct catalog_patience patience = {.cancelled = &cancelled};
    cr_assert_eq(catalog_reader_acquire(fixture.catalog, &patience, &reader, &err), 0, "%s", err.text);
    fixture.paged.held->noticed = &cancelled;
    held_set_mode(fixture.paged.held, HELD_HOLD);
    cr_assert_eq(query_parse("day.prefix=2026-03", 18, reader, &query, &err), -ECANCELED, "%s", err.text);
    cr_assert_null(query);
    fixture.paged.held->noticed = NULL;
    cr_assert(cancelled, "it waited for a page");
    cancelled = false;
    held_set_mode(fixture.paged.held, HELD_GIVE);
    cr_assert_eq(query_parse("day.prefix=2026-03", 18, reader, &query, &err), 0, "%s", err.text);
    query_unref(query);
    catalog_reader_release(reader);
    teardown(&fixture);
    check_leaks();
}

/* ---- two versions ---- */

struct older {
    struct catalog *catalog;
    bool open; /* else it must be waited for */
};

static int open_older(void *ctx, uint32_t version, const struct catalog_patience *patience,
                      struct catalog **ret, struct error *err)
{
    struct older *older = ctx;
    cr_assert_eq(version, 1);
    if (patience->nowait && !older->open)
        return error_set(err, EAGAIN, "v1 is not open yet");
    older->open = true;
    *ret = catalog_ref(older->catalog);
    return 0;
}

/* What changed since v1, in every form, behind what is in `buf`; -EAGAIN leaves that as it was. */
static int compare_all(struct catalog_reader *reader, struct buf *buf)
{
    CLEANUP_QUERY struct query *query = NULL;
    CLEANUP_SET struct set *result = NULL;
    struct report report = {REPORT_DIFF, 1};
    struct error err = {0};
    uint64_t size;
    size_t start = buf->len;
    int rc = query_parse("@since=v1,outcome", 17, reader, &query, &err);
    if (!rc)
        rc = query_run(query, reader, &result, &err);
    if (!rc)
        rc = report_file_size(&report, query, reader, &size, &err);
    if (!rc)
        rc = report_file_append(&report, query, reader, buf, &err);
    cr_assert(rc == 0 || rc == -EAGAIN, "%s", err.text);
    cr_assert_eq(buf->len - start, rc ? 0 : size);
    return rc;
}

Test(nowait, a_comparison_that_misses_a_page_of_either_version_is_run_again_and_tells_the_same)
{
    struct world first, second = {.attributes = world_kitchen_attributes};
    struct world_catalog v1, v2;
    struct older older = {0};
    struct catalog_reader *now, *patient;
    struct catalog_patience none = {.nowait = true}, all = {0};
    struct buf wanted = BUF_INIT, got = BUF_INIT;
    char lines[][64] = {"ep001 arm=left outcome=ok length=260", "ep100 arm=left outcome=fail"};
    world_kitchen(&first, &v1);
    world_add_line(&second, lines[0]);
    world_add_line(&second, lines[1]);
    world_open_next(&second, &v1, &v2);
    cr_assert_eq(compare_all(v2.reader, &wanted), 0);
    cr_assert(strstr(buf_text(&wanted), "\"key\":\"ep001\"") &&
              strstr(buf_text(&wanted), "\"key\":\"ep100\""));
    struct paged paged;
    cr_assert_eq(paged_init(&paged, NULL), 0);
    struct catalog *newer = open_absent(&paged, &v2);
    older.catalog = open_absent(&paged, &v1);
    catalog_set_siblings(newer, open_older, &older);
    cr_assert_eq(catalog_reader_acquire(newer, &all, &patient, NULL), 0);
    cr_assert_eq(catalog_reader_acquire(newer, &none, &now, NULL), 0);
    cr_assert_eq(compare_all(now, &got), -EAGAIN, "its own pages are not here");
    struct rowset *rows;
    cr_assert_eq(catalog_changed_since(patient, 1, false, &rows, NULL), 0);
    rowset_unref(rows);
    cr_assert_eq(compare_all(now, &got), -EAGAIN, "the older version is not open");
    older.open = true;
    cr_assert_eq(compare_all(now, &got), -EAGAIN, "its pages are not here");
    cr_assert_eq(compare_all(patient, &got), 0);
    cr_assert_str_eq(buf_text(&got), buf_text(&wanted));
    buf_clear(&got);
    cr_assert_eq(compare_all(now, &got), 0, "all pages are here now");
    cr_assert_str_eq(buf_text(&got), buf_text(&wanted));
    catalog_reader_release(now), catalog_reader_release(patient);
    catalog_unref(newer), catalog_unref(older.catalog);
    paged_done(&paged);
    buf_done(&wanted), buf_done(&got);
    world_close(&v2), world_close(&v1);
    world_done(&second), world_done(&first);
    check_leaks();
}
