// SPDX-License-Identifier: Apache-2.0
/* What conditions leave ascends, so it can be had in windows of rows. */
#include "query/plan.h"
#include "query/query.h"

static int run(const struct query *query, struct catalog_reader *reader, const struct catalog_window *window,
               struct set **ret, struct error *err)
{
    CLEANUP_PLAN struct plan plan = {0};
    CLEANUP_ROWSET struct rowset *rows = NULL;
    size_t count;
    struct clause *const *clauses = query_clauses(query, &count);
    int rc = plan_make(clauses, count, reader, window, &plan, err);
    if (!rc)
        rc = plan_rows(&plan, reader, window, &rows, err);
    if (rc < 0)
        return rc;
    *ret = set_new_rows(rows);
    return 0;
}

int query_run(const struct query *query, struct catalog_reader *reader, struct set **ret, struct error *err)
{
    return run(query, reader, NULL, ret, err);
}

int query_run_window(const struct query *query, struct catalog_reader *reader, uint32_t number,
                     struct set **ret, struct error *err)
{
    const struct catalog_window window = plan_window(number);
    return run(query, reader, &window, ret, err);
}

int query_windows(const struct query *query, struct catalog_reader *reader, uint32_t *ret, struct error *err)
{
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (rc >= 0)
        *ret = plan_windows(info.rows);
    return rc < 0 ? rc : 0;
}

uint32_t query_window_of_row(const struct query *query, uint32_t row)
{
    return query_window(query, row);
}

uint32_t query_window(const struct query *query, uint64_t cursor)
{
    return (uint32_t)(cursor >> CATALOG_WINDOW_BITS);
}

uint64_t query_window_end(const struct query *query, uint32_t number)
{
    return plan_window(number).end;
}

int query_each(const struct query *query, struct catalog_reader *reader, set_row_fn *each, void *ctx,
               struct error *err)
{
    uint32_t windows;
    int rc = query_windows(query, reader, &windows, err);
    for (uint32_t number = 0; !rc && number < windows; number++) {
        CLEANUP_SET struct set *result = NULL;
        rc = query_run_window(query, reader, number, &result, err);
        if (!rc)
            rc = set_each(result, each, ctx, err);
    }
    return rc;
}
