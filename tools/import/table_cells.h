// SPDX-License-Identifier: Apache-2.0
/*
 * The row a format is reading: its columns, which may become more while rows come, and the values in each.
 * Formats fill it, the reader hands it out. One thread at a time; texts are borrowed from the format.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/base/value_list.h"

enum {
    TABLE_COLUMNS_MAX = 10000,
    TABLE_VALUES_MAX = 10000, /* in one cell */
    TABLE_NAME_MAX = 1024,    /* bytes of a column's name */
};

struct table_value {
    struct value value; /* as value_check() wants it */
    bool written;       /* a text whose type the whole column decides (CSV); else it has its type */
};
struct table_cell {
    const struct table_value *values;
    size_t count;
    bool missing; /* no value was given; an empty list is not missing */
    const char
        *refused; /* a constant, such as "a list of lists": it holds what is no value, and is missing */
};
struct table_row {
    uint64_t place; /* the line it starts on; in Parquet the row; from 1 */
    const struct table_cell *cells;
    size_t count; /* columns known by now */
};

struct table_cells;

/* Texts in the columns named `multi` are split at ';', empty parts are none. Borrowed. */
struct table_cells *table_cells_new(const char *const *multi, size_t multi_count);
void table_cells_free(struct table_cells *cells);

size_t table_cells_columns(const struct table_cells *cells);
const char *table_cells_name(const struct table_cells *cells, size_t column);
/* The column of this name, a new one if there is none; *ret_new may be NULL. -E2BIG: too many, too
 * long. */
int table_cells_column(struct table_cells *cells, const char *name, size_t len, size_t *ret, bool *ret_new,
                       struct error *err);
bool table_cells_find(const struct table_cells *cells, const char *name, size_t *ret);

/* A row: begin, then cell by cell (not missing from then on) its values; -EINVAL with the value where it is
 * none, -E2BIG. */
void table_cells_begin(struct table_cells *cells, uint64_t place);
void table_cells_cell(struct table_cells *cells, size_t column);
/* Before a cell that may be missing is looked at: false if the row had this column before. */
bool table_cells_mention(struct table_cells *cells, size_t column);
int table_cells_add(struct table_cells *cells, const struct table_value *value, struct error *err);
/* Is what a list of the cell under way holds several values, as --multi says, not one of type list? */
bool table_cells_several(const struct table_cells *cells);
/* A list in the cell under way: its numbers and nulls are appended (value_list.h) to what table_cells_list()
 * gives; what is several values is added as such. Then it is finished: numbers become a value of type list;
 * what is neither a list of numbers nor one of texts is no value, so the cell is refused. An empty one has no
 * type: the cell holds nothing, but is not missing. */
struct table_list_kinds { /* how many elements are */
    size_t numbers, nulls, texts, booleans, times, lists, objects;
};
struct buf *table_cells_list(struct table_cells *cells);
int table_cells_finish_list(struct table_cells *cells, const struct table_list_kinds *kinds,
                            struct error *err);
void table_cells_end(struct table_cells *cells, struct table_row *ret);
