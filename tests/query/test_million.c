// SPDX-License-Identifier: Apache-2.0
/*
 * Stages and chains of two over sets of 0, 1, 65535, 65536 and about 2^20 clips, against million.h; what
 * shards and splits are together; and listings a page at a time. One catalog for all of it, since it takes
 * long to make.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "query/query.h"
#include "query/stage/stage.h"
#include "tests/query/million.h"
#include "tests/test_leaks.h"
#include "tests/test_seed.h"

static const uint32_t sizes[] = {0, 1, 65535, 65536, MILLION_CLIPS - 2, MILLION_CLIPS - 1, MILLION_CLIPS};
enum {
    SIZES = sizeof sizes / sizeof *sizes,
    SMALL = 4,
    LARGE_OF = 16
}; /* one pair of so many is over a million */

static struct query *parse(const struct million *million, const char *path)
{
    struct query *query = NULL;
    struct error err = {0};
    cr_assert_eq(query_parse(path, strlen(path), million->versions.reader, &query, &err), 0, "%s: %s", path,
                 err.text);
    return query;
}

static struct set *run(const struct million *million, const char *path)
{
    CLEANUP_QUERY struct query *query = parse(million, path);
    struct set *set = NULL;
    struct error err = {0};
    cr_assert_eq(query_run(query, million->versions.reader, &set, &err), 0, "%s: %s", path, err.text);
    return set;
}

/* The first so many clips, as the beginning of a path. */
static struct million_list list_of(const struct million *million, uint32_t count, struct buf *path)
{
    struct million_list list = {million, mem_alloc((count + 1) * sizeof(uint32_t)), count};
    for (uint32_t row = 0; row < count; row++)
        list.rows[row] = row;
    if (count < MILLION_CLIPS)
        buf_printf(path, "place.lt=%" PRIu32, count);
    return list;
}

/* ---- all questions ---- */

struct walk {
    const struct million_list *list;
    const char *path;
    size_t at;
};

static int expect_next(void *ctx, uint32_t row, struct error *err)
{
    struct walk *walk = ctx;
    (void)err;
    cr_assert_lt(walk->at, walk->list->count, "%s: too many", walk->path);
    cr_assert_eq(row, walk->list->rows[walk->at], "%s: row %" PRIu32 " at %zu, not %" PRIu32, walk->path, row,
                 walk->at, walk->list->rows[walk->at]);
    walk->at++;
    return 0;
}

static void expect_places(const struct million_list *list, const struct query *query, const char *path)
{
    CLEANUP_SET struct set *set = NULL, *first = NULL;
    uint64_t most = million_draw(30), place;
    cr_assert_eq(query_run(query, list->of->versions.reader, &set, NULL), 0, "%s", path);
    cr_assert_eq(query_first(query, most, list->of->versions.reader, &first, NULL), 0, "%s", path);
    cr_assert_eq(set_count(set), list->count, "%s", path);
    cr_assert_eq(set_count(first), most < list->count ? most : list->count, "%s", path);
    for (size_t i = 0; i < set_count(first); i++)
        cr_assert_eq(set_at(first, i), list->rows[i], "%s: at %zu", path, i);
    for (size_t i = 0; i < 20 && list->count; i++) {
        size_t at = million_draw(list->count);
        cr_assert_eq(set_at(set, at), list->rows[at], "%s: at %zu", path, at);
        cr_assert(set_find(set, list->rows[at], &place) && place == at, "%s: at %zu", path, at);
    }
}

static void expect_members(const struct million_list *list, const struct query *query, const char *path)
{
    struct catalog_reader *reader = list->of->versions.reader;
    CLEANUP_ROWSET struct rowset *rows = NULL, *wanted = rowset_new();
    CLEANUP_QUERY struct query *unordered = query_unordered(query);
    CLEANUP_SET struct set *set = NULL;
    uint32_t window = UINT32_MAX;
    rowset_add_many(wanted, list->rows, list->count);
    cr_assert_eq(query_rows(query, reader, &rows, NULL), 0, "%s", path);
    cr_assert(rowset_count(rows) == list->count && rowset_and_count(rows, wanted) == list->count, "%s", path);
    const uint32_t looked_for[] = {0, 65535, 65536, MILLION_CLIPS - 2, MILLION_CLIPS - 1};
    for (size_t i = 0; i < sizeof looked_for / sizeof *looked_for; i++) {
        uint32_t row = looked_for[i], before = window;
        window = query_window_of_row(unordered, row);
        if (window != before) {
            set_unref(set);
            cr_assert_eq(query_run_window(unordered, reader, window, &set, NULL), 0);
        }
        cr_assert_eq(set_has(set, row), rowset_contains(wanted, row), "%s: row %" PRIu32, path, row);
    }
}

