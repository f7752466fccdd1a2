// SPDX-License-Identifier: Apache-2.0
/*
 * The plan as it was made, a line a step, and then a warning for each literal that many clips say nothing of.
 */
#include "query/report/explain.h"

#include <inttypes.h>
#include <string.h>

#include "cache/base/count.h"
#include "query/plan.h"

static void print_head(const struct query *query, const struct plan *plan, struct buf *buf)
{
    size_t start = buf->len;
    query_canonical(query, buf);
    if (buf->len > start)
        buf_u8(buf, '\n');
    if (plan->count)
        buf_printf(buf, "about %" PRIu64 " of %s of v%" PRIu32 " (estimated)\n", plan->estimate,
                   COUNT(plan->clips, "clip"), plan->version);
    else
        buf_printf(buf, "all %s of v%" PRIu32 "\n", COUNT(plan->clips, "clip"), plan->version);
}

static void print_steps(const struct plan *plan, struct buf *buf)
{
    if (plan->count)
        buf_printf(buf, "\n%5s %10s  %s\n", "order", "clips", "condition");
    for (size_t i = 0; i < plan->count; i++)
        buf_printf(buf, "%5zu %10" PRIu64 "  %s\n", i + 1, plan->steps[i].estimate,
                   plan->steps[i].clause->text);
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

static int print_warnings(const struct plan *plan, struct catalog_reader *reader, struct buf *buf,
                          struct error *err)
{
    size_t start = buf->len;
    for (size_t i = 0; i < plan->count; i++)
        for (size_t k = 0; k < plan->steps[i].clause->count; k++) {
            int rc = warn_literal(&plan->steps[i].clause->literals[k], plan, reader, buf, err);
            if (rc)
                return rc;
        }
    if (buf->len > start)
        buf_u8(buf, '\n');
    return 0;
}

int explain_append(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                   struct error *err)
{
    CLEANUP_PLAN struct plan plan = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    size_t count;
    struct clause *const *clauses = query_clauses(query, &count);
    int rc = plan_make(clauses, count, reader, NULL, &plan, err);
    if (rc)
        return rc;
    print_head(query, &plan, &text);
    print_steps(&plan, &text);
    rc = print_warnings(&plan, reader, &text, err);
    if (!rc)
        buf_append(buf, buf_text(&text), text.len);
    return rc;
}
