// SPDX-License-Identifier: Apache-2.0
/* A query is the list of its clauses, sorted so that every spelling of one set is one query. A barrier is an
 * entry of the same list at which sorting stops: there is a sorted run before it and one behind it. */
#include "query/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "query/bind.h"
#include "query/clause.h"
#include "query/lean.h"

struct query {
    atomic_uint refs;
    size_t count;
    struct clause *clauses[]; /* between barriers sorted by text, no two equal; a reference each */
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

static int compare_texts(const void *a, const void *b)
{
    return strcmp((*(struct clause *const *)a)->text, (*(struct clause *const *)b)->text);
}

/* As add_clause() keeps them. How many are left. */
static size_t sort_runs(struct clause **clauses, size_t count)
{
    size_t kept = 0;
    for (size_t at = 0, end; at < count; at = end) {
        size_t start = kept;
        for (end = at; end < count && !clause_is_barrier(clauses[end]);)
            end++;
        if (end > at)
            qsort(clauses + at, end - at, sizeof *clauses, compare_texts);
        for (; at < end; at++)
            if (kept == start || compare_texts(&clauses[kept - 1], &clauses[at]) != 0)
                clauses[kept++] = clauses[at];
        if (end < count)
            clauses[kept++] = clauses[end++];
    }
    return kept;
}

struct query *query_unordered(const struct query *query)
{
    CLEANUP_FREE struct clause **kept = mem_alloc((query->count + 1) * sizeof *kept);
    size_t count = lean_clauses(query->clauses, query->count, false, kept);
    if (count == query->count)
        return query_ref((struct query *)(uintptr_t)query);
    count = sort_runs(kept, count);
    struct query *ret = query_new(count);
    for (size_t i = 0; i < count; i++)
        ret->clauses[i] = clause_ref(kept[i]);
    return ret;
}

bool query_shows(const struct query *query, const char *name, const char *ext)
{
    for (size_t i = 0; i < query->count; i++) {
        const struct clause *clause = query->clauses[i];
        if (clause->stage && clause->stage->shows && !clause->stage->shows(clause->bound, name, ext))
            return false;
    }
    return true;
}

/* Where the clause belongs among those behind the last barrier, which are sorted; true if it is there. */
static bool find_place(const struct query *query, const struct clause *clause, size_t *ret_at)
{
    size_t at = query->count;
    int order = 1;
    while (at > 0 && !clause_is_barrier(query->clauses[at - 1]))
        at--;
    while (at < query->count && (order = strcmp(query->clauses[at]->text, clause->text)) < 0)
        at++;
    *ret_at = at;
    return at < query->count && order == 0;
}

/* `parent` with one clause more, unless it has that condition already. */
static struct query *add_clause(const struct query *parent, struct clause *clause)
{
    size_t at = parent->count;
    bool known = !clause_is_barrier(clause) && find_place(parent, clause, &at);
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
