// SPDX-License-Identifier: Apache-2.0
/* Which stages make no difference to a question, as canonical paths. That the answers stay what they are,
 * test_stage has by random paths. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "query/lean.h"
#include "query/query.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"

static const struct {
    const char *path, *ordered, *unordered; /* what is done where the order is asked for, and where not */
} cases[] = {
    {"", "", ""},
    {"arm=left", "arm=left", "arm=left"},
    {"@shuffle=7", "@shuffle=7", ""},
    {"@sort=length", "@sort=length", ""},
    {"@sort=length/@sort=-arm", "@sort=-arm", ""},
    {"@sort=length/@shuffle=7", "@sort=length/@shuffle=7", ""},
    {"@shuffle=7/@sort=length", "@sort=length", ""},
    {"@sort=length/arm=left", "arm=left/@sort=length", "arm=left"},
    {"@shuffle=7/arm=left", "@shuffle=7/arm=left", "arm=left"},
    {"ok=true/@shuffle=7/arm=left/@shuffle=8/ok=true", "ok=true/@shuffle=7/arm=left/@shuffle=8/ok=true",
     "arm=left/ok=true"},
    {"@sort=length/@head=3/@sort=arm", "@sort=length/@head=3/@sort=arm", "@sort=length/@head=3"},
    {"@shuffle=7/@sort=length/@skip=1", "@sort=length/@skip=1", "@sort=length/@skip=1"},
    {"@sort=length/ok=true/@sample=3/@shard=0,2", "ok=true/@sample=3,0/@sort=length/@shard=0,2",
     "@sort=length/ok=true/@sample=3,0/@shard=0,2"}, /* nothing to leave out: the query itself */
    {"@shuffle=1/@sample=3/@split=0..50/@balance=arm/@key=ep000",
     "@shuffle=1/@sample=3,0/@split=0..50,0/@balance=arm/@key=ep000",
     "@sample=3,0/@split=0..50,0/@balance=arm/@key=ep000"},
    {"@sort=length/@text=cube,3/@streams=front", "@text=cube,3/@streams=front",
     "@text=cube,3/@streams=front"},
    {"@text=cube,3/@sort=length/@since=v1", "@text=cube,3/@since=v1/@sort=length", "@text=cube,3/@since=v1"},
    {"@text=cube,3/@shuffle=1/@head=1", "@text=cube,3/@shuffle=1/@head=1", "@text=cube,3/@shuffle=1/@head=1"},
};

static void print_lean(const struct query *query, struct buf *buf)
{
    size_t count;
    struct clause *const *clauses = query_clauses(query, &count);
    CLEANUP_FREE struct clause **kept = mem_alloc((count + 1) * sizeof *kept);
    count = lean_clauses(clauses, count, true, kept);
    for (size_t i = 0; i < count; i++)
        buf_printf(buf, "%s%s", i ? "/" : "", kept[i]->text);
}

Test(lean, stages_that_only_order_are_left_out_where_no_order_and_no_place_is_asked_for)
{
    struct world world;
    struct world_catalog open;
    world_kitchen(&world, &open);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_QUERY struct query *query = NULL, *any = NULL;
        CLEANUP_BUF struct buf ordered = BUF_INIT, unordered = BUF_INIT;
        struct error err = {0};
        const char *path = cases[i].path;
        cr_assert_eq(query_parse(path, strlen(path), open.reader, &query, &err), 0, "%s", err.text);
        any = query_unordered(query);
        print_lean(query, &ordered);
        query_canonical(any, &unordered);
        cr_expect_str_eq(buf_text(&ordered), cases[i].ordered, "%s: %s", path, buf_text(&ordered));
        cr_expect_str_eq(buf_text(&unordered), cases[i].unordered, "%s: %s", path, buf_text(&unordered));
    }
    world_close(&open);
    world_done(&world);
    check_leaks();
}

Test(lean, a_stage_that_leaves_all_says_so_of_the_number_too)
{
    const struct stage *stage;
    for (size_t i = 0; (stage = stage_at(i)); i++)
        if (stage->leaves_all)
            cr_assert(stage->exact && stage->leaves(NULL, 17) == 17, "%s", stage->name);
}

/* In another data set what is sorted by is a list, which has no order: who sorts is refused. */
Test(lean, whether_and_how_many_and_which_clips_there_are_is_told_without_sorting_them)
{
    static const struct world_attribute number[] = {{"n", VALUE_INT, false}, {NULL, VALUE_BOOL, false}};
    static const struct world_attribute list[] = {{"n", VALUE_LIST, false}, {NULL, VALUE_BOOL, false}};
    static const char *const paths[] = {"@sort=n", "@sort=-n/@sample=2", "@sort=n/n.null=0/@shuffle=7"};
    char lines[][16] = {"ep1 n=3", "ep2 n=1"};
    struct world worlds[2] = {{.attributes = number}, {.attributes = list}};
    struct world_catalog open[2];
    for (size_t i = 0; i < 2; i++) {
        world_add_line(&worlds[0], lines[i]);
        world_value(&worlds[1], world_add(&worlds[1], i ? "ep2" : "ep1"), "n", "[1,2]");
    }
    world_open(&worlds[0], &open[0]), world_open(&worlds[1], &open[1]);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        CLEANUP_QUERY struct query *query = NULL;
        CLEANUP_ROWSET struct rowset *rows = NULL;
        struct set *set = NULL;
        struct error err = {0};
        uint64_t count = 0;
        bool any = false;
        cr_assert_eq(query_parse(paths[i], strlen(paths[i]), open[0].reader, &query, &err), 0, "%s",
                     err.text);
        cr_assert_eq(query_run(query, open[1].reader, &set, NULL), -EINVAL, "%s", paths[i]);
        cr_assert_eq(query_count(query, open[1].reader, &count, &err), 0, "%s: %s", paths[i], err.text);
        cr_assert_eq(query_exists(query, open[1].reader, &any, &err), 0, "%s: %s", paths[i], err.text);
        cr_assert_eq(query_rows(query, open[1].reader, &rows, &err), 0, "%s: %s", paths[i], err.text);
        cr_assert(count == 2 && any && rowset_count(rows) == 2, "%s", paths[i]);
    }
    world_close(&open[0]), world_close(&open[1]);
    world_done(&worlds[0]), world_done(&worlds[1]);
    check_leaks();
}
