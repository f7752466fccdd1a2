// SPDX-License-Identifier: Apache-2.0
/*
 * Values of attributes without a column are gathered by value; numbers as a list of (row, number), since most
 * of them are different and only their columns are wanted.
 */
#include "index/commit/apply/apply_delta.h"

#include <stdlib.h>

#include "index/catalog/column.h"
#include "index/catalog/posting.h"
#include "index/commit/apply/apply_column.h"
#include "index/commit/apply/apply_dictionary.h"

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

/* ---- writing ---- */

static int write_presence(struct db *db, struct attribute *attribute, struct apply_delta *delta,
                          struct error *err)
{
    if (rows_empty(&delta->gained) && rows_empty(&delta->lost))
        return 0;
    const struct rowset *gained = apply_rows_set(&delta->gained), *lost = apply_rows_set(&delta->lost);
    CLEANUP_ROWSET struct rowset *rows = NULL, *touched = rowset_new();
    int rc = posting_read(db, attribute->posting, &rows, err);
    if (rc)
        return rc;
    rowset_andnot(rows, lost);
    rowset_or(rows, gained);
    rowset_or(touched, lost);
    rowset_or(touched, gained);
    attribute->info.clips = rowset_count(rows);
    return posting_write(db, attribute->posting, rows, touched, err);
}

int apply_delta_write(struct db *db, struct attribute *attribute, struct apply_delta *delta,
                      int64_t *next_posting, struct error *err)
{
    struct apply_dictionary to = {db, attribute, next_posting};
    int rc = write_presence(db, attribute, delta, err);
    if (rc || attribute->info.type == VALUE_LIST)
        return rc;
    if (!attribute_has_column(attribute))
        return apply_dictionary_write(&to, delta, err);
    uint32_t most = 0;
    rc = apply_column_write(db, attribute, delta, &most, err);
    if (!rc && attribute->listed)
        rc = most > SCHEMA_LISTED_MAX ? apply_dictionary_unlist(&to, err)
                                      : apply_dictionary_write_numbers(&to, delta, err);
    return rc;
}
