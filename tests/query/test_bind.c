// SPDX-License-Identifier: Apache-2.0
/* What paths mean in a small data set, as golden lines: canonical forms, errors, plans. */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>

#include "query/query.h"
#include "query/report/report.h"
#include "query/say/hint.h"
#include "tests/query/golden.h"
#include "tests/query/world.h"
#include "tests/test_leaks.h"

static void parse_and_count(void *ctx, const char *input, size_t len, struct buf *result)
{
    const struct world_catalog *open = ctx;
    CLEANUP_QUERY struct query *query = NULL;
    struct error err;
    uint64_t count;
    int rc = query_parse(input, len, open->reader, &query, &err);
    if (rc == -ENOENT)
        rc = hint_path(input, len, open->reader, &err);
    if (rc || query_count(query, open->reader, &count, &err)) {
        buf_text_append(result, err.text);
        return;
    }
    query_canonical(query, result);
    buf_printf(result, " [%" PRIu64 "]", count);
}

static void explain(void *ctx, const char *input, size_t len, struct buf *result)
{
    const struct world_catalog *open = ctx;
    CLEANUP_QUERY struct query *query = NULL;
    struct error err;
    if (query_parse(input, len, open->reader, &query, &err) ||
        report_append(REPORT_EXPLAIN, query, open->reader, result, &err))
        buf_text_append(result, err.text);
}

static void check(const char *name, golden_fn *make)
{
    struct world world;
    struct world_catalog open;
    world_kitchen(&world, &open);
    int failed = golden_check(name, make, &open);
    world_close(&open);
    world_done(&world);
    cr_assert_eq(failed, 0, "%d lines of %s differ", failed, name);
}

Test(bind, paths_mean_what_the_table_says)
{
    check("bind.txt", parse_and_count);
    check_leaks();
}

Test(bind, plans_are_as_the_table_says)
{
    check("explain.txt", explain);
    check_leaks();
}
