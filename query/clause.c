// SPDX-License-Identifier: Apache-2.0
/*
 * Literals are sorted by their canonical text and equal ones are one, so that equal clauses are spelt alike;
 * a clause's rows are the union of theirs.
 */
#include "query/clause.h"

#include <stdlib.h>
#include <string.h>

struct printed { /* a literal and its canonical text, for sorting */
    struct literal literal;
    char *text;
};

static int compare_printed(const void *a, const void *b)
{
    return strcmp(((const struct printed *)a)->text, ((const struct printed *)b)->text);
}

static struct printed *print_sorted(struct literal *literals, size_t count)
{
    struct printed *printed = mem_zero(count * sizeof *printed);
    for (size_t i = 0; i < count; i++) {
        struct buf text = BUF_INIT;
        literal_print(&literals[i], &text);
        printed[i] = (struct printed){literals[i], (char *)buf_steal(&text)};
    }
    qsort(printed, count, sizeof *printed, compare_printed);
    return printed;
}

struct clause *clause_new(struct literal *literals, size_t count)
{
    struct printed *printed = print_sorted(literals, count);
    struct clause *clause = MEM_NEW(struct clause);
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(printed[i - 1].text, printed[i].text) == 0) {
            literal_done(&printed[i].literal);
            continue;
        }
        if (clause->count)
            buf_u8(&text, '+');
        buf_text_append(&text, printed[i].text);
        literals[clause->count++] = printed[i].literal;
    }
    for (size_t i = 0; i < count; i++)
        free(printed[i].text);
    free(printed);
    clause->refs = 1;
    clause->literals = literals;
    clause->text = (char *)buf_steal(&text);
    return clause;
}

struct clause *clause_new_stage(const struct stage *stage, void *bound)
{
    struct clause *clause = MEM_NEW(struct clause);
    struct buf text = BUF_INIT;
    buf_printf(&text, "@%s=", stage->name);
    stage->print(bound, &text);
    clause->refs = 1;
    clause->stage = stage;
    clause->bound = bound;
    clause->text = (char *)buf_steal(&text);
    return clause;
}

struct clause *clause_ref(struct clause *clause)
{
    atomic_fetch_add_explicit(&clause->refs, 1, memory_order_relaxed);
    return clause;
}

void clause_unref(struct clause *clause)
{
    if (atomic_fetch_sub_explicit(&clause->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < clause->count; i++)
        literal_done(&clause->literals[i]);
    free(clause->literals);
    if (clause->stage && clause->stage->free)
        clause->stage->free(clause->bound);
    else
        free(clause->bound);
    free(clause->text);
    free(clause);
}

int clause_estimate(const struct clause *clause, struct catalog_reader *reader,
                    const struct catalog_window *window, uint64_t clips, uint64_t *ret, struct error *err)
{
    uint64_t sum = clause->stage ? clips : 0; /* there is no statistic of what it leaves: it comes last */
    if (clause->stage && clause->stage->leaves)
        sum = clause->stage->leaves(clause->bound, clips);
    for (size_t i = 0; i < clause->count; i++) {
        struct catalog_literal condition = literal_condition(&clause->literals[i]);
        uint64_t estimate = 0;
        condition.window = window;
        int rc = catalog_estimate(reader, &condition, &estimate, err);
        if (rc < 0)
            return rc;
        sum = estimate > clips - sum ? clips : sum + estimate;
    }
    *ret = sum;
    return 0;
}

bool clause_is_barrier(const struct clause *clause)
{
    return clause->stage && !clause->stage->narrows;
}

int clause_live(struct catalog_reader *reader, const struct catalog_window *window, struct rowset **ret,
                struct error *err)
{
    CLEANUP_ROWSET struct rowset *live = NULL;
    int rc = catalog_live(reader, &live, err);
    if (rc < 0)
        return rc;
    *ret = window ? rowset_copy(live) : STEAL(live);
    if (window)
        rowset_keep_range(*ret, window->first, window->end);
    return 0;
}

int clause_narrow(const struct clause *clause, struct catalog_reader *reader, struct rowset *rows,
                  struct rowset **ret, struct error *err)
{
    CLEANUP_SET struct set *before = set_new_rows(rows), *after = NULL;
    int rc = clause->stage->apply(clause->bound, reader, before, &after, err);
    if (!rc)
        *ret = set_rows(after);
    return rc;
}

static int select_stage(const struct clause *clause, struct catalog_reader *reader,
                        const struct catalog_window *window, struct rowset **ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *live = NULL;
    int rc = clause_live(reader, window, &live, err);
    return rc ? rc : clause_narrow(clause, reader, live, ret, err);
}

int clause_select(const struct clause *clause, struct catalog_reader *reader,
                  const struct catalog_window *window, struct rowset **ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *any = NULL;
    if (clause->stage)
        return select_stage(clause, reader, window, ret, err);
    for (size_t i = 0; i < clause->count; i++) {
        struct catalog_literal condition = literal_condition(&clause->literals[i]);
        condition.window = window;
        CLEANUP_ROWSET struct rowset *rows = NULL;
        int rc = catalog_select(reader, &condition, &rows, err);
        if (rc < 0)
            return rc;
        if (!any && clause->count > 1)
            any = rowset_copy(rows);
        else if (!any)
            any = STEAL(rows);
        else
            rowset_or(any, rows);
    }
    *ret = STEAL(any);
    return 0;
}
