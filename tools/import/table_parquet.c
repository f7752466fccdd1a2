// SPDX-License-Identifier: Apache-2.0
/* Parquet: a row group's columns at a time. Flat columns and lists; what pandas wrote for a
 * missing number (NaN) is missing, in a list of numbers null, and its index columns are no columns. Dates are
 * timestamps (one that no timestamp holds stays a number of days, which its column then refuses). */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index/parquet/parquet.h"
#include "tools/import/table_format.h"

struct column {
    size_t number; /* in the file */
    size_t cell;   /* in the table's cells */
    bool date;     /* its integers are days */
    struct parquet_values values;
};

struct tape {
    struct parquet *parquet;
    struct column *columns;
    size_t count;
    size_t group; /* the next to read */
    uint64_t row, rows;
    uint64_t place; /* rows given out */
};

/* ---- columns ---- */

static bool is_index_of_pandas(const char *name)
{
    return !strncmp(name, "__index_level_", strlen("__index_level_"));
}

static int add_column(struct tape *tape, size_t number, struct table_cells *cells, struct error *err)
{
    const struct parquet_column *column = parquet_column(tape->parquet, number);
    bool is_new;
    if (is_index_of_pandas(column->name))
        return 0;
    if (!column->readable)
        return error_set(err, EINVAL,
                         "column '%s' holds no texts, numbers, booleans or timestamps, nor lists of them",
                         column->name);
    struct column *ours = &tape->columns[tape->count++];
    ours->number = number;
    ours->date = column->date;
    int rc = table_cells_column(cells, column->name, strlen(column->name), &ours->cell, &is_new, err);
    if (!rc && !is_new)
        rc = error_set(err, EINVAL, "the column '%s' stands there twice", column->name);
    if (!rc && !*column->name)
        rc = error_set(err, EINVAL, "column %zu has no name", number + 1);
    return rc;
}

static void clear_values(struct tape *tape)
{
    for (size_t i = 0; i < tape->count; i++) {
        parquet_values_done(&tape->columns[i].values);
        tape->columns[i].values = (struct parquet_values){0};
    }
}

static int read_group(struct tape *tape, struct error *err)
{
    clear_values(tape);
    size_t group = tape->group++;
    tape->row = 0;
    tape->rows = 0;
    for (size_t i = 0; i < tape->count; i++) {
        struct column *column = &tape->columns[i];
        int rc = parquet_read(tape->parquet, group, column->number, &column->values, err);
        if (rc < 0)
            return rc;
        if (column->values.rows != parquet_group_rows(tape->parquet, group))
            return error_set(err, EINVAL, "row group %zu: its columns differ in length", group);
    }
    tape->rows = parquet_group_rows(tape->parquet, group);
    return 0;
}

/* ---- values ---- */

static struct value value_at(const struct column *column, uint64_t i)
{
    enum { DAY_S = 86400 };
    const struct parquet_values *values = &column->values;
    int64_t ns;
    if (column->date && !__builtin_mul_overflow(values->i64[i], DAY_S * INT64_C(1000000000), &ns))
        return (struct value){.type = VALUE_TIME, .integer = ns};
    switch (values->kind) {
    case PARQUET_BOOL:
        return (struct value){.type = VALUE_BOOL, .boolean = values->i64[i] != 0};
    case PARQUET_INT:
        return (struct value){.type = VALUE_INT, .integer = values->i64[i]};
    case PARQUET_TIMESTAMP:
        return (struct value){.type = VALUE_TIME, .integer = values->i64[i]};
    case PARQUET_FLOAT:
    case PARQUET_DOUBLE:
        return (struct value){.type = VALUE_FLOAT, .real = values->f64[i] + 0.0};
    case PARQUET_TEXT:
    case PARQUET_BYTES:
    case PARQUET_OTHER:
        break;
    }
    return (struct value){.type = VALUE_TEXT,
                          .text = buf_text(&values->bytes) + values->text_offsets[i],
                          .len = (size_t)(values->text_offsets[i + 1] - values->text_offsets[i])};
}

static bool is_nan(const struct value *value)
{
    return value->type == VALUE_FLOAT && isnan(value->real);
}

static bool is_number(enum value_type type)
{
    return type == VALUE_INT || type == VALUE_FLOAT;
}

