// SPDX-License-Identifier: Apache-2.0
/* A query is the sorted list of its clauses, so that every spelling of one set is one query. A stage is a
 * barrier: it will be an entry of the same list at which sorting stops, with the sorted run before it and the
 * one behind it. */
#include "query/query.h"

#include <errno.h>
#include <string.h>

#include "query/bind.h"
#include "query/clause.h"
#include "query/plan.h"

struct query {
    atomic_uint refs;
    size_t count;
    struct clause *clauses[]; /* sorted by text, no two equal; a reference each */
};

static struct query *query_new(size_t count)
{
    struct query *query = mem_zero(sizeof *query + count * sizeof(struct clause *));
    query->refs = 1;
    query->count = count;
    return query;
}

struct query *query_all(void)
{
    return query_new(0);
}

struct query *query_ref(struct query *query)
{
    atomic_fetch_add_explicit(&query->refs, 1, memory_order_relaxed);
    return query;
}

void query_unref(struct query *query)
{
    if (!query || atomic_fetch_sub_explicit(&query->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < query->count; i++)
        clause_unref(query->clauses[i]);
    free(query);
}

struct clause *const *query_clauses(const struct query *query, size_t *ret_count)
{
    *ret_count = query->count;
    return query->clauses;
}

/* `parent` with one clause more, unless it has it already. */
static struct query *add_clause(const struct query *parent, struct clause *clause)
{
    size_t at = 0;
    int order = 1;
    while (at < parent->count && (order = strcmp(parent->clauses[at]->text, clause->text)) < 0)
        at++;
    bool known = at < parent->count && order == 0;
    struct query *query = query_new(parent->count + !known);
    for (size_t i = 0, from = 0; i < query->count; i++)
        query->clauses[i] = clause_ref(!known && i == at ? clause : parent->clauses[from++]);
    return query;
}

int query_extend(const struct query *parent, const char *component, size_t len, struct catalog_reader *reader,
                 struct query **ret, struct error *err)
{
    CLEANUP_GRAMMAR struct grammar_component parsed = {0};
    struct clause *clause = NULL;
    if (parent->count >= QUERY_CLAUSES_MAX)
        return error_set(err, E2BIG, "a path of more than %d conditions", QUERY_CLAUSES_MAX);
    int rc = grammar_parse(component, len, &parsed, err);
    if (!rc)
        rc = bind_component(&parsed, reader, &clause, NULL, err);
    if (rc)
        return rc;
    *ret = add_clause(parent, clause);
    clause_unref(clause);
    return 0;
}

int query_narrow(struct query *parent, const char *path, size_t len, struct catalog_reader *reader,
                 struct query **ret, struct error *err)
{
    CLEANUP_QUERY struct query *query = query_ref(parent);
    for (const char *end = path + len, *next; path < end; path = next + 1) {
        next = memchr(path, '/', (size_t)(end - path));
        if (!next)
            next = end;
        struct query *narrowed = NULL;
        int rc = next == path ? 0 : query_extend(query, path, (size_t)(next - path), reader, &narrowed, err);
        if (rc)
            return rc;
        if (narrowed) {
            query_unref(query);
            query = narrowed;
        }
    }
    *ret = STEAL(query);
    return 0;
}

int query_parse(const char *path, size_t len, struct catalog_reader *reader, struct query **ret,
                struct error *err)
{
    CLEANUP_QUERY struct query *all = query_all();
    return query_narrow(all, path, len, reader, ret, err);
}

void query_canonical(const struct query *query, struct buf *buf)
{
    for (size_t i = 0; i < query->count; i++) {
        if (i)
            buf_u8(buf, '/');
        buf_text_append(buf, query->clauses[i]->text);
    }
}

int query_exists(const struct query *query, struct catalog_reader *reader, bool *ret, struct error *err)
{
    CLEANUP_PLAN struct plan plan = {0};
    const struct catalog_window first = plan_window(0);
    int rc = plan_make(query->clauses, query->count, reader, &first, &plan, err);
    return rc ? rc : plan_exists(&plan, reader, ret, err);
}

int query_count(const struct query *query, struct catalog_reader *reader, uint64_t *ret, struct error *err)
{
    CLEANUP_PLAN struct plan plan = {0};
    int rc = plan_make(query->clauses, query->count, reader, NULL, &plan, err);
    return rc ? rc : plan_count(&plan, reader, ret, err);
}
