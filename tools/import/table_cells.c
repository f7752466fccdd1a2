// SPDX-License-Identifier: Apache-2.0
/* All values of a row lie in one array; cells point into it once it no longer grows. */
#include "tools/import/table_cells.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"

struct place { /* of a cell's values */
    size_t first, count;
    uint64_t mentioned; /* the number of the row that did last */
    bool split;         /* of the column: at ';' */
};

struct table_cells {
    struct strmap *columns; /* name -> number */
    const char *const *multi;
    size_t multi_count;
    struct place *places; /* by column */
    struct table_cell *cells;
    size_t place_cap, cell_cap;
    struct table_value *values;
    size_t value_count, value_cap;
    struct buf lists; /* those of the row, one behind the other */
    size_t list_at;   /* where the one under way begins */
    size_t column;    /* of the cell that is being filled */
    size_t next;      /* the column behind the one asked for last: rows tend to be alike */
    uint64_t row;
    uint64_t number; /* of the row, from 1 */
};

struct table_cells *table_cells_new(const char *const *multi, size_t multi_count)
{
    struct table_cells *cells = MEM_NEW(struct table_cells);
    *cells = (struct table_cells){.columns = strmap_new(), .multi = multi, .multi_count = multi_count};
    return cells;
}

void table_cells_free(struct table_cells *cells)
{
    strmap_free(cells->columns);
    free(cells->places);
    free(cells->cells);
    free(cells->values);
    buf_done(&cells->lists);
    free(cells);
}

size_t table_cells_columns(const struct table_cells *cells)
{
    return strmap_count(cells->columns);
}

const char *table_cells_name(const struct table_cells *cells, size_t column)
{
    return strmap_at(cells->columns, column)->key;
}

static void add_column(struct table_cells *cells, struct strmap_entry *entry)
{
    size_t number = strmap_count(cells->columns) - 1;
    entry->value = number;
    mem_grow(&cells->places, &cells->place_cap, number + 1, sizeof *cells->places);
    mem_grow(&cells->cells, &cells->cell_cap, number + 1, sizeof *cells->cells);
    cells->places[number] = (struct place){0};
    cells->cells[number] = (struct table_cell){.missing = true};
    for (size_t i = 0; i < cells->multi_count; i++)
        cells->places[number].split |= !strcmp(cells->multi[i], entry->key);
}

int table_cells_column(struct table_cells *cells, const char *name, size_t len, size_t *ret, bool *ret_new,
                       struct error *err)
{
    const struct strmap_entry *guess =
        cells->next < strmap_count(cells->columns) ? strmap_at(cells->columns, cells->next) : NULL;
    if (guess && guess->key_len == len && !memcmp(guess->key, name, len)) {
        *ret = cells->next++;
        if (ret_new)
            *ret_new = false;
        return 0;
    }
    struct strmap_entry *entry = strmap_find(cells->columns, name, len);
    bool is_new = !entry;
    if (len > TABLE_NAME_MAX)
        return error_set(err, E2BIG, "a column's name has more than %d bytes", TABLE_NAME_MAX);
    if (is_new && strmap_count(cells->columns) >= TABLE_COLUMNS_MAX)
        return error_set(err, E2BIG, "more than %d columns", TABLE_COLUMNS_MAX);
    if (is_new)
        add_column(cells, entry = strmap_put(cells->columns, name, len, NULL));
    *ret = entry->value;
    cells->next = entry->value + 1;
    if (ret_new)
        *ret_new = is_new;
    return 0;
}

bool table_cells_find(const struct table_cells *cells, const char *name, size_t *ret)
{
    const struct strmap_entry *entry = strmap_find(cells->columns, name, strlen(name));
    if (entry)
        *ret = entry->value;
    return entry != NULL;
}

void table_cells_begin(struct table_cells *cells, uint64_t place)
{
    cells->row = place;
    cells->number++;
    cells->next = 0;
    cells->value_count = 0;
    buf_clear(&cells->lists);
    cells->list_at = 0;
    for (size_t i = 0; i < strmap_count(cells->columns); i++)
        cells->cells[i] = (struct table_cell){.missing = true};
}

void table_cells_cell(struct table_cells *cells, size_t column)
{
    cells->column = column;
    cells->cells[column].missing = false;
    cells->places[column].first = cells->value_count;
    cells->places[column].count = 0;
}

