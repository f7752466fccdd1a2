// SPDX-License-Identifier: Apache-2.0
/* Few values are counted each by its own set of rows, many values of few clips clip by clip; what is neither
 * is not counted at all. */
#include "query/tally.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WALKED_CLIPS = 2048 };

struct tallying {
    struct catalog_reader *reader;
    const struct rowset *rows;
    const struct catalog_attribute *attribute;
    size_t most;
    struct tally *tally;
};

static void clear(struct tally *tally)
{
    for (size_t i = 0; i < tally->count; i++)
        if (value_borrows(&tally->list[i].value))
            free((char *)(uintptr_t)tally->list[i].value.text);
    tally->count = 0;
}

void tally_done(struct tally *tally)
{
    clear(tally);
    free(tally->list);
    *tally = (struct tally){0};
}

static bool is_finite(const struct value *value)
{
    return value->type == VALUE_FLOAT ? isfinite(value->real)
                                      : !value_borrows(value) && value->type != VALUE_BOOL;
}

static void note_bounds(struct tally *tally, const struct value *value)
{
    if (value->type == VALUE_FLOAT && isinf(value->real))
        *(value->real < 0 ? &tally->minus_infinity : &tally->infinity) = true;
    if (!is_finite(value))
        return;
    if (!tally->numbers || value_compare(value, &tally->least) < 0)
        tally->least = *value;
    if (!tally->numbers || value_compare(value, &tally->greatest) > 0)
        tally->greatest = *value;
    tally->numbers = true;
}

/* `clips` more have the value, whose place in the list is `at`. */
static void insert(struct tallying *tallying, size_t at, const struct value *value, uint64_t clips)
{
    struct tally *tally = tallying->tally;
    note_bounds(tally, value);
    if (tally->count == tallying->most)
        tally->too_many = true;
    if (tally->too_many) {
        clear(tally);
        return;
    }
    mem_grow(&tally->list, &tally->cap, tally->count + 1, sizeof *tally->list);
    memmove(tally->list + at + 1, tally->list + at, (tally->count - at) * sizeof *tally->list);
    tally->list[at] = (struct tally_value){.value = *value, .clips = clips};
    if (value_borrows(value))
        tally->list[at].value.text = mem_copy(value->text, value->len);
    tally->count++;
}

/* ---- values of the version, in their order ---- */

static int take_value(void *ctx, const struct value *value, uint64_t clips, struct error *err)
{
    struct tallying *tallying = ctx;
    (void)err;
    insert(tallying, tallying->tally->count, value, clips);
    return tallying->tally->too_many && value_borrows(value); /* of numbers the greatest is wanted */
}

static int take_values(struct tallying *tallying, struct error *err)
{
    int rc = catalog_values(tallying->reader, tallying->attribute->id, take_value, tallying, err);
    return rc < 0 ? rc : 0;
}

int tally_count(struct catalog_reader *reader, const struct rowset *rows,
                const struct catalog_literal *literal, uint64_t *ret, struct error *err)
{
    CLEANUP_ROWSET struct rowset *found = NULL;
    int rc = catalog_select(reader, literal, &found, err);
    if (rc >= 0)
        *ret = rowset_and_count(found, rows);
    return rc < 0 ? rc : 0;
}

static struct catalog_literal equals(const struct tallying *tallying, const struct value *value)
{
    return (struct catalog_literal){
        .attribute = tallying->attribute->id, .op = CATALOG_EQ, .values = value, .count = 1};
}

/* The list is of the version: counts are made those of the rows, and what none has goes. */
static int count_values(struct tallying *tallying, struct error *err)
{
    struct tally *tally = tallying->tally;
    CLEANUP_FREE struct catalog_literal *literals = mem_alloc((tally->count + 1) * sizeof *literals);
    size_t kept = 0;
    for (size_t i = 0; i < tally->count; i++)
        literals[i] = equals(tallying, &tally->list[i].value);
    catalog_select_ahead(tallying->reader, literals, tally->count);
    for (size_t i = 0; i < tally->count; i++) {
        int rc = tally_count(tallying->reader, tallying->rows, &literals[i], &tally->list[i].clips, err);
        if (rc)
            return rc;
    }
    tally->numbers = tally->minus_infinity = tally->infinity = false;
    for (size_t i = 0; i < tally->count; i++) {
        struct tally_value *one = &tally->list[i];
        if (one->clips) {
            note_bounds(tally, &one->value);
            tally->list[kept++] = *one;
        } else if (value_borrows(&one->value)) {
            free((char *)(uintptr_t)one->value.text);
        }
    }
    tally->count = kept;
    return 0;
}

/* ---- clip by clip ---- */

