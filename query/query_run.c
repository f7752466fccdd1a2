// SPDX-License-Identifier: Apache-2.0
/*
 * The clauses of a query are runs of conditions with barriers between them:
 *
 *     arm=left outcome=fail  @shuffle=7  length.gt=100  @head=10
 *     `---- a run -----'     a barrier   `--- a run --'  a barrier
 *
 * The first run gives rows; each barrier makes another set of what stands before it, each run behind one
 * keeps what meets it. Who asks for the first few, or whether there is any, or how many, is not given more
 * than that takes: barriers tell how many they need and leave. What conditions alone leave ascends, so it can
 * be had in windows of rows.
 */
#include <stdlib.h>

#include "query/clause.h"
#include "query/coming.h"
#include "query/lean.h"
#include "query/plan.h"
#include "query/query.h"

struct run { /* of clauses, borrowed */
    struct clause **clauses;
    size_t end;
    struct catalog_reader *reader;
};

static void run_done(struct run *run)
{
    free(run->clauses);
}
#define CLEANUP_RUN CLEANUP(run_done)

/* What the first so many clauses mean, in order or in any. */
static struct run run_of(const struct query *query, size_t clauses, bool ordered,
                         struct catalog_reader *reader)
{
    size_t all;
    struct clause *const *list = query_clauses(query, &all);
    struct run run = {.clauses = mem_alloc((all + 1) * sizeof *run.clauses), .reader = reader};
    run.end = lean_clauses(list, clauses < all ? clauses : all, ordered, run.clauses);
    return run;
}

static size_t next_barrier(const struct run *run, size_t from)
{
    while (from < run->end && !clause_is_barrier(run->clauses[from]))
        from++;
    return from;
}

static bool has_barrier(const struct query *query)
{
    size_t count;
    struct clause *const *clauses = query_clauses(query, &count);
    while (count && !clause_is_barrier(clauses[count - 1]))
        count--;
    return count;
}

/* So many of the first rows that come to clause `from` are enough to know the `first` first of the run. */
static uint64_t needed(const struct run *run, size_t from, uint64_t first)
{
    for (size_t i = run->end; i-- > from;) {
        const struct clause *clause = run->clauses[i];
        bool tells = clause_is_barrier(clause) && clause->stage->needs;
        first = tells ? clause->stage->needs(clause->bound, first) : UINT64_MAX;
    }
    return first;
}

static int condition_rows(const struct run *run, size_t from, size_t to, uint64_t first, struct rowset **ret,
                          struct error *err)
{
    CLEANUP_PLAN struct plan plan = {0};
    const struct catalog_window window = plan_window(0);
    int rc = plan_make(run->clauses + from, to - from, run->reader, first < UINT64_MAX ? &window : NULL,
                       &plan, err);
    if (!rc)
        rc = first < UINT64_MAX ? plan_first(&plan, run->reader, first, ret, err)
                                : plan_rows(&plan, run->reader, NULL, ret, err);
    return rc;
}

/* Those of the set that meet the conditions; all, where there is no set yet. */
static int keep(const struct run *run, size_t from, size_t to, uint64_t first, struct set **set,
                struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    if (*set && from == to)
        return 0;
    int rc = condition_rows(run, from, to, *set ? UINT64_MAX : first, &rows, err);
    if (rc < 0)
        return rc;
    struct set *kept = *set ? set_new_kept(*set, rows) : set_new_rows(rows);
    set_unref(*set);
    *set = kept;
    return 0;
}

static int apply(const struct run *run, size_t at, struct set **set, struct error *err)
{
    const struct clause *clause = run->clauses[at];
    struct set *after = NULL;
    int rc = clause->stage->apply(clause->bound, run->reader, *set, &after, err);
    if (rc < 0)
        return rc;
    set_unref(*set);
    *set = after;
    return 0;
}

/* All that the run leaves, or the `first` first and maybe more. */
static int evaluate(const struct run *run, uint64_t first, struct set **ret, struct error *err)
{
    CLEANUP_SET struct set *set = NULL;
    size_t at = 0;
    do {
        size_t barrier = next_barrier(run, at);
        int rc = keep(run, at, barrier, needed(run, barrier, first), &set, err);
        if (!rc && barrier < run->end)
            rc = apply(run, barrier, &set, err);
        if (rc < 0)
            return rc;
        at = barrier + 1;
    } while (at < run->end);
    *ret = STEAL(set);
    return 0;
}

/* ---- the questions ---- */

int query_run(const struct query *query, struct catalog_reader *reader, struct set **ret, struct error *err)
{
    CLEANUP_RUN struct run run = run_of(query, SIZE_MAX, true, reader);
    return evaluate(&run, UINT64_MAX, ret, err);
}

int query_run_through(const struct query *query, size_t clauses, struct catalog_reader *reader,
                      struct set **ret, struct error *err)
{
    CLEANUP_RUN struct run run = run_of(query, clauses, false, reader);
    return evaluate(&run, UINT64_MAX, ret, err);
}

int query_rows(const struct query *query, struct catalog_reader *reader, struct rowset **ret,
               struct error *err)
{
    CLEANUP_SET struct set *set = NULL;
    int rc = query_run_through(query, SIZE_MAX, reader, &set, err);
    if (!rc)
        *ret = set_rows(set);
    return rc;
}

int query_first(const struct query *query, uint64_t most, struct catalog_reader *reader, struct set **ret,
                struct error *err)
{
    CLEANUP_SET struct set *set = NULL;
    CLEANUP_RUN struct run run = run_of(query, SIZE_MAX, true, reader);
    int rc = evaluate(&run, most, &set, err);
    if (rc < 0)
        return rc;
    *ret = set_count(set) > most ? set_new_every(set, 0, 1, most) : STEAL(set);
    return 0;
}

