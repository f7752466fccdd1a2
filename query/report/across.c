// SPDX-License-Identifier: Apache-2.0
/* What is an error where a path is typed (an attribute or value that is not there) is an answer here: in that
 * version nobody had it. */
#include "query/report/across.h"

#include <errno.h>
#include <stdlib.h>

#include "query/clause.h"

static int refuse_type(const struct literal *literal, const struct catalog_attribute *there,
                       struct error *err)
{
    return error_set(err, EINVAL,
                     "'%s' is of type %s in that version: its values cannot be compared with these",
                     literal->name, value_type_name(there->type));
}

/* The first `count` values of `condition` as the other version's type. Texts of `bytes` are borrowed by them.
 */
static int convert(const struct catalog_attribute *there, struct catalog_literal *condition, size_t count,
                   struct value *values, struct buf *bytes)
{
    for (size_t i = 0; i < count; i++) {
        bool open = i == 0 ? condition->open_low : condition->open_high;
        if (!open)
            value_print(&bytes[i], &condition->values[i]);
        values[i] = (struct value){.type = there->type};
        if (!open && value_parse(there->type, buf_text(&bytes[i]), bytes[i].len, &values[i], NULL) < 0)
            return -EINVAL;
    }
    condition->values = values;
    return 0;
}

static int select_converted(const struct literal *literal, const struct catalog_attribute *there,
                            struct catalog_reader *reader, struct rowset **ret, struct error *err)
{
    struct catalog_literal condition = literal_condition(literal);
    size_t count =
        condition.op == CATALOG_RANGE ? 2 : condition.count; /* a bound is one value, and two ends */
    struct value *values = mem_zero(count * sizeof *values);
    struct buf *bytes = mem_zero(count * sizeof *bytes);
    int rc = convert(there, &condition, count, values, bytes);
    rc = rc ? refuse_type(literal, there, err) : catalog_select(reader, &condition, ret, err);
    for (size_t i = 0; i < count; i++)
        buf_done(&bytes[i]);
    free(bytes);
    free(values);
    return rc;
}

static int select_literal(const struct literal *literal, struct catalog_reader *reader, struct rowset **ret,
                          struct error *err)
{
    struct catalog_literal condition = literal_condition(literal);
    struct catalog_attribute there;
    int rc = catalog_attribute_get(reader, literal->attribute, &there, err);
    if (rc == -ENOENT && condition.op == CATALOG_NULL)
        return catalog_live(reader, ret, err);
    if (rc == -ENOENT) {
        *ret = rowset_new();
        return 0;
    }
    bool same =
        !condition.count || catalog_op_is_printed(condition.op) || condition.values[0].type == there.type;
    if (rc < 0 || same)
        return rc < 0 ? rc : catalog_select(reader, &condition, ret, err);
    return select_converted(literal, &there, reader, ret, err);
}

static int select_clause(const struct clause *clause, struct catalog_reader *reader, struct rowset **ret,
                         struct error *err)
{
    CLEANUP_ROWSET struct rowset *any = rowset_new();
    if (clause->stage)
        return clause_select(clause, reader, NULL, ret, err);
    for (size_t i = 0; i < clause->count; i++) {
        CLEANUP_ROWSET struct rowset *rows = NULL;
        int rc = select_literal(&clause->literals[i], reader, &rows, err);
        if (rc < 0)
            return rc;
        rowset_or(any, rows);
    }
    *ret = STEAL(any);
    return 0;
}

static int narrow(const struct clause *clause, struct catalog_reader *reader, struct set **set,
                  struct error *err)
{
    CLEANUP_ROWSET struct rowset *rows = NULL;
    struct set *after = NULL;
    int rc = clause_is_barrier(clause) ? clause->stage->apply(clause->bound, reader, *set, &after, err)
                                       : select_clause(clause, reader, &rows, err);
    if (rc < 0)
        return rc;
    if (!after)
        after = set_new_kept(*set, rows);
    set_unref(*set);
    *set = after;
    return 0;
}

int across_rows(const struct query *query, struct catalog_reader *reader, struct rowset **ret,
                struct error *err)
{
    CLEANUP_ROWSET struct rowset *live = NULL, *rows = NULL;
    CLEANUP_SET struct set *set = NULL;
    size_t count;
    struct clause *const *clauses = query_clauses(query, &count);
    int rc = catalog_live(reader, &live, err);
    if (rc < 0)
        return rc;
    set = set_new_rows(live);
    for (size_t i = 0; i < count && set_count(set); i++) {
        rc = narrow(clauses[i], reader, &set, err);
        if (rc < 0)
            return rc;
    }
    rows = set_rows(set);
    *ret = rowset_copy(rows);
    return 0;
}
