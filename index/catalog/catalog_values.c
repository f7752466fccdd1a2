// SPDX-License-Identifier: Apache-2.0
/* Distinct values, and guesses from counts and zone maps. Guesses read no codes and no posting. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/select.h"

/* ---- distinct values ---- */

/* Two lists in value order become one: values beneath, and by how much those above change their counts. */
struct telling {
    const struct patch_index *patch_index; /* NULL: nothing is above */
    size_t at;                             /* of the next term */
    catalog_value_fn *each;
    void *ctx;
};

static int tell_one(struct telling *telling, const struct value *value, int64_t clips, struct error *err)
{
    return clips > 0 ? telling->each(telling->ctx, value, (uint64_t)clips, err) : 0;
}

/* The terms before `value`; all that are left: NULL. */
static int tell_terms(struct telling *telling, const struct value *value, struct error *err)
{
    const struct patch_index *patch_index = telling->patch_index;
    int rc = 0;
    for (; !rc && patch_index && telling->at < patch_index->term_count; telling->at++) {
        const struct patch_index_term *term = &patch_index->terms[telling->at];
        if (value && value_compare(&term->value, value) >= 0)
            break;
        rc = tell_one(telling, &term->value, term->clips, err);
    }
    return rc;
}

static int tell(struct telling *telling, const struct value *value, uint64_t clips, struct error *err)
{
    const struct patch_index *patch_index = telling->patch_index;
    int64_t above = 0;
    int rc = tell_terms(telling, value, err);
    if (!rc && patch_index && telling->at < patch_index->term_count &&
        !value_compare(&patch_index->terms[telling->at].value, value))
        above = patch_index->terms[telling->at++].clips;
    return rc ? rc : tell_one(telling, value, (int64_t)clips + above, err);
}

static int list_values(struct catalog_reader *reader, const struct attribute *attribute,
                       struct telling *telling, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(reader->db, QUERY_VALUES, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, attribute->info.id);
    while ((rc = db_step(reader->db, stmt, err)) == 1) {
        struct posting_value value;
        rc = posting_value_read(reader->db, stmt, attribute->info.type, &value, err);
        if (!rc)
            rc = tell(telling, &value.value, value.clips, err);
        if (rc)
            break;
    }
    sqlite3_reset(stmt);
    return rc;
}

struct gathering {
    struct catalog_reader *reader;
    int64_t *numbers;
    size_t count, cap;
};

