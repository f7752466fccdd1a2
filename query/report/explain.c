// SPDX-License-Identifier: Apache-2.0
/*
 * The plan as it was made, a line a step, and then a warning for each literal that many clips say nothing of.
 */
#include "query/report/explain.h"

#include <inttypes.h>
#include <string.h>

#include "cache/base/count.h"
#include "query/lean.h"
#include "query/plan.h"

struct explaining {
    struct buf steps, warnings;
    size_t step;     /* printed */
    double estimate; /* clips left so far */
    uint64_t clips;  /* live ones */
    uint32_t version;
};

static void explaining_done(struct explaining *explaining)
{
    buf_done(&explaining->steps);
    buf_done(&explaining->warnings);
}
#define CLEANUP_EXPLAINING CLEANUP(explaining_done)

static void print_head(const struct query *query, const struct explaining *explaining, struct buf *buf)
{
    size_t start = buf->len;
    query_canonical(query, buf);
    if (buf->len > start)
        buf_u8(buf, '\n');
    if (explaining->step)
        buf_printf(buf, "about %.0f of %s of v%" PRIu32 " (estimated)\n", explaining->estimate,
                   COUNT(explaining->clips, "clip"), explaining->version);
    else
        buf_printf(buf, "all %s of v%" PRIu32 "\n", COUNT(explaining->clips, "clip"), explaining->version);
}

static void print_step(struct explaining *explaining, uint64_t clips, const struct clause *clause)
{
    if (!explaining->step)
        buf_printf(&explaining->steps, "\n%5s %10s  %s\n", "order", "clips", "condition");
    buf_printf(&explaining->steps, "%5zu %10" PRIu64 "  %s\n", ++explaining->step, clips, clause->text);
}

/* Where a tenth of the clips or more lack what is asked for, the answer may be poorer than people think. */
static bool many_lack(const struct catalog_counts *counts, uint64_t clips, uint64_t *ret_lacking)
{
    *ret_lacking = counts->clips < clips ? clips - counts->clips : 0;
    return *ret_lacking && *ret_lacking >= clips / 10;
}

static int warn_literal(const struct literal *literal, const struct plan *plan, struct catalog_reader *reader,
                        struct buf *buf, struct error *err)
{
    struct catalog_attribute attribute;
    struct catalog_counts counts;
    uint64_t lacking;
    if (literal->op->types == OP_ANY) /* who lacks it is what was asked */
        return 0;
    int rc = catalog_attribute_find(reader, literal->name, strlen(literal->name), &attribute, err);
    if (!rc)
        rc = catalog_attribute_counts(reader, attribute.id, &counts, err);
    if (rc < 0 || !many_lack(&counts, plan->clips, &lacking))
        return rc < 0 ? rc : 0;
    buf_printf(buf, "\nwarning: %" PRIu64 " of %s lack '%s': ", lacking, COUNT(plan->clips, "clip"),
               literal->name);
    literal_print(literal, buf);
    buf_text_append(buf, " leaves them out");
    return 0;
}

static int warn(const struct plan *plan, struct catalog_reader *reader, struct buf *buf, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++)
        for (size_t k = 0; k < plan->steps[i].clause->count; k++) {
            int rc = warn_literal(&plan->steps[i].clause->literals[k], plan, reader, buf, err);
            if (rc)
                return rc;
        }
    return 0;
}

/* Conditions between barriers, in the order in which they are evaluated. */
static int explain_conditions(struct explaining *explaining, struct clause *const *clauses, size_t count,
                              struct catalog_reader *reader, struct error *err)
{
    CLEANUP_PLAN struct plan plan = {0};
    int rc = plan_make(clauses, count, reader, NULL, &plan, err);
    if (rc)
        return rc;
    bool first = !explaining->step;
    explaining->clips = plan.clips;
    explaining->version = plan.version;
    if (first)
        explaining->estimate = (double)plan.estimate;
    else if (count && plan.clips)
        explaining->estimate *= (double)plan.estimate / (double)plan.clips;
    for (size_t i = 0; i < plan.count; i++)
        print_step(explaining, plan.steps[i].estimate, plan.steps[i].clause);
    return warn(&plan, reader, &explaining->warnings, err);
}

