// SPDX-License-Identifier: Apache-2.0
/*
 * A literal becomes rows in one of two ways:
 *
 *     dictionary   the values that qualify, in value order; their postings are united
 *     column       ranges of numbers; parts whose zone map meets none are not expanded
 *
 * Multi-valued and text attributes have only a dictionary, numeric ones always a column and, while they have
 * few values, a dictionary too. What these say of patched rows does not count; the patch_index says what they
 * have (cells.h). NE and NULL are what is left of "has it" and of "live".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"
#include "index/catalog/column.h"
#include "index/catalog/posting.h"
#include "index/catalog/reader.h"
#include "index/catalog/select.h"

enum {
    DICTIONARY_RANGE_MAX = 64, /* with more values a range is faster over the column */
    TIME_FIXED_BYTES = 19,     /* "2026-03-01T12:00:05": up to here the order of text is the order of time */
};

/* ---- by the dictionary ---- */

static int add_value(struct catalog_reader *reader, const struct attribute *attribute,
                     const struct value *value, struct rowset *rows, struct error *err)
{
    sqlite3_stmt *stmt;
    struct posting_value found;
    int rc = db_query(reader->db, QUERY_VALUE, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, attribute->info.id);
    db_bind_value(stmt, 2, value);
    rc = db_step(reader->db, stmt, err);
    if (rc == 1 && !(rc = posting_value_read(reader->db, stmt, attribute->info.type, &found, err)))
        rc = posting_value_rows(reader->db, &found, rows, err);
    sqlite3_reset(stmt);
    return rc;
}

static bool starts_with(struct buf *text, const struct value *value, const struct value *prefix)
{
    buf_clear(text);
    value_print(text, value);
    return text->len >= prefix->len && !memcmp(buf_text(text), prefix->text, prefix->len);
}

enum verdict { VERDICT_NO, VERDICT_YES, VERDICT_OVER }; /* OVER: nor will any larger value */

static enum verdict judge_range(const struct catalog_literal *literal, const struct value *value)
{
    int low = literal->open_low ? 1 : value_compare(value, &literal->values[0]);
    int high = literal->open_high ? -1 : value_compare(value, &literal->values[1]);
    if (high > 0 || (high == 0 && !literal->inclusive_high))
        return VERDICT_OVER;
    return low > 0 || (low == 0 && literal->inclusive_low) ? VERDICT_YES : VERDICT_NO;
}

static enum verdict judge(const struct catalog_literal *literal, const struct value *value, struct buf *text)
{
    if (literal->op == CATALOG_RANGE)
        return judge_range(literal, value);
    bool starts = starts_with(text, value, &literal->values[0]);
    if (starts)
        return VERDICT_YES;
    return value->type == VALUE_TEXT && value_compare(value, &literal->values[0]) > 0 ? VERDICT_OVER
                                                                                      : VERDICT_NO;
}

/* Where in the dictionary the values that qualify start; NULL: at its start. */
static const struct value *dictionary_start(const struct attribute *attribute,
                                            const struct catalog_literal *literal)
{
    if (literal->op == CATALOG_RANGE)
        return literal->open_low ? NULL : &literal->values[0];
    return attribute->info.type == VALUE_TEXT ? &literal->values[0] : NULL;
}

int select_dictionary(struct catalog_reader *reader, const struct attribute *attribute,
                      const struct catalog_literal *literal, select_value_fn *each, void *ctx,
                      struct error *err)
{
    sqlite3_stmt *stmt;
    const struct value *start = dictionary_start(attribute, literal);
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = db_query(reader->db, start ? QUERY_VALUES_FROM : QUERY_VALUES, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, attribute->info.id);
    if (start)
        db_bind_value(stmt, 2, start);
    enum verdict verdict = VERDICT_NO;
    while (verdict != VERDICT_OVER && (rc = db_step(reader->db, stmt, err)) == 1) {
        struct posting_value value;
        rc = posting_value_read(reader->db, stmt, attribute->info.type, &value, err);
        if (!rc && (verdict = judge(literal, &value.value, &text)) == VERDICT_YES)
            rc = each(ctx, &value, err);
        if (rc)
            break;
    }
    sqlite3_reset(stmt);
    return rc;
}