static int gather(void *ctx, const struct column_part *part, struct error *err)
{
    struct gathering *all = ctx;
    CLEANUP_FREE struct column_values *values = mem_alloc(sizeof *values);
    int rc = column_part_expand(all->reader->db, part, &all->reader->text, err);
    if (rc)
        return rc;
    column_part_values(part, &all->reader->text, values);
    mem_grow(&all->numbers, &all->cap, all->count + ROWSET_PART_ROWS, sizeof *all->numbers);
    for (uint32_t row = 0; row < ROWSET_PART_ROWS; row++)
        if (values->present[row / 64] >> row % 64 & 1)
            all->numbers[all->count++] = values->values[row];
    return 0;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int tell_numbers(const struct gathering *all, enum value_type type, struct telling *telling,
                        struct error *err)
{
    int rc = 0;
    for (size_t i = 0, end; !rc && i < all->count; i = end) {
        for (end = i + 1; end < all->count && all->numbers[end] == all->numbers[i]; end++)
            ;
        struct value value = column_value(type, all->numbers[i]);
        rc = value_check(&value, NULL) ? db_damaged(all->reader->db, err, "a column holds what is no value")
                                       : tell(telling, &value, end - i, err);
    }
    return rc;
}

static int column_values(struct catalog_reader *reader, const struct attribute *attribute,
                         struct telling *telling, struct error *err)
{
    struct gathering all = {.reader = reader};
    int rc = select_parts(reader, attribute, gather, &all, err);
    if (!rc) {
        if (all.count)
            qsort(all.numbers, all.count, sizeof *all.numbers, compare_numbers);
        rc = tell_numbers(&all, attribute->info.type, telling, err);
    }
    free(all.numbers);
    return rc;
}

int catalog_values(struct catalog_reader *reader, uint32_t id, catalog_value_fn *each, void *ctx,
                   struct error *err)
{
    const struct attribute *attribute;
    struct telling telling = {.each = each, .ctx = ctx};
    int rc = reader_attribute(reader, id, &attribute, err);
    if (!rc)
        rc = cells_patch_index(reader->db, &reader->cells, attribute, &telling.patch_index, err);
    if (!rc)
        rc = attribute->listed ? list_values(reader, attribute, &telling, err)
                               : column_values(reader, attribute, &telling, err);
    return rc ? rc : tell_terms(&telling, NULL, err);
}

/* ---- one value ---- */

static int count_value(struct catalog_reader *reader, const struct attribute *attribute,
                       const struct value *value, uint64_t *ret, struct error *err)
{
    sqlite3_stmt *stmt;
    struct posting_value found = {0};
    const struct patch_index *patch_index;
    int rc = cells_patch_index(reader->db, &reader->cells, attribute, &patch_index, err);
    if (!rc)
        rc = db_query(reader->db, QUERY_VALUE, &stmt, err);
    if (rc)
        return rc;
    db_bind_number(stmt, 1, attribute->info.id);
    db_bind_value(stmt, 2, value);
    rc = db_step(reader->db, stmt, err);
    if (rc == 1)
        rc = posting_value_read(reader->db, stmt, attribute->info.type, &found, err);
    sqlite3_reset(stmt);
    int64_t clips = rc ? 0 : (int64_t)found.clips + (patch_index ? patch_index_clips(patch_index, value) : 0);
    if (!rc)
        *ret = clips > 0 ? (uint64_t)clips : 0;
    return rc;
}

int catalog_value_known(struct catalog_reader *reader, uint32_t id, const struct value *value,
                        struct error *err)
{
    const struct attribute *attribute;
    int rc = reader_attribute(reader, id, &attribute, err);
    if (rc)
        return rc;
    struct catalog_literal literal = {.attribute = id, .op = CATALOG_EQ, .values = value, .count = 1};
    if (attribute->listed) {
        uint64_t clips;
        rc = select_check(attribute, &literal, err);
        if (!rc)
            rc = count_value(reader, attribute, value, &clips, err);
        return rc ? rc : clips > 0;
    }
    CLEANUP_ROWSET struct rowset *rows = NULL;
    rc = catalog_select(reader, &literal, &rows, err);
    return rc ? rc : !rowset_empty(rows);
}

/* ---- guesses ---- */

enum { GUESS_VALUES_MAX = 256 }; /* as many values of a dictionary are looked at */

struct guess {
    const struct catalog_literal *literal;
    int64_t low, high;
    double clips;
    size_t values;
    const struct patch_index *patch_index;
};

static int guess_value(void *ctx, const struct posting_value *value, struct error *err)
{
    struct guess *guess = ctx;
    guess->clips += (double)value->clips;
    return ++guess->values == GUESS_VALUES_MAX;
}

/* As if the values of a part were spread evenly. */
static double share(const struct column_part *part, int64_t low, int64_t high)
{
    low = low > part->low ? low : part->low;
    high = high < part->high ? high : part->high;
    if (low > high)
        return 0;
    if (low == high)
        return (double)part->clips / (part->different ? part->different : 1);
    return part->clips * (((double)high - (double)low) / ((double)part->high - (double)part->low));
}

static int guess_part(void *ctx, const struct column_part *part, struct error *err)
{
    struct guess *guess = ctx;
    guess->clips += share(part, guess->low, guess->high);
    return 0;
}

static int guess_equal(struct catalog_reader *reader, const struct attribute *attribute, struct guess *guess,
                       struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < guess->literal->count; i++) {
        const struct value *value = &guess->literal->values[i];
        uint64_t clips = 0;
        if (attribute->listed) {
            rc = count_value(reader, attribute, value, &clips, err);
        } else {
            guess->low = guess->high = column_number(value);
            rc = select_parts(reader, attribute, guess_part, guess, err);
        }
        guess->clips += (double)clips;
    }
    return rc;
}

