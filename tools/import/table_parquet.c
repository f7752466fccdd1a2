// SPDX-License-Identifier: Apache-2.0
/*
 * Parquet: a row group's columns at a time. Flat columns and lists; what pandas wrote for a missing number
 * (NaN) is missing, in a list of numbers null, and its index columns are no columns. Dates are timestamps.
 *
 * Each column is read once before any row is given out: only then is it known whether all of it can be
 * values, or the column is left out, and whether its decimals are integers.
 */
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/containers/parquet/parquet.h"
#include "tools/import/table_format.h"

struct column {
    size_t number;  /* in the file */
    size_t cell;    /* in the table's cells */
    bool date;      /* its integers are days */
    bool fractions; /* its decimals are floats, else integers */
    struct parquet_values values;
};

struct tape {
    struct parquet *parquet;
    const char *name; /* of the table */
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

static int date_at(const struct parquet_values *values, uint64_t i, struct value *ret, struct error *err)
{
    enum { DAY_S = 86400 };
    ret->type = VALUE_TIME;
    if (__builtin_mul_overflow(values->i64[i], DAY_S * INT64_C(1000000000), &ret->integer))
        return error_set(err, ERANGE, "the day %lld from 1970-01-01 is further than a timestamp holds",
                         (long long)values->i64[i]);
    return 0;
}

/* As the file has it; what the table makes of it may refuse it yet. */
static int value_at(const struct column *column, uint64_t i, struct value *ret, struct error *err)
{
    const struct parquet_values *values = &column->values;
    const uint64_t *at = values->text_offsets;
    *ret = (struct value){.type = VALUE_TEXT};
    if (at) {
        ret->text = buf_text(&values->bytes) + at[i];
        ret->len = (size_t)(at[i + 1] - at[i]);
    }
    switch (values->kind) {
    case PARQUET_BOOL:
        *ret = (struct value){.type = VALUE_BOOL, .boolean = values->i64[i] != 0};
        break;
    case PARQUET_INT:
        *ret = (struct value){.type = VALUE_INT, .integer = values->i64[i]};
        return column->date ? date_at(values, i, ret, err) : 0;
    case PARQUET_TIMESTAMP:
        *ret = (struct value){.type = VALUE_TIME, .integer = values->i64[i]};
        break;
    case PARQUET_FLOAT:
    case PARQUET_DOUBLE:
        *ret = (struct value){.type = VALUE_FLOAT, .real = values->f64[i] + 0.0};
        break;
    case PARQUET_DECIMAL:
        return value_parse(column->fractions ? VALUE_FLOAT : VALUE_INT, ret->text, ret->len, ret, err);
    case PARQUET_TEXT:
    case PARQUET_BYTES:
    case PARQUET_OTHER:
        break;
    }
    return 0;
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
    struct table_value one = {.written = false};
    int rc = value_at(column, i, &one.value, err);
    enum value_type type = one.value.type;
    if (rc)
        return rc;
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
    return !column->date && (kind == PARQUET_INT || kind == PARQUET_FLOAT || kind == PARQUET_DOUBLE ||
                             kind == PARQUET_DECIMAL);
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
    int rc = values->depth ? 0 : value_at(column, row, &one.value, err);
    if (rc || (!values->depth && is_nan(&one.value)))
        return rc;
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

/* ---- surveying ---- */

struct survey {
    struct tape *tape;
    const struct table_options *options;
    const char *name; /* of the column */
    uint64_t rounded; /* decimals that a float does not hold */
    char *example;    /* of them */
};

/* Do the digits of a decimal come back out of the float? */
static bool is_exact(const struct value *decimal, double real)
{
    char digits[DBL_MAX_10_EXP + 32], *back = digits;
    const char *text = decimal->text, *end = text + decimal->len;
    while (text < end && (*text == '-' || *text == '0' || *text == '.'))
        text++;
    while (end > text && (end[-1] == '0' || end[-1] == '.') && memchr(decimal->text, '.', decimal->len))
        end--;
    int count = 0;
    for (const char *c = text; c < end; c++)
        count += *c != '.';
    if (count <= DBL_DIG)
        return true;
    snprintf(digits, sizeof digits, "%.*e", count - 1, fabs(real));
    for (; text < end; text++) {
        if (*text == '.')
            continue;
        while (*back && !isdigit((unsigned char)*back))
            back++;
        if (*back++ != *text)
            return false;
    }
    return true;
}

/* Decimals are integers if all of them are. */
static void see_decimal(struct survey *survey, struct column *column, uint64_t i, uint64_t row)
{
    const struct parquet_values *values = &column->values;
    const char *text = buf_text(&values->bytes) + values->text_offsets[i];
    struct value decimal = {.type = VALUE_TEXT,
                            .text = text,
                            .len = (size_t)(values->text_offsets[i + 1] - values->text_offsets[i])};
    struct value real;
    column->fractions |= value_parse(VALUE_INT, text, decimal.len, &real, NULL) != 0;
    if (value_parse(VALUE_FLOAT, text, decimal.len, &real, NULL) || is_exact(&decimal, real.real))
        return;
    if (!survey->rounded++)
        survey->example = mem_printf("row %llu: %.*s", (unsigned long long)row, (int)decimal.len, text);
}

static int see_value(struct survey *survey, struct column *column, uint64_t i, uint64_t row,
                     struct error *err)
{
    struct value value;
    if (!column->values.valid[i])
        return 0;
    if (column->values.kind == PARQUET_DECIMAL)
        see_decimal(survey, column, i, row);
    int rc = value_at(column, i, &value, err);
    bool missing = !rc && is_nan(&value);
    return rc || missing ? rc : value_check(&value, err);
}

static int see_row(struct survey *survey, struct column *column, uint64_t row, uint64_t place,
                   struct error *err)
{
    const struct parquet_values *values = &column->values;
    uint64_t first = values->depth ? values->offsets[0][row] : row;
    uint64_t end = values->depth ? values->offsets[0][row + 1] : row + 1;
    int rc = 0;
    for (uint64_t i = first; !rc && i < end; i++)
        rc = see_value(survey, column, i, place, err);
    return rc;
}

static int see_group(struct survey *survey, struct column *column, size_t group, struct error *err)
{
    struct parquet *parquet = survey->tape->parquet;
    uint64_t before = parquet_group_first_row(parquet, group) + 1;
    int rc = parquet_read(parquet, group, column->number, &column->values, err);
    for (uint64_t row = 0; !rc && row < column->values.rows; row++) {
        unsigned long long place = before + row;
        rc = see_row(survey, column, row, place, err);
        if (rc)
            error_prefix(err, "row %llu: column '%s'", place, survey->name);
    }
    parquet_values_done(&column->values);
    return rc;
}

/* 0; or why the column cannot be values. */
static int see_column(struct survey *survey, struct column *column, struct error *err)
{
    const struct parquet_column *info = parquet_column(survey->tape->parquet, column->number);
    if (!info->readable)
        return error_set(err, ENOTSUP, "column '%s': %s", info->name, info->why);
    int rc = 0; /* lists of lists are told cell by cell */
    for (size_t group = 0; !rc && info->depth <= 1 && group < parquet_groups(survey->tape->parquet); group++)
        rc = see_group(survey, column, group, err);
    return rc;
}

/* What is wrong with a column, but not with the reading of it, costs the column. */
static bool may_leave_out(const struct survey *survey, int rc)
{
    const struct table_options *options = survey->options;
    return (rc == -EINVAL || rc == -ENOTSUP || rc == -ERANGE || rc == -EFBIG) && options->notes &&
           !(options->needs && options->needs(survey->name));
}

static void note(const struct survey *survey, const struct error *why, const char *table)
{
    struct notes *notes = survey->options->notes;
    CLEANUP_FREE char *left_out = mem_printf("%s: the column '%s' was left out", table, survey->name);
    CLEANUP_FREE char *rounded =
        mem_printf("%s: column '%s': a decimal was rounded to the nearest float", table, survey->name);
    size_t len = strlen(table);
    bool named = !strncmp(why->text, table, len) && !strncmp(why->text + len, ": ", 2);
    if (why->code && notes)
        notes_add(notes, left_out, named ? why->text + len + 2 : why->text);
    else if (survey->rounded && notes)
        notes_add_many(notes, rounded, survey->example, survey->rounded);
}

/* 1: the column is left out. */
static int survey_column(struct tape *tape, const struct table_options *options, struct column *column,
                         struct error *err)
{
    const struct parquet_column *info = parquet_column(tape->parquet, column->number);
    struct survey survey = {.tape = tape, .options = options, .name = info->name};
    struct error why = {0};
    column->fractions = info->scale > 0;
    int rc = see_column(&survey, column, &why);
    if (!column->fractions)
        survey.rounded = 0;
    if (!rc || may_leave_out(&survey, rc))
        note(&survey, &why, tape->name);
    free(survey.example);
    return !rc ? 0 : may_leave_out(&survey, rc) ? 1 : error_copy(err, &why);
}

/* ---- opening ---- */

static int add_column(struct tape *tape, const struct table_options *options, size_t number,
                      struct table_cells *cells, struct error *err)
{
    const struct parquet_column *info = parquet_column(tape->parquet, number);
    struct column column = {.number = number, .date = info->date};
    bool is_new;
    if (is_index_of_pandas(info->name))
        return 0;
    int rc = survey_column(tape, options, &column, err);
    if (rc)
        return rc < 0 ? rc : 0;
    rc = table_cells_column(cells, info->name, strlen(info->name), &column.cell, &is_new, err);
    if (!rc && !is_new)
        rc = error_set(err, EINVAL, "the column '%s' stands there twice", info->name);
    if (!rc && !*info->name)
        rc = error_set(err, EINVAL, "column %zu has no name", number + 1);
    tape->columns[tape->count++] = column;
    return rc;
}

static void tape_free(void *state)
{
    struct tape *tape = state;
    clear_values(tape);
    free(tape->columns);
    if (tape->parquet)
        parquet_free(tape->parquet);
    free(tape);
}

int table_parquet_open(struct table_input *input, const struct table_options *options,
                       struct table_cells *cells, struct table_format *ret, struct error *err)
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
    tape->name = recording->name;
    tape->columns = mem_zero(parquet_columns(parquet) * sizeof *tape->columns);
    for (size_t i = 0; !rc && i < parquet_columns(parquet); i++)
        rc = add_column(tape, options, i, cells, err);
    if (!rc && !tape->count)
        rc = error_set(err, EINVAL, "there is no column");
    if (rc < 0) {
        tape_free(tape);
        return rc;
    }
    *ret = (struct table_format){.next = parquet_next, .free = tape_free, .state = tape, .place_name = "row"};
    return 0;
}