bool table_cells_mention(struct table_cells *cells, size_t column)
{
    bool first = cells->places[column].mentioned != cells->number;
    cells->places[column].mentioned = cells->number;
    return first;
}

static int add_one(struct table_cells *cells, const struct table_value *value, struct error *err)
{
    struct place *place = &cells->places[cells->column];
    int rc = value_check(&value->value, err);
    if (rc < 0)
        return rc;
    if (place->count >= TABLE_VALUES_MAX)
        return error_set(err, E2BIG, "more than %d values", TABLE_VALUES_MAX);
    mem_grow(&cells->values, &cells->value_cap, cells->value_count + 1, sizeof *cells->values);
    cells->values[cells->value_count++] = *value;
    place->count++;
    return 0;
}

int table_cells_add(struct table_cells *cells, const struct table_value *value, struct error *err)
{
    if (!cells->places[cells->column].split || value->value.type != VALUE_TEXT)
        return add_one(cells, value, err);
    const char *end = value->value.text + value->value.len;
    int rc = 0;
    for (const char *part = value->value.text; !rc && part < end;) {
        const char *semicolon = memchr(part, ';', (size_t)(end - part));
        struct table_value one = *value;
        one.value.text = part;
        one.value.len = (size_t)((semicolon ? semicolon : end) - part);
        rc = one.value.len ? add_one(cells, &one, err) : 0;
        part += one.value.len + 1;
    }
    return rc;
}

bool table_cells_several(const struct table_cells *cells)
{
    return cells->places[cells->column].split;
}

struct buf *table_cells_list(struct table_cells *cells)
{
    return &cells->lists;
}

/* NULL: it is one. */
static const char *why_no_list(const struct table_cells *cells, const struct table_list_kinds *kinds)
{
    if (kinds->lists)
        return "a list of lists";
    if (kinds->objects)
        return "a list of objects";
    if (table_cells_several(cells))
        return kinds->nulls ? "null among several values" : NULL;
    if (kinds->booleans)
        return "a list with true or false (--multi: several values)";
    if (kinds->times)
        return "a list of timestamps (--multi: several values)";
    if (kinds->texts && kinds->numbers)
        return "a list of numbers and texts";
    if (kinds->texts && kinds->nulls)
        return "a list of texts and null";
    return kinds->numbers + kinds->nulls > VALUE_LIST_MAX ? "a list of more than 65536 numbers" : NULL;
}
_Static_assert(VALUE_LIST_MAX == 65536, "as the reason says");

/* It is as if the cell had no value, but that is told. */
static void refuse(struct table_cells *cells, const char *what)
{
    struct place *place = &cells->places[cells->column];
    buf_truncate(&cells->lists, cells->list_at);
    cells->value_count = place->first;
    place->count = 0;
    cells->cells[cells->column] = (struct table_cell){.missing = true, .refused = what};
}

int table_cells_finish_list(struct table_cells *cells, const struct table_list_kinds *kinds,
                            struct error *err)
{
    const char *why = why_no_list(cells, kinds);
    if (why) {
        refuse(cells, why);
        return 0;
    }
    if (cells->lists.len == cells->list_at)
        return 0;
    struct table_value list = {.value = {.type = VALUE_LIST,
                                         .text = buf_text(&cells->lists) + cells->list_at,
                                         .len = cells->lists.len - cells->list_at}};
    cells->list_at = cells->lists.len;
    return add_one(cells, &list, err);
}

/* Where the lists are, now that they no longer move. */
static void place_lists(struct table_cells *cells)
{
    size_t at = 0;
    for (size_t i = 0; i < cells->value_count; i++) {
        struct value *value = &cells->values[i].value;
        if (value->type != VALUE_LIST)
            continue;
        value->text = buf_text(&cells->lists) + at;
        at += value->len;
    }
}

void table_cells_end(struct table_cells *cells, struct table_row *ret)
{
    place_lists(cells);
    size_t count = strmap_count(cells->columns);
    for (size_t i = 0; i < count; i++) {
        struct table_cell *cell = &cells->cells[i];
        cell->count = cell->missing ? 0 : cells->places[i].count;
        cell->values = cell->count ? cells->values + cells->places[i].first : NULL;
    }
    *ret = (struct table_row){.place = cells->row, .cells = cells->cells, .count = count};
}