static void expect(const struct million_list *list, const char *path)
{
    struct catalog_reader *reader = list->of->versions.reader;
    CLEANUP_QUERY struct query *query = parse(list->of, path), *again = NULL;
    CLEANUP_BUF struct buf canonical = BUF_INIT, repeated = BUF_INIT;
    struct walk walk = {list, path, 0};
    struct error err = {0};
    uint64_t count = 0;
    bool exists = false;
    cr_assert_eq(query_each(query, reader, expect_next, &walk, &err), 0, "%s: %s", path, err.text);
    cr_assert_eq(walk.at, list->count, "%s: %zu clips, not %zu", path, walk.at, list->count);
    cr_assert_eq(query_count(query, reader, &count, &err), 0, "%s: %s", path, err.text);
    cr_assert_eq(query_exists(query, reader, &exists, &err), 0, "%s: %s", path, err.text);
    cr_assert(count == list->count && exists == (count > 0), "%s: %" PRIu64 ", not %zu", path, count,
              list->count);
    expect_places(list, query, path);
    expect_members(list, query, path);
    query_canonical(query, &canonical);
    again = parse(list->of, buf_text(&canonical));
    query_canonical(again, &repeated);
    cr_assert_str_eq(buf_text(&canonical), buf_text(&repeated), "%s", path);
}

static void expect_chain(const struct million *million, uint32_t size, million_fn *first, million_fn *second)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    struct million_list list = list_of(million, size, &path);
    buf_text_append(&path, path.len ? "/" : "");
    first(&list, &path);
    if (second) {
        buf_u8(&path, '/');
        second(&list, &path);
    }
    expect(&list, buf_text(&path));
    free(list.rows);
}

static void check_stages(const struct million *million)
{
    for (size_t i = 0; i < MILLION_STAGES; i++)
        for (size_t k = 0; k < SIZES; k++)
            expect_chain(million, sizes[k], million_stages[i].apply, NULL);
}

static void check_pairs(const struct million *million)
{
    for (size_t i = 0; i < MILLION_STAGES; i++)
        for (size_t k = 0; k < MILLION_STAGES; k++) {
            uint32_t size =
                sizes[million_draw(LARGE_OF) ? million_draw(SMALL) : SMALL + million_draw(SIZES - SMALL)];
            expect_chain(million, size, million_stages[i].apply, million_stages[k].apply);
        }
}

/* ---- parts ---- */

/* The part has none of those that came before it, which it joins. */
static void take_part(const struct million *million, const char *path, struct rowset *all)
{
    CLEANUP_SET struct set *set = run(million, path);
    CLEANUP_ROWSET struct rowset *rows = set_rows(set);
    cr_assert(!rowset_intersects(all, rows), "%s: some of it is in another part", path);
    rowset_or(all, rows);
}

static void check_shards(const struct million *million, uint32_t size, unsigned of)
{
    CLEANUP_ROWSET struct rowset *all = rowset_new();
    for (unsigned i = 0; i < of; i++) {
        CLEANUP_FREE char *path = mem_printf("place.lt=%" PRIu32 "/@shuffle=3/@shard=%u,%u", size, i, of);
        take_part(million, path, all);
    }
    cr_assert_eq(rowset_count(all), size, "%u shards of %" PRIu32, of, size);
}