struct uniting {
    struct db *db;
    struct rowset *rows;
};

static int unite(void *ctx, const struct posting_value *value, struct error *err)
{
    struct uniting *uniting = ctx;
    return posting_value_rows(uniting->db, value, uniting->rows, err);
}

/* ---- by the column ---- */

static int match_part(struct catalog_reader *reader, const struct column_part *part,
                      const struct select_ranges *ranges, struct rowset *rows, struct error *err)
{
    uint64_t words[ROWSET_PART_WORDS] = {0};
    bool expanded = false;
    for (size_t i = 0; i < ranges->count; i++) {
        if (ranges->list[i][1] < part->low || ranges->list[i][0] > part->high)
            continue;
        int rc = expanded ? 0 : column_part_expand(reader->db, part, &reader->text, err);
        if (rc)
            return rc;
        expanded = true;
        column_part_match(part, &reader->text, ranges->list[i], words);
    }
    if (expanded)
        rowset_add_words(rows, part->number << SCHEMA_PART_BITS, words);
    return 0;
}

int select_parts(struct catalog_reader *reader, const struct attribute *attribute, select_part_fn *each,
                 void *ctx, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(reader->db, QUERY_PARTS, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, (int64_t)attribute->info.id << SCHEMA_PART_BITS);
    db_bind_number(stmt, 2, (int64_t)attribute->info.id << SCHEMA_PART_BITS | (SCHEMA_PARTS - 1));
    while ((rc = db_step(reader->db, stmt, err)) == 1) {
        struct column_part part;
        rc = column_part_read(reader->db, stmt, &part, err);
        if (!rc)
            rc = each(ctx, &part, err);
        if (rc)
            break;
    }
    sqlite3_reset(stmt);
    return rc;
}

struct matching {
    struct catalog_reader *reader;
    const struct attribute *attribute;
    const struct select_ranges *ranges;
    const struct value *prefix;
    struct rowset *rows;
};

static int match(void *ctx, const struct column_part *part, struct error *err)
{
    struct matching *matching = ctx;
    return match_part(matching->reader, part, matching->ranges, matching->rows, err);
}

static int add_ranges(struct catalog_reader *reader, const struct attribute *attribute,
                      const struct select_ranges *ranges, struct rowset *rows, struct error *err)
{
    struct matching matching = {.reader = reader, .ranges = ranges, .rows = rows};
    return select_parts(reader, attribute, match, &matching, err);
}

/* A prefix of a number's text is no range of numbers: each is printed. Equal neighbours are printed once. */
static int match_prefix(void *ctx, const struct column_part *part, struct error *err)
{
    struct matching *matching = ctx;
    CLEANUP_BUF struct buf text = BUF_INIT;
    CLEANUP_FREE struct column_values *values = mem_alloc(sizeof *values);
    int rc = column_part_expand(matching->reader->db, part, &matching->reader->text, err);
    if (rc)
        return rc;
    column_part_values(part, &matching->reader->text, values);
    int64_t last = 0;
    bool starts = false, any = false;
    for (uint32_t row = 0; row < ROWSET_PART_ROWS; row++) {
        if (!(values->present[row / 64] >> row % 64 & 1))
            continue;
        if (!any || values->values[row] != last) {
            struct value value = column_value(matching->attribute->info.type, values->values[row]);
            if (value_check(&value, NULL))
                return db_damaged(matching->reader->db, err, "a column holds what is no value");
            starts = starts_with(&text, &value, matching->prefix);
        }
        any = true;
        last = values->values[row];
        if (!starts)
            values->present[row / 64] &= ~(1ull << row % 64);
    }
    rowset_add_words(matching->rows, part->number << SCHEMA_PART_BITS, values->present);
    return 0;
}

