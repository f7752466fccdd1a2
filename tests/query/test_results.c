// SPDX-License-Identifier: Apache-2.0
/* Recent results: shared by canonical form, bounded by bytes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "query/query.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"

static struct world world;
static struct world_catalog open_world;

static struct set *get(struct query_results *results, const char *path, uint32_t version)
{
    CLEANUP_QUERY struct query *query = NULL;
    struct set *result = NULL;
    struct error err = {0};
    cr_assert_eq(query_parse(path, strlen(path), open_world.reader, &query, &err), 0, "%s", err.text);
    const struct query_asked asked = {.version = version, .query = query};
    cr_assert_eq(query_results_get(results, &asked, open_world.reader, &result, &err), 0, "%s", err.text);
    set_unref(result); /* still kept, if it was */
    return result;
}

Test(results, two_spellings_share_a_result_and_two_versions_do_not)
{
    world_kitchen(&world, &open_world);
    struct query_results *results = query_results_new(1 << 20);
    struct set *first = get(results, "arm=left/outcome=fail", 1);
    cr_assert_eq(get(results, "outcome.in=fail/arm=left", 1), first);
    cr_assert_neq(get(results, "arm=left/outcome=fail", 2), first);
    query_results_free(results);
    world_close(&open_world);
    world_done(&world);
    check_leaks();
}

static struct set *get_around(struct query_results *results, const char *path, uint32_t row)
{
    CLEANUP_QUERY struct query *query = NULL;
    struct set *result = NULL;
    cr_assert_eq(query_parse(path, strlen(path), open_world.reader, &query, NULL), 0, "%s", path);
    const struct query_asked asked = {.version = 1, .query = query};
    cr_assert_eq(query_results_get_around(results, &asked, row, open_world.reader, &result, NULL), 0);
    set_unref(result); /* still kept */
    return result;
}

Test(results, a_clip_is_looked_for_in_an_ordered_folder_without_putting_it_in_order_unless_that_is_kept)
{
    world_kitchen(&world, &open_world);
    struct query_results *results = query_results_new(1 << 20);
    struct set *plain = get(results, "arm=left", 1);
    cr_assert_eq(get_around(results, "arm=left/@sort=length", 0), plain);
    cr_assert_eq(get_around(results, "@shuffle=7/arm=left", 1), plain);
    cr_assert_eq(get_around(results, "@sort=length/arm=left/@shuffle=1/@shuffle=2/arm=left", 1), plain);
    cr_assert_neq(get_around(results, "@sort=length/@head=3/arm=left", 1), plain, "places are counted");
    struct set *sorted = get(results, "arm=left/@sort=length", 1);
    cr_assert_neq(sorted, plain);
    cr_assert_eq(get_around(results, "arm=left/@sort=length", 0), sorted);
    query_results_free(results);
    world_close(&open_world);
    world_done(&world);
    check_leaks();
}

Test(results, the_least_recently_used_goes_first)
{
    world_kitchen(&world, &open_world);
    struct query_results *results = query_results_new(1000); /* room for a few */
    struct set *kept = get(results, "arm=left", 1);
    char path[32];
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof path, "length.gt=%d", i);
        get(results, path, 1);
        cr_assert_eq(get(results, "arm=left", 1), kept, "used every time, so never dropped (%d)", i);
    }
    query_results_free(results);
    world_close(&open_world);
    world_done(&world);
    check_leaks();
}

Test(results, a_result_larger_than_the_bound_is_given_but_not_kept)
{
    world_kitchen(&world, &open_world);
    CLEANUP_QUERY struct query *query = query_all();
    struct query_results *results = query_results_new(10);
    struct set *result = NULL;
    const struct query_asked asked = {.version = 1, .query = query};
    cr_assert_eq(query_results_get(results, &asked, open_world.reader, &result, NULL), 0);
    cr_assert_eq(set_count(result), 8);
    set_unref(result);
    query_results_free(results);
    query_unref(STEAL(query));
    world_close(&open_world);
    world_done(&world);
    check_leaks();
}