static int take_clip_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                           struct error *err)
{
    struct tallying *tallying = ctx;
    const struct tally *tally = tallying->tally;
    size_t low = 0, high = tally->count;
    (void)err;
    if (attribute->id != tallying->attribute->id)
        return 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (value_compare(&tally->list[middle].value, value) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < tally->count && !value_compare(&tally->list[low].value, value))
        tally->list[low].clips++;
    else
        insert(tallying, low, value, 1);
    return 0;
}

static int walk_clips(struct tallying *tallying, struct error *err)
{
    CLEANUP_FREE uint32_t *rows = mem_alloc(WALKED_CLIPS * sizeof *rows);
    size_t count = rowset_rows(tallying->rows, 0, rows, WALKED_CLIPS);
    catalog_clips_ahead(tallying->reader, rows, count);
    for (size_t i = 0; i < count; i++) {
        int rc = catalog_clip_values(tallying->reader, rows[i], take_clip_value, tallying, err);
        if (rc < 0 && rc != -ENOENT) /* purged meanwhile */
            return rc;
    }
    return 0;
}

static bool is_event(const struct catalog_attribute *attribute)
{
    return strcmp(attribute->name, "event") == 0; /* its values are no values of the clip's own */
}

int tally_make(struct catalog_reader *reader, const struct rowset *rows,
               const struct catalog_attribute *attribute, size_t most, struct tally *ret, struct error *err)
{
    CLEANUP_TALLY struct tally tally = {0};
    struct tallying tallying = {reader, rows, attribute, most, &tally};
    struct catalog_counts counts;
    struct catalog_info info;
    int rc = catalog_info(reader, &info, err);
    if (!rc)
        rc = catalog_attribute_counts(reader, attribute->id, &counts, err);
    if (rc < 0)
        return rc;
    uint64_t clips = rowset_count(rows);
    if (counts.distinct > most && clips <= WALKED_CLIPS && !is_event(attribute))
        rc = walk_clips(&tallying, err);
    else
        rc = take_values(&tallying, err);
    if (rc >= 0 && counts.distinct <= most && clips < info.clips)
        rc = count_values(&tallying, err);
    if (rc < 0)
        return rc;
    *ret = tally;
    tally = (struct tally){0};
    return 0;
}

static int compare_clips(const void *a, const void *b)
{
    const struct tally_value *x = a, *y = b;
    if (x->clips != y->clips)
        return x->clips > y->clips ? -1 : 1;
    return value_compare(&x->value, &y->value);
}

void tally_sort(struct tally *tally)
{
    if (tally->count)
        qsort(tally->list, tally->count, sizeof *tally->list, compare_clips);
}

/* ---- dividing ---- */

/* 1: some of the rows have the value and some do not. */
static int value_divides(struct tallying *tallying, const struct value *value, struct error *err)
{
    const struct catalog_literal literal = equals(tallying, value);
    uint64_t count;
    int rc = tally_count(tallying->reader, tallying->rows, &literal, &count, err);
    return rc ? rc : count > 0 && count < rowset_count(tallying->rows);
}

/* Does the first of the rows have a value that others lack? */
static int first_divides(struct tallying *tallying, uint32_t row, struct error *err)
{
    CLEANUP_TALLY struct tally first = {0};
    tallying->tally = &first;
    int rc = catalog_clip_values(tallying->reader, row, take_clip_value, tallying, err);
    for (size_t i = 0; rc >= 0 && i < first.count; i++)
        if ((rc = value_divides(tallying, &first.list[i].value, err)) != 0)
            break;
    tallying->tally = NULL;
    return rc == -ENOENT ? 0 : rc; /* purged meanwhile */
}

/* Of rows that all have what the first one has: does one of them have more? Where values are too many to be
 * tried it is taken for granted. */
static int others_divide(struct tallying *tallying, struct error *err)
{
    CLEANUP_TALLY struct tally tally = {0};
    int rc = tally_make(tallying->reader, tallying->rows, tallying->attribute, tallying->most, &tally, err);
    bool found = tally.too_many;
    for (size_t i = 0; !rc && !found && i < tally.count; i++)
        found = tally.list[i].clips < rowset_count(tallying->rows);
    return rc ? rc : found;
}

int tally_divides(struct catalog_reader *reader, const struct rowset *rows,
                  const struct catalog_attribute *attribute, struct error *err)
{
    enum { TRIED = 1000 };
    struct tallying tallying = {.reader = reader, .rows = rows, .attribute = attribute, .most = TRIED};
    const struct catalog_literal has = {.attribute = attribute->id, .op = CATALOG_HAS};
    uint64_t count, all = rowset_count(rows);
    uint32_t row;
    if (attribute->type == VALUE_LIST || all < 2)
        return 0;
    int rc = tally_count(reader, rows, &has, &count, err);
    if (rc < 0 || count < all)
        return rc < 0 ? rc : count > 0;
    rowset_rows(rows, 0, &row, 1);
    rc = first_divides(&tallying, row, err);
    return rc || !(attribute->multi || is_event(attribute)) ? rc : others_divide(&tallying, err);
}