/* ---- ranges of numbers ---- */

/* The numbers between the bounds; false: there are none. */
static bool range_of(const struct catalog_literal *literal, int64_t range[2])
{
    range[0] = literal->open_low ? INT64_MIN : column_number(&literal->values[0]);
    range[1] = literal->open_high ? INT64_MAX : column_number(&literal->values[1]);
    if (!literal->open_low && !literal->inclusive_low && range[0]++ == INT64_MAX)
        return false;
    if (!literal->open_high && !literal->inclusive_high && range[1]-- == INT64_MIN)
        return false;
    return range[0] <= range[1];
}

static int compare_prefix(struct buf *text, int64_t ns, const struct value *prefix)
{
    buf_clear(text);
    instant_print(text, ns);
    return memcmp(text->data, prefix->text, prefix->len);
}

/* The first instant whose text is (or is behind) the prefix, by bisection; one past the last: none. */
static int64_t first_instant(const struct value *prefix, bool behind, bool *ret_none)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    uint64_t low = 0, high = UINT64_MAX; /* numbers from INT64_MIN */
    *ret_none = false;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int order = compare_prefix(&text, (int64_t)(middle + (uint64_t)INT64_MIN), prefix);
        if (order > 0 || (!behind && order == 0))
            high = middle;
        else
            low = middle + 1;
    }
    int order = compare_prefix(&text, (int64_t)(low + (uint64_t)INT64_MIN), prefix);
    *ret_none = !(order > 0 || (!behind && order == 0));
    return (int64_t)(low + (uint64_t)INT64_MIN);
}

static bool instants_of_prefix(const struct value *prefix, int64_t range[2])
{
    bool none, none_behind;
    range[0] = first_instant(prefix, false, &none);
    range[1] = first_instant(prefix, true, &none_behind);
    if (none)
        return false;
    range[1] = none_behind ? INT64_MAX : range[1] - 1;
    return range[0] <= range[1];
}

/* ---- above what is beneath ---- */

static void each_equal(const struct patch_index *patch_index, const struct catalog_literal *literal,
                       select_terms_fn *each, void *ctx)
{
    for (size_t i = 0; i < literal->count; i++) {
        size_t at = patch_index_term_at(patch_index, &literal->values[i], false);
        if (at < patch_index->term_count &&
            !value_compare(&patch_index->terms[at].value, &literal->values[i]))
            each(ctx, at, at + 1);
    }
}

static void terms_of_range(const struct patch_index *patch_index, const struct catalog_literal *literal,
                           size_t terms[2])
{
    terms[0] = literal->open_low
                   ? 0
                   : patch_index_term_at(patch_index, &literal->values[0], !literal->inclusive_low);
    terms[1] = literal->open_high
                   ? patch_index->term_count
                   : patch_index_term_at(patch_index, &literal->values[1], literal->inclusive_high);
}

/* Texts that start with the prefix follow one another. */
static void terms_of_text(const struct patch_index *patch_index, const struct value *prefix, size_t terms[2])
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    size_t high = patch_index->term_count;
    terms[0] = terms[1] = patch_index_term_at(patch_index, prefix, false);
    while (terms[1] < high) {
        size_t middle = terms[1] + (high - terms[1]) / 2;
        if (starts_with(&text, &patch_index->terms[middle].value, prefix))
            terms[1] = middle + 1;
        else
            high = middle;
    }
}

/* A prefix of instants is a range of them: they need not be printed. */
static void terms_of_instants(const struct patch_index *patch_index, const struct value *prefix,
                              size_t terms[2])
{
    int64_t range[2];
    terms[0] = terms[1] = 0;
    if (!instants_of_prefix(prefix, range))
        return;
    struct value first = {.type = VALUE_TIME, .integer = range[0]},
                 last = {.type = VALUE_TIME, .integer = range[1]};
    terms[0] = patch_index_term_at(patch_index, &first, false);
    terms[1] = patch_index_term_at(patch_index, &last, true);
}