static void add_number(struct table_cells *cells, const struct value *value)
{
    if (value->type == VALUE_INT)
        value_list_add_integer(table_cells_list(cells), value->integer);
    else
        value_list_add_real(table_cells_list(cells), value->real);
}

static int add_element(struct table_cells *cells, const struct column *column, uint64_t i,
                       struct table_list_kinds *kinds, struct error *err)
{
    struct table_value one = {.value = value_at(column, i)};
    enum value_type type = one.value.type;
    kinds->numbers += is_number(type);
    kinds->texts += type == VALUE_TEXT;
    kinds->booleans += type == VALUE_BOOL;
    kinds->times += type == VALUE_TIME;
    if (type == VALUE_TEXT || table_cells_several(cells))
        return table_cells_add(cells, &one, err);
    if (is_number(type))
        add_number(cells, &one.value);
    return 0;
}

static bool is_list_of_numbers(const struct column *column)
{
    enum parquet_kind kind = column->values.kind;
    return !column->date && (kind == PARQUET_INT || kind == PARQUET_FLOAT || kind == PARQUET_DOUBLE);
}

/* Here an empty list of numbers is known to be one. */
static int add_list(struct table_cells *cells, const struct column *column, uint64_t row, struct error *err)
{
    const struct parquet_values *values = &column->values;
    struct table_list_kinds kinds = {.lists = values->depth > 1};
    uint64_t i = values->offsets[0][row], end = values->offsets[0][row + 1];
    int rc = 0;
    if (i == end && values->depth == 1 && is_list_of_numbers(column) && !table_cells_several(cells))
        return table_cells_add(cells, &(struct table_value){.value = {.type = VALUE_LIST, .text = ""}}, err);
    for (; !rc && values->depth == 1 && i < end; i++) {
        if (values->valid[i])
            rc = add_element(cells, column, i, &kinds, err);
        else
            kinds.nulls++, value_list_add_null(table_cells_list(cells));
    }
    return rc ? rc : table_cells_finish_list(cells, &kinds, err);
}

static int add_cell(struct table_cells *cells, const struct column *column, uint64_t row, struct error *err)
{
    const struct parquet_values *values = &column->values;
    if (values->depth ? values->null_list[row] : !values->valid[row])
        return 0;
    struct table_value one = {.written = false};
    if (!values->depth)
        one.value = value_at(column, row);
    if (!values->depth && is_nan(&one.value))
        return 0;
    table_cells_cell(cells, column->cell);
    return values->depth ? add_list(cells, column, row, err) : table_cells_add(cells, &one, err);
}

static int parquet_next(void *state, struct table_cells *cells, struct error *err)
{
    struct tape *tape = state;
    while (tape->row == tape->rows) {
        if (tape->group == parquet_groups(tape->parquet))
            return 0;
        int rc = read_group(tape, err);
        if (rc < 0)
            return rc;
    }
    table_cells_begin(cells, ++tape->place);
    uint64_t row = tape->row++;
    for (size_t i = 0; i < tape->count; i++) {
        int rc = add_cell(cells, &tape->columns[i], row, err);
        if (rc < 0)
            return error_prefix(err, "row %llu: column '%s'", (unsigned long long)tape->place,
                                table_cells_name(cells, tape->columns[i].cell));
    }
    return 1;
}

/* ---- opening ---- */

static void tape_free(void *state)
{
    struct tape *tape = state;
    clear_values(tape);
    free(tape->columns);
    if (tape->parquet)
        parquet_free(tape->parquet);
    free(tape);
}

int table_parquet_open(struct table_input *input, struct table_cells *cells, struct table_format *ret,
                       struct error *err)
{
    const struct recording *recording;
    struct parquet *parquet;
    int rc = table_input_recording(input, &recording, err);
    if (!rc)
        rc = parquet_open(recording, &parquet, err);
    if (rc < 0)
        return rc;
    struct tape *tape = MEM_NEW(struct tape);
    tape->parquet = parquet;
    tape->columns = mem_zero(parquet_columns(parquet) * sizeof *tape->columns);
    for (size_t i = 0; !rc && i < parquet_columns(parquet); i++)
        rc = add_column(tape, i, cells, err);
    if (!rc && !tape->count)
        rc = error_set(err, EINVAL, "there is no column");
    if (rc < 0) {
        tape_free(tape);
        return rc;
    }
    *ret = (struct table_format){.next = parquet_next, .free = tape_free, .state = tape, .place_name = "row"};
    return 0;
}