/* Also that no session is in two parts. */
static void check_splits(const struct million *million, uint32_t size, bool whole)
{
    static const char *const ends[] = {"", "12.5", "80", "80.000001", ""};
    CLEANUP_ROWSET struct rowset *all = rowset_new();
    int16_t part_of[MILLION_CLIPS / MILLION_SESSION + 1] = {0};
    for (int16_t part = 1; part < 5; part++) {
        CLEANUP_FREE char *path = mem_printf("place.lt=%" PRIu32 "/@split=%s..%s,5%s", size, ends[part - 1],
                                             ends[part], whole ? ",crew" : "");
        CLEANUP_SET struct set *set = run(million, path);
        for (uint64_t i = 0; i < set_count(set) && whole; i++) {
            int16_t session = million->session[set_at(set, i)];
            cr_assert(session < 0 || !part_of[session] || part_of[session] == part, "session %d is split",
                      session);
            if (session >= 0)
                part_of[session] = part;
        }
        take_part(million, path, all);
    }
    cr_assert_eq(rowset_count(all), size);
}

/* ---- listings ---- */

/* As a mount lists: some rows from a cursor on, in the set of the window where it is, which is made again. */
static void check_pages(const struct million *million, const char *path, size_t page)
{
    CLEANUP_QUERY struct query *query = parse(million, path);
    CLEANUP_SET struct set *whole = run(million, path);
    CLEANUP_FREE uint32_t *rows = mem_alloc(page * sizeof *rows);
    CLEANUP_ROWSET struct rowset *seen = rowset_new();
    struct catalog_reader *reader = million->versions.reader;
    uint32_t windows;
    uint64_t cursor = 0, at = 0;
    cr_assert_eq(query_windows(query, reader, &windows, NULL), 0);
    while (query_window(query, cursor) < windows) {
        CLEANUP_SET struct set *set = NULL;
        uint32_t window = query_window(query, cursor);
        cr_assert_eq(query_run_window(query, reader, window, &set, NULL), 0);
        size_t count = set_read(set, cursor, rows, page, &cursor);
        for (size_t i = 0; i < count; i++)
            cr_assert_eq(rows[i], set_at(whole, at + i), "%s: at %" PRIu64, path, at + i);
        rowset_add_many(seen, rows, count);
        at += count;
        if (!count && query_window_end(query, window) == UINT64_MAX)
            break;
        cursor = count ? cursor : query_window_end(query, window);
    }
    cr_assert(at == set_count(whole) && rowset_count(seen) == at,
              "%s: %" PRIu64 " listed, %" PRIu64 " of them once", path, at, rowset_count(seen));
}

Test(million, stages_and_chains_of_two_are_what_they_are_of_a_list_at_any_size, .timeout = 1800)
{
    struct million *million = million_new(test_seed());
    CLEANUP_ROWSET struct rowset *live = NULL;
    cr_assert_eq(catalog_live(million->versions.reader, &live, NULL), 0);
    cr_assert_eq(rowset_count(live), MILLION_CLIPS);
    check_stages(million);
    check_pairs(million);
    for (size_t i = 0; i < SIZES; i++) {
        check_shards(million, sizes[i], 7);
        check_splits(million, sizes[i], i % 2);
        check_splits(million, sizes[i], !(i % 2));
    }
    check_shards(million, 65536, 256);
    check_pages(million, "", 100000);
    check_pages(million, "word.nin=x%2Cy,a%2Bb", 65536);
    check_pages(million, "@shuffle=7", 77777);
    check_pages(million, "@shuffle=7/@skip=1000000", 12345);
    check_pages(million, "@sort=-word", 300000);
    check_pages(million, "@sample=1048576", 400000);
    rowset_unref(STEAL(live));
    million_free(million);
    check_leaks();
}

Test(million, every_stage_that_is_supported_is_tried_at_size)
{
    const struct stage *stage;
    size_t supported = 0;
    for (size_t i = 0; (stage = stage_at(i)); i++) {
        size_t at = 0;
        while (at < MILLION_STAGES && strcmp(million_stages[at].name, stage->name) != 0)
            at++;
        cr_assert(at < MILLION_STAGES || !stage->bind, "%s", stage->name);
        supported += stage->bind != NULL;
    }
    cr_assert_eq(supported, MILLION_STAGES);
}
