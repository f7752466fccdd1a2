// SPDX-License-Identifier: Apache-2.0
/*
 * Values of attributes without a column are gathered by value; numbers as a list of (row, number), since most
 * of them are different and only their columns are wanted.
 */
#include "index/commit/apply/apply_delta.h"

#include <stdlib.h>

#include "cache/base/sort.h"
#include "index/catalog/column.h"

/* ---- gathering ---- */

static void rows_add(struct apply_rows *rows, uint32_t row)
{
    if (rows->count == APPLY_FEW)
        apply_rows_set(rows);
    rows->few[rows->count++] = row;
}

const struct rowset *apply_rows_set(struct apply_rows *rows)
{
    if (!rows->many)
        rows->many = rowset_new();
    rowset_add_many(rows->many, rows->few, rows->count);
    rows->count = 0;
    return rows->many;
}

void apply_rows_done(struct apply_rows *rows)
{
    rowset_unref(rows->many);
    *rows = (struct apply_rows){0};
}

static bool rows_empty(const struct apply_rows *rows)
{
    return !rows->count && !rows->many;
}

void apply_delta_done(struct apply_delta *delta)
{
    apply_rows_done(&delta->gained);
    apply_rows_done(&delta->lost);
    strmap_free(delta->map);
    for (size_t i = 0; i < delta->value_count; i++) {
        apply_rows_done(&delta->values[i].gained);
        apply_rows_done(&delta->values[i].lost);
    }
    free(delta->values);
    free(delta->numbers);
    *delta = (struct apply_delta){0};
}

bool apply_delta_empty(const struct apply_delta *delta)
{
    return rows_empty(&delta->gained) && rows_empty(&delta->lost) && !delta->value_count &&
           !delta->number_count;
}

void apply_delta_row(struct apply_delta *delta, uint32_t row, bool gained)
{
    rows_add(gained ? &delta->gained : &delta->lost, row);
}

static struct apply_value *value_of(struct apply_delta *delta, const struct value *value)
{
    bool is_new;
    const void *bytes = value->type == VALUE_TEXT ? (const void *)value->text : &value->integer;
    size_t len = value->type == VALUE_TEXT   ? value->len
                 : value->type == VALUE_BOOL ? 1
                                             : sizeof value->integer;
    if (!delta->map)
        delta->map = strmap_new();
    struct strmap_entry *entry = strmap_put(delta->map, bytes, len, &is_new);
    if (is_new) {
        entry->value = delta->value_count;
        mem_grow(&delta->values, &delta->value_cap, delta->value_count + 1, sizeof *delta->values);
        struct apply_value *made = &delta->values[delta->value_count++];
        *made = (struct apply_value){.value = *value};
        if (value->type == VALUE_TEXT)
            made->value.text = entry->key;
    }
    return &delta->values[entry->value];
}

void apply_delta_value(struct apply_delta *delta, bool column, const struct value *value, uint32_t row,
                       bool gained)
{
    if (!column) {
        struct apply_value *known = value_of(delta, value);
        rows_add(gained ? &known->gained : &known->lost, row);
        return;
    }
    mem_grow(&delta->numbers, &delta->number_cap, delta->number_count + 1, sizeof *delta->numbers);
    delta->numbers[delta->number_count++] = (struct apply_number){column_number(value), row, gained};
}

static void change_value(struct apply_delta *delta, const struct attribute *attribute,
                         const struct value *value, uint32_t row, bool gained)
{
    if (value->type != VALUE_LIST)
        apply_delta_value(delta, attribute_has_column(attribute), value, row, gained);
}

/* Both are ascending: one walk finds what only one of them has. */
void apply_delta_cell(struct apply_delta *delta, const struct attribute *attribute, const struct patch *patch,
                      const struct patch_cell *cell)
{
    size_t old_count, now_count;
    const struct value *old = patch_values(patch, cell->old, &old_count),
                       *now = patch_values(patch, patch_code_seen(cell), &now_count);
    for (size_t i = 0, k = 0; i < old_count || k < now_count;) {
        int order = i == old_count ? 1 : k == now_count ? -1 : value_compare(&old[i], &now[k]);
        if (order < 0)
            change_value(delta, attribute, &old[i], cell->row, false);
        else if (order > 0)
            change_value(delta, attribute, &now[k], cell->row, true);
        i += order <= 0, k += order >= 0;
    }
    if (!old_count != !now_count)
        apply_delta_row(delta, cell->row, now_count > 0);
}

/* ---- order ---- */

static int compare_values(const void *a, const void *b)
{
    return value_compare(&((const struct apply_value *)a)->value, &((const struct apply_value *)b)->value);
}

_Static_assert(sizeof(struct apply_number) == SORT_RECORD_BYTES && !offsetof(struct apply_number, number),
               "sort_records() sorts them");

void apply_delta_sort(struct apply_delta *delta)
{
    if (delta->value_count)
        qsort(delta->values, delta->value_count, sizeof *delta->values, compare_values);
    if (delta->number_count)
        sort_records(delta->numbers, delta->number_count);
}