static int guess_many(struct catalog_reader *reader, const struct attribute *attribute, struct guess *guess,
                      struct error *err)
{
    const struct catalog_literal *literal = guess->literal;
    if (literal->op == CATALOG_RANGE && attribute_has_column(attribute)) {
        guess->low = literal->open_low ? INT64_MIN : column_number(&literal->values[0]);
        guess->high = literal->open_high ? INT64_MAX : column_number(&literal->values[1]);
        return select_parts(reader, attribute, guess_part, guess, err);
    }
    if (!attribute->listed) { /* a prefix of numbers */
        guess->clips = (double)attribute->info.clips / 2;
        return 0;
    }
    int rc = select_dictionary(reader, attribute, literal, guess_value, guess, err);
    if (rc == 1) /* and there are more */
        guess->clips = (double)attribute->info.clips / 2 + guess->clips / 2;
    return rc == 1 ? 0 : rc;
}

static void guess_terms(void *ctx, size_t from, size_t to)
{
    struct guess *guess = ctx;
    guess->clips += (double)(guess->patch_index->term_below[to] - guess->patch_index->term_below[from]);
}

/* What is counted beneath, and what stands above it. Counts of single values know of that already. */
static int guess_above(struct catalog_reader *reader, const struct attribute *attribute, struct guess *guess,
                       struct error *err)
{
    enum catalog_op op = guess->literal->op;
    if ((op == CATALOG_EQ || op == CATALOG_NE) && attribute->listed)
        return 0;
    int rc = cells_patch_index(reader->db, &reader->cells, attribute, &guess->patch_index, err);
    if (rc || !guess->patch_index)
        return rc;
    bool printed = op == CATALOG_PREFIX && attribute->info.type != VALUE_TEXT;
    if (printed && guess->patch_index->term_count > GUESS_VALUES_MAX)
        guess->clips = (double)attribute->info.clips / 2;
    else
        select_terms(guess->patch_index, attribute, guess->literal, guess_terms, guess);
    if (guess->clips < 0)
        guess->clips = 0;
    return 0;
}

static int guess_op(struct catalog_reader *reader, const struct attribute *attribute, struct guess *guess,
                    struct error *err)
{
    switch (guess->literal->op) {
    case CATALOG_EQ:
    case CATALOG_NE:
        return guess_equal(reader, attribute, guess, err);
    case CATALOG_RANGE:
    case CATALOG_PREFIX:
        return guess_many(reader, attribute, guess, err);
    case CATALOG_NULL:
    case CATALOG_HAS:
        break;
    }
    guess->clips = (double)attribute->info.clips;
    return 0;
}

int catalog_estimate(struct catalog_reader *reader, const struct catalog_literal *literal, uint64_t *ret,
                     struct error *err)
{
    const struct attribute *attribute;
    struct catalog_info info;
    struct guess guess = {.literal = literal};
    int rc = catalog_info(reader, &info, err);
    if (!rc)
        rc = reader_attribute(reader, literal->attribute, &attribute, err);
    if (!rc)
        rc = select_check(attribute, literal, err);
    if (!rc)
        rc = guess_op(reader, attribute, &guess, err);
    if (!rc)
        rc = guess_above(reader, attribute, &guess, err);
    if (rc)
        return rc;
    uint64_t clips = attribute->info.clips;
    uint64_t some = guess.clips < (double)clips ? (uint64_t)(guess.clips + 0.5) : clips;
    if (literal->op == CATALOG_NE)
        some = clips - some;
    if (literal->op == CATALOG_NULL)
        some = info.clips > clips ? info.clips - clips : 0;
    *ret = some;
    return 0;
}
