// SPDX-License-Identifier: Apache-2.0
/*
 * Steps are sorted by their estimates and cut to an intersection, window by window. What only asks whether
 * there is a clip, or how many, makes no set that it does not need.
 */
#include "query/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare_steps(const void *a, const void *b)
{
    const struct plan_step *x = a, *y = b;
    if (x->estimate != y->estimate)
        return x->estimate < y->estimate ? -1 : 1;
    return strcmp(x->clause->text, y->clause->text);
}

static uint64_t combine(const struct plan *plan)
{
    double rows = (double)plan->clips;
    for (size_t i = 0; i < plan->count && plan->clips; i++)
        rows *= (double)plan->steps[i].estimate / (double)plan->clips;
    return (uint64_t)(rows + 0.5);
}

/* All that the clauses will read is asked for at once, so that who waits does so for all of them together. */
static void ask_ahead(const struct plan *plan, struct catalog_reader *reader,
                      const struct catalog_window *window, bool missed)
{
    size_t all = 0, at = 0;
    for (size_t i = 0; i < plan->count; i++)
        all += plan->steps[i].clause->count;
    CLEANUP_FREE struct catalog_literal *literals = mem_alloc((all + 1) * sizeof *literals);
    for (size_t i = 0; i < plan->count; i++)
        for (size_t k = 0; k < plan->steps[i].clause->count; k++) {
            literals[at] = literal_condition(&plan->steps[i].clause->literals[k]);
            literals[at++].window = window;
        }
    if (missed)
        catalog_select_ahead(reader, literals, at);
    else
        catalog_select_ahead_once(reader, literals, at);
}

/* A reader that does not wait has met a page that is not here: it comes back when some are. */
static int missed(const struct plan *plan, struct catalog_reader *reader, const struct catalog_window *window,
                  int rc)
{
    if (rc == -EAGAIN)
        ask_ahead(plan, reader, window, true);
    return rc;
}

int plan_make(struct clause *const *clauses, size_t count, struct catalog_reader *reader,
              const struct catalog_window *window, struct plan *ret, struct error *err)
{
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (rc < 0)
        return rc;
    CLEANUP_PLAN struct plan plan = {.steps = mem_zero(count * sizeof *plan.steps),
                                     .count = count,
                                     .clips = info.clips,
                                     .version = info.version,
                                     .rows = info.rows};
    for (size_t i = 0; i < count; i++)
        plan.steps[i].clause = clauses[i];
    if (!catalog_reader_nowait(reader)) /* nobody waits where all is here */
        ask_ahead(&plan, reader, window, false);
    for (size_t i = 0; i < count; i++) {
        rc = clause_estimate(clauses[i], reader, window, info.clips, &plan.steps[i].estimate, err);
        if (rc < 0)
            return missed(&plan, reader, window, rc);
    }
    qsort(plan.steps, count, sizeof *plan.steps, compare_steps);
    plan.estimate = combine(&plan);
    *ret = plan;
    plan.steps = NULL;
    return 0;
}

void plan_done(struct plan *plan)
{
    free(plan->steps);
    plan->steps = NULL;
    plan->count = 0;
}

/* The AND of the first `count` (>= 1) steps, maybe shared; stops at an empty set. */
static int rows_of(const struct plan *plan, size_t count, struct catalog_reader *reader,
                   const struct catalog_window *window, struct rowset **ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *all = NULL;
    int rc = clause_select(plan->steps[0].clause, reader, window, &all, err);
    if (rc < 0)
        return rc;
    if (count > 1) {
        struct rowset *own = rowset_copy(all);
        rowset_unref(all);
        all = own;
    }
    for (size_t i = 1; i < count && !rowset_empty(all); i++) {
        CLEANUP_ROWSET struct rowset *rows = NULL;
        const struct clause *clause = plan->steps[i].clause;
        rc = clause->stage ? clause_narrow(clause, reader, all, &rows, err)
                           : clause_select(clause, reader, window, &rows, err);
        if (rc < 0)
            return rc;
        rowset_and(all, rows);
    }
    *ret = STEAL(all);
    return 0;
}

int plan_rows(const struct plan *plan, struct catalog_reader *reader, const struct catalog_window *window,
              struct rowset **ret, struct error *err)
{
    if (!plan->count)
        return clause_live(reader, window, ret, err);
    return missed(plan, reader, window, rows_of(plan, plan->count, reader, window, ret, err));
}

/* The AND of all steps but the last, and the last one's rows: NULL where the first is all there is to it, for
 * it is empty, or there is only one step. So nobody makes a set only to count it. */
static int last_two(const struct plan *plan, struct catalog_reader *reader,
                    const struct catalog_window *window, struct rowset **ret_first, struct rowset **ret_last,
                    struct error *err)
{
    CLEANUP_ROWSET struct rowset *first = NULL;
    bool one = plan->count == 1;
    int rc = rows_of(plan, one ? 1 : plan->count - 1, reader, window, &first, err);
    if (rc >= 0 && !one && !rowset_empty(first))
        rc = clause_select(plan->steps[plan->count - 1].clause, reader, window, ret_last, err);
    if (rc >= 0)
        *ret_first = STEAL(first);
    return rc < 0 ? missed(plan, reader, window, rc) : 0;
}

int plan_count(const struct plan *plan, struct catalog_reader *reader, uint64_t *ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *first = NULL, *last = NULL;
    if (!plan->count) {
        *ret = plan->clips;
        return 0;
    }
    int rc = last_two(plan, reader, NULL, &first, &last, err);
    if (rc < 0)
        return rc;
    *ret = last ? rowset_and_count(first, last) : rowset_count(first);
    return 0;
}

/* Window by window: most sets have a row in the first. */
int plan_exists(const struct plan *plan, struct catalog_reader *reader, bool *ret, struct error *err)
{
    bool found = !plan->count && plan->clips;
    for (uint32_t number = 0; plan->count && !found && number < plan_windows(plan->rows); number++) {
        CLEANUP_ROWSET struct rowset *first = NULL, *last = NULL;
        const struct catalog_window window = plan_window(number);
        int rc = last_two(plan, reader, &window, &first, &last, err);
        if (rc < 0)
            return rc;
        found = last ? rowset_intersects(first, last) : !rowset_empty(first);
    }
    *ret = found;
    return 0;
}

int plan_first(const struct plan *plan, struct catalog_reader *reader, uint64_t first, struct rowset **ret,
               struct error *err)
{
    CLEANUP_ROWSET struct rowset *all = rowset_new();
    for (uint32_t number = 0; number < plan_windows(plan->rows) && rowset_count(all) < first; number++) {
        CLEANUP_ROWSET struct rowset *rows = NULL;
        const struct catalog_window window = plan_window(number);
        int rc = plan_rows(plan, reader, &window, &rows, err);
        if (rc < 0)
            return rc;
        rowset_or(all, rows);
    }
    *ret = STEAL(all);
    return 0;
}

struct catalog_window plan_window(uint32_t number)
{
    uint64_t first = (uint64_t)number << CATALOG_WINDOW_BITS;
    return (struct catalog_window){.first = first, .end = first + (UINT64_C(1) << CATALOG_WINDOW_BITS)};
}

uint32_t plan_windows(uint32_t rows)
{
    return (uint32_t)(((uint64_t)rows + (UINT64_C(1) << CATALOG_WINDOW_BITS) - 1) >> CATALOG_WINDOW_BITS);
}