static void each_printed(const struct patch_index *patch_index, const struct value *prefix,
                         select_terms_fn *each, void *ctx)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t at = 0; at < patch_index->term_count; at++)
        if (starts_with(&text, &patch_index->terms[at].value, prefix))
            each(ctx, at, at + 1);
}

void select_terms(const struct patch_index *patch_index, const struct attribute *attribute,
                  const struct catalog_literal *literal, select_terms_fn *each, void *ctx)
{
    size_t terms[2] = {0};
    const struct value *prefix = literal->op == CATALOG_PREFIX ? &literal->values[0] : NULL;
    if (literal->op == CATALOG_EQ || literal->op == CATALOG_NE)
        each_equal(patch_index, literal, each, ctx);
    else if (literal->op == CATALOG_RANGE)
        terms_of_range(patch_index, literal, terms);
    else if (prefix && attribute->info.type == VALUE_TEXT)
        terms_of_text(patch_index, prefix, terms);
    else if (prefix && attribute->info.type == VALUE_TIME && prefix->len <= TIME_FIXED_BYTES)
        terms_of_instants(patch_index, prefix, terms);
    else if (prefix)
        each_printed(patch_index, prefix, each, ctx);
    if (terms[0] < terms[1])
        each(ctx, terms[0], terms[1]);
}

struct patching {
    const struct patch_index *patch_index;
    struct rowset *rows;
};

static void add_terms(void *ctx, size_t from, size_t to)
{
    struct patching *patching = ctx;
    patch_index_add_rows(patching->patch_index, from, to, patching->rows);
}

/* `rows` holds what is selected beneath. */
static int stand_over(struct catalog_reader *reader, const struct attribute *attribute,
                      const struct catalog_literal *literal, struct rowset *rows, struct error *err)
{
    const struct patch_index *patch_index;
    int rc = cells_patch_index(reader->db, &reader->cells, attribute, &patch_index, err);
    if (rc || !patch_index || literal->op == CATALOG_NULL || literal->op == CATALOG_HAS)
        return rc;
    rowset_andnot(rows, patch_index->rows);
    select_terms(patch_index, attribute, literal, add_terms, &(struct patching){patch_index, rows});
    return 0;
}

/* ---- the operators ---- */

static int select_equal(struct catalog_reader *reader, const struct attribute *attribute,
                        const struct catalog_literal *literal, struct rowset *rows, struct error *err)
{
    int rc = 0;
    if (attribute->listed) {
        for (size_t i = 0; !rc && i < literal->count; i++)
            rc = add_value(reader, attribute, &literal->values[i], rows, err);
        return rc;
    }
    CLEANUP_FREE int64_t(*list)[2] = mem_alloc(literal->count * sizeof *list);
    for (size_t i = 0; i < literal->count; i++)
        list[i][0] = list[i][1] = column_number(&literal->values[i]);
    struct select_ranges ranges = {list, literal->count};
    return add_ranges(reader, attribute, &ranges, rows, err);
}

static int select_numbers(struct catalog_reader *reader, const struct attribute *attribute, int64_t range[2],
                          struct rowset *rows, struct error *err)
{
    struct select_ranges ranges = {(const int64_t(*)[2])range, 1};
    return add_ranges(reader, attribute, &ranges, rows, err);
}

static int select_range(struct catalog_reader *reader, const struct attribute *attribute,
                        const struct catalog_literal *literal, struct rowset *rows, struct error *err)
{
    bool column = attribute_has_column(attribute);
    struct uniting uniting = {reader->db, rows};
    if (!column || (attribute->listed && attribute->beneath <= DICTIONARY_RANGE_MAX))
        return select_dictionary(reader, attribute, literal, unite, &uniting, err);
    int64_t range[2];
    return range_of(literal, range) ? select_numbers(reader, attribute, range, rows, err) : 0;
}

