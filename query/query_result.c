// SPDX-License-Identifier: Apache-2.0
/* Rows ascend, so a cursor is the next row to look at: it stays right if the result was forgotten and made
 * again in between. */
#include <stdlib.h>

#include "query/plan.h"
#include "query/query.h"

struct query_result {
    atomic_uint refs;
    struct rowset *rows;
    uint64_t count;
    size_t bytes;
};

/* A Roaring container takes 2 bytes a row, at most 8 KiB for its 65,536, and some 64 bytes itself. */
static size_t bytes_of(uint64_t count, uint64_t rows)
{
    uint64_t containers = rows / 65536 + 1;
    if (containers > count)
        containers = count;
    uint64_t sparse = count * 2, dense = containers * 8192;
    return sizeof(struct query_result) + (size_t)(containers * 64 + (sparse < dense ? sparse : dense));
}

static int run(const struct query *query, struct catalog_reader *reader, const struct catalog_window *window,
               struct query_result **ret, struct error *err)
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
    struct query_result *result = MEM_NEW(struct query_result);
    result->refs = 1;
    result->count = rowset_count(rows);
    result->bytes = bytes_of(result->count, plan.rows);
    result->rows = STEAL(rows);
    *ret = result;
    return 0;
}

int query_run(const struct query *query, struct catalog_reader *reader, struct query_result **ret,
              struct error *err)
{
    return run(query, reader, NULL, ret, err);
}

int query_run_window(const struct query *query, struct catalog_reader *reader, uint32_t number,
                     struct query_result **ret, struct error *err)
{
    const struct catalog_window window = plan_window(number);
    return run(query, reader, &window, ret, err);
}

int query_windows(struct catalog_reader *reader, uint32_t *ret, struct error *err)
{
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (rc >= 0)
        *ret = plan_windows(info.rows);
    return rc < 0 ? rc : 0;
}

uint32_t query_window(uint64_t row)
{
    return (uint32_t)(row >> CATALOG_WINDOW_BITS);
}

uint64_t query_window_end(uint32_t number)
{
    return plan_window(number).end;
}

struct query_result *query_result_ref(struct query_result *result)
{
    atomic_fetch_add_explicit(&result->refs, 1, memory_order_relaxed);
    return result;
}

void query_result_unref(struct query_result *result)
{
    if (!result || atomic_fetch_sub_explicit(&result->refs, 1, memory_order_acq_rel) != 1)
        return;
    rowset_unref(result->rows);
    free(result);
}

uint64_t query_result_count(const struct query_result *result)
{
    return result->count;
}

size_t query_result_bytes(const struct query_result *result)
{
    return result->bytes;
}

bool query_result_contains(const struct query_result *result, uint32_t row)
{
    return rowset_contains(result->rows, row);
}

size_t query_result_rows(const struct query_result *result, uint64_t from, uint32_t *ret_rows, size_t max,
                         uint64_t *ret_next)
{
    size_t n = rowset_rows(result->rows, from, ret_rows, max);
    *ret_next = n ? (uint64_t)ret_rows[n - 1] + 1 : from;
    return n;
}

int query_result_each(const struct query_result *result, query_row_fn *each, void *ctx, struct error *err)
{
    uint32_t rows[1024];
    uint64_t from = 0;
    for (size_t n; (n = query_result_rows(result, from, rows, sizeof rows / sizeof *rows, &from));)
        for (size_t i = 0; i < n; i++) {
            int rc = each(ctx, rows[i], err);
            if (rc)
                return rc;
        }
    return 0;
}

int query_each(const struct query *query, struct catalog_reader *reader, query_row_fn *each, void *ctx,
               struct error *err)
{
    uint32_t windows;
    int rc = query_windows(reader, &windows, err);
    for (uint32_t number = 0; !rc && number < windows; number++) {
        CLEANUP_QUERY_RESULT struct query_result *result = NULL;
        rc = query_run_window(query, reader, number, &result, err);
        if (!rc)
            rc = query_result_each(result, each, ctx, err);
    }
    return rc;
}