/* A stage at the end that leaves so many of so many, whichever they are. */
static bool ends_exactly(struct clause *const *clauses, size_t count)
{
    return count && clause_is_barrier(clauses[count - 1]) && clauses[count - 1]->stage->exact;
}

int query_exists(const struct query *query, struct catalog_reader *reader, bool *ret, struct error *err)
{
    CLEANUP_PLAN struct plan plan = {0};
    CLEANUP_SET struct set *set = NULL;
    const struct catalog_window window = plan_window(0);
    size_t end;
    struct clause *const *clauses = query_clauses(query, &end);
    while (ends_exactly(clauses, end) && clauses[end - 1]->stage->leaves(clauses[end - 1]->bound, 1))
        end--; /* what leaves one of one leaves some of any */
    CLEANUP_RUN struct run run = run_of(query, end, false, reader);
    if (next_barrier(&run, 0) == run.end) {
        int rc = plan_make(run.clauses, run.end, reader, &window, &plan, err);
        return rc ? rc : plan_exists(&plan, reader, ret, err);
    }
    int rc = evaluate(&run, 1, &set, err);
    if (!rc)
        *ret = set_count(set) > 0;
    return rc;
}

int query_count(const struct query *query, struct catalog_reader *reader, uint64_t *ret, struct error *err)
{
    CLEANUP_PLAN struct plan plan = {0};
    CLEANUP_SET struct set *set = NULL;
    uint64_t count = 0;
    size_t all, end;
    struct clause *const *clauses = query_clauses(query, &all);
    for (end = all; ends_exactly(clauses, end);)
        end--;
    CLEANUP_RUN struct run run = run_of(query, end, false, reader);
    bool conditions = next_barrier(&run, 0) == run.end;
    int rc = conditions ? plan_make(run.clauses, run.end, reader, NULL, &plan, err)
                        : evaluate(&run, UINT64_MAX, &set, err);
    if (!rc && conditions)
        rc = plan_count(&plan, reader, &count, err);
    if (rc < 0)
        return rc;
    if (!conditions)
        count = set_count(set);
    for (; end < all; end++)
        count = clauses[end]->stage->leaves(clauses[end]->bound, count);
    *ret = count;
    return 0;
}

/* ---- windows ---- */

int query_run_window(const struct query *query, struct catalog_reader *reader, uint32_t number,
                     struct set **ret, struct error *err)
{
    CLEANUP_PLAN struct plan plan = {0};
    CLEANUP_ROWSET struct rowset *rows = NULL;
    const struct catalog_window window = plan_window(number);
    if (has_barrier(query))
        return query_run(query, reader, ret, err);
    CLEANUP_RUN struct run run = run_of(query, SIZE_MAX, true, reader);
    int rc = plan_make(run.clauses, run.end, reader, &window, &plan, err);
    if (!rc)
        rc = plan_rows(&plan, reader, &window, &rows, err);
    if (!rc)
        *ret = set_new_rows(rows);
    return rc;
}

int query_windows(const struct query *query, struct catalog_reader *reader, uint32_t *ret, struct error *err)
{
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (rc >= 0)
        *ret = has_barrier(query) ? 1 : plan_windows(info.rows);
    return rc < 0 ? rc : 0;
}

uint32_t query_window_of_row(const struct query *query, uint32_t row)
{
    return query_window(query, row);
}

uint32_t query_window(const struct query *query, uint64_t cursor)
{
    return has_barrier(query) ? 0 : (uint32_t)(cursor >> CATALOG_WINDOW_BITS);
}

uint64_t query_window_end(const struct query *query, uint32_t number)
{
    return has_barrier(query) ? UINT64_MAX : plan_window(number).end;
}

/* `each` is a walk through one window's set. */
typedef int window_fn(void *ctx, const struct set *set, struct error *err);

static int each_window(const struct query *query, struct catalog_reader *reader, window_fn *each, void *ctx,
                       struct error *err)
{
    uint32_t windows;
    int rc = query_windows(query, reader, &windows, err);
    for (uint32_t number = 0; !rc && number < windows; number++) {
        CLEANUP_SET struct set *result = NULL;
        rc = query_run_window(query, reader, number, &result, err);
        if (!rc)
            rc = each(ctx, result, err);
    }
    return rc;
}

struct walk {
    struct catalog_reader *reader;
    enum catalog_coming_what what;
    set_row_fn *each;
    void *ctx;
};

static int walk_rows(void *ctx, const struct set *set, struct error *err)
{
    const struct walk *walk = ctx;
    return set_each(set, walk->each, walk->ctx, err);
}

static int walk_clips(void *ctx, const struct set *set, struct error *err)
{
    const struct walk *walk = ctx;
    return coming_each(set, walk->reader, walk->what, walk->each, walk->ctx, err);
}

int query_each(const struct query *query, struct catalog_reader *reader, set_row_fn *each, void *ctx,
               struct error *err)
{
    struct walk walk = {.each = each, .ctx = ctx};
    return each_window(query, reader, walk_rows, &walk, err);
}

int query_each_clip(const struct query *query, struct catalog_reader *reader, enum catalog_coming_what what,
                    set_row_fn *each, void *ctx, struct error *err)
{
    struct walk walk = {reader, what, each, ctx};
    return each_window(query, reader, walk_clips, &walk, err);
}