static int select_prefix(struct catalog_reader *reader, const struct attribute *attribute,
                         const struct catalog_literal *literal, struct rowset *rows, struct error *err)
{
    const struct value *prefix = &literal->values[0];
    struct uniting uniting = {reader->db, rows};
    if (attribute->listed)
        return select_dictionary(reader, attribute, literal, unite, &uniting, err);
    int64_t range[2];
    if (attribute->info.type == VALUE_TIME && prefix->len <= TIME_FIXED_BYTES)
        return instants_of_prefix(prefix, range) ? select_numbers(reader, attribute, range, rows, err) : 0;
    struct matching matching = {.reader = reader, .attribute = attribute, .prefix = prefix, .rows = rows};
    return select_parts(reader, attribute, match_prefix, &matching, err);
}

static int select_op(struct catalog_reader *reader, const struct attribute *attribute,
                     const struct catalog_literal *literal, struct rowset *rows, struct error *err)
{
    switch (literal->op) {
    case CATALOG_EQ:
    case CATALOG_NE:
        return select_equal(reader, attribute, literal, rows, err);
    case CATALOG_RANGE:
        return select_range(reader, attribute, literal, rows, err);
    case CATALOG_PREFIX:
        return select_prefix(reader, attribute, literal, rows, err);
    case CATALOG_NULL:
    case CATALOG_HAS:
        break;
    }
    return 0;
}

int select_check(const struct attribute *attribute, const struct catalog_literal *literal, struct error *err)
{
    enum value_type type = literal->op == CATALOG_PREFIX ? VALUE_TEXT : attribute->info.type;
    bool looked_at[2] = {!literal->open_low, !literal->open_high};
    size_t count = literal->op == CATALOG_RANGE ? 2 : literal->count;
    if (literal->op == CATALOG_PREFIX && count != 1)
        return error_set(err, EINVAL, "a prefix is one text");
    if (literal->op == CATALOG_NULL || literal->op == CATALOG_HAS)
        return 0;
    if (attribute->info.type == VALUE_LIST)
        return error_set(err, EINVAL, "the lists of '%s' are not compared", attribute->info.name);
    for (size_t i = 0; i < count; i++)
        if ((literal->op != CATALOG_RANGE || looked_at[i]) && literal->values[i].type != type)
            return error_set(err, EINVAL, "the attribute '%s' is %s, not %s", attribute->info.name,
                             value_type_name(type), value_type_name(literal->values[i].type));
    return 0;
}

/* `rows` holds what the values select; what the operator makes of it. */
static int finish(struct catalog_reader *reader, const struct attribute *attribute, enum catalog_op op,
                  struct rowset **rows, struct error *err)
{
    if (op == CATALOG_NE || op == CATALOG_NULL || op == CATALOG_HAS) {
        CLEANUP_ROWSET struct rowset *has = NULL;
        int rc = cells_has(reader->db, &reader->cells, attribute, &has, err);
        if (rc)
            return rc;
        if (op == CATALOG_NULL) {
            struct rowset *rest = rowset_copy(reader->live);
            rowset_andnot(rest, has);
            rowset_unref(*rows);
            *rows = rest;
            return 0;
        }
        rowset_andnot(has, *rows);
        rowset_unref(*rows);
        *rows = STEAL(has);
    }
    rowset_and(*rows, reader->live);
    return 0;
}

int catalog_select(struct catalog_reader *reader, const struct catalog_literal *literal, struct rowset **ret,
                   struct error *err)
{
    const struct attribute *attribute;
    int rc = reader_live(reader, err);
    if (!rc)
        rc = reader_attribute(reader, literal->attribute, &attribute, err);
    if (!rc)
        rc = select_check(attribute, literal, err);
    if (rc)
        return rc;
    CLEANUP_ROWSET struct rowset *rows = rowset_new();
    rc = attribute->beneath ? select_op(reader, attribute, literal, rows, err) : 0;
    if (!rc)
        rc = stand_over(reader, attribute, literal, rows, err);
    if (!rc)
        rc = finish(reader, attribute, literal->op, &rows, err);
    if (!rc)
        *ret = STEAL(rows);
    return rc;
}