static void explain_barrier(struct explaining *explaining, const struct clause *barrier)
{
    uint64_t clips = (uint64_t)(explaining->estimate + 0.5);
    if (barrier->stage->leaves)
        explaining->estimate = (double)barrier->stage->leaves(barrier->bound, clips);
    print_step(explaining, (uint64_t)(explaining->estimate + 0.5), barrier);
}

/* ---- nothing is left ---- */

static void print_prefix(struct clause *const *clauses, size_t count, struct buf *buf)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(buf, "%s%s", i ? "/" : " of ", clauses[i]->text);
}

/* A condition that no clip meets: 1 if there is one. */
static int find_unmet(struct clause *const *clauses, size_t count, struct catalog_reader *reader,
                      struct buf *buf, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        CLEANUP_ROWSET struct rowset *rows = NULL;
        int rc = clause_is_barrier(clauses[i]) ? 0 : clause_select(clauses[i], reader, NULL, &rows, err);
        if (rc < 0)
            return rc;
        if (!rows || !rowset_empty(rows))
            continue;
        buf_printf(buf, "\nempty: no clip meets %s\n", clauses[i]->text);
        return 1;
    }
    return 0;
}

/* Where it is that nothing is left. */
static int print_empty(const struct query *query, uint64_t clips, struct catalog_reader *reader,
                       struct buf *buf, struct error *err)
{
    size_t count;
    struct clause *const *clauses = query_clauses(query, &count);
    int rc = find_unmet(clauses, count, reader, buf, err);
    for (size_t i = 0; !rc && i < count; i++) {
        CLEANUP_SET struct set *set = NULL;
        rc = query_run_through(query, i + 1, reader, &set, err);
        if (rc < 0)
            return rc;
        if (!set_count(set)) {
            bool barrier = clause_is_barrier(clauses[i]);
            buf_printf(buf,
                       barrier ? "\nempty: %s leaves none of the %s" : "\nempty: %s is met by none of the %s",
                       clauses[i]->text, COUNT(clips, "clip"));
            print_prefix(clauses, i, buf);
            buf_u8(buf, '\n');
            return 0;
        }
        clips = set_count(set);
    }
    return rc < 0 ? rc : 0;
}

/* What stages have to tell of the sets that they were given. */
static int tell_stages(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                       struct error *err)
{
    size_t count;
    struct clause *const *clauses = query_clauses(query, &count);
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        CLEANUP_SET struct set *set = NULL;
        const struct stage *stage = clauses[i]->stage;
        if (!stage || !stage->tell)
            continue;
        rc = query_run_through(query, i, reader, &set, err);
        size_t start = buf->len;
        buf_text_append(buf, "\n");
        if (!rc)
            rc = stage->tell(clauses[i]->bound, reader, set, buf, err);
        if (buf->len == start + 1)
            buf_truncate(buf, start);
    }
    return rc;
}

int explain_append(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                   struct error *err)
{
    CLEANUP_EXPLAINING struct explaining explaining = {0};
    size_t count, end;
    struct clause *const *all = query_clauses(query, &count);
    CLEANUP_FREE struct clause **clauses = mem_alloc((count + 1) * sizeof *clauses);
    size_t kept = lean_clauses(all, count, true, clauses);
    for (size_t at = 0; at <= kept; at = end + 1) {
        for (end = at; end < kept && !clause_is_barrier(clauses[end]);)
            end++;
        int rc = explain_conditions(&explaining, clauses + at, end - at, reader, err);
        if (rc)
            return rc;
        if (end < kept)
            explain_barrier(&explaining, clauses[end]);
    }
    bool any = true;
    int rc = tell_stages(query, reader, &explaining.steps, err);
    if (rc)
        return rc;
    rc = count ? query_exists(query, reader, &any, err) : 0;
    if (explaining.warnings.len)
        buf_u8(&explaining.warnings, '\n');
    if (!rc && !any)
        rc = print_empty(query, explaining.clips, reader, &explaining.warnings, err);
    if (rc < 0)
        return rc;
    print_head(query, &explaining, buf);
    buf_append(buf, buf_text(&explaining.steps), explaining.steps.len);
    buf_append(buf, buf_text(&explaining.warnings), explaining.warnings.len);
    return 0;
}
