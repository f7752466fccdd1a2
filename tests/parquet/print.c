// SPDX-License-Identifier: Apache-2.0
/* Prints rows the way the expected values beside the files were printed. */
#include "tests/parquet/print.h"

#include <math.h>
#include <string.h>

#include "cache/base/hash.h"
#include "cache/base/json.h"

static void print_real(double value, struct buf *to)
{
    if (isnan(value))
        buf_text_append(to, "\"nan\"");
    else if (isinf(value))
        buf_text_append(to, value < 0 ? "\"-inf\"" : "\"inf\"");
    else if (value == trunc(value) && fabs(value) < 1e15)
        buf_printf(to, "%.1f", value);
    else
        buf_printf(to, "%.17g", value);
}

static void print_bytes(const uint8_t *bytes, size_t len, struct buf *to)
{
    CLEANUP_FREE char *hex = mem_alloc(2 * len + 1);
    hex_print(bytes, len, hex);
    buf_printf(to, "\"%s\"", hex);
}

static void print_value(const struct parquet_values *values, uint64_t i, struct buf *to)
{
    if (!values->valid[i]) {
        buf_text_append(to, "null");
        return;
    }
    const uint64_t *at = values->text_offsets;
    switch (values->kind) {
    case PARQUET_BOOL:
        buf_text_append(to, values->i64[i] ? "true" : "false");
        break;
    case PARQUET_INT:
    case PARQUET_TIMESTAMP:
        buf_printf(to, "%lld", (long long)values->i64[i]);
        break;
    case PARQUET_FLOAT:
    case PARQUET_DOUBLE:
        print_real(values->f64[i], to);
        break;
    case PARQUET_TEXT:
    case PARQUET_DECIMAL:
        json_write_text(to, buf_text(&values->bytes) + at[i], (size_t)(at[i + 1] - at[i]));
        break;
    default:
        print_bytes((const uint8_t *)buf_text(&values->bytes) + at[i], (size_t)(at[i + 1] - at[i]), to);
    }
}

static void print_element(const struct parquet_values *values, unsigned level, uint64_t i, struct buf *to)
{
    const unsigned deepest = sizeof values->offsets / sizeof *values->offsets;
    if (level == values->depth ||
        level == deepest) { /* gcc -O3 sees the end of the recursion only in `deepest` */
        print_value(values, i, to);
        return;
    }
    buf_u8(to, '[');
    for (uint64_t k = values->offsets[level][i]; k < values->offsets[level][i + 1]; k++) {
        if (k > values->offsets[level][i])
            buf_text_append(to, ", ");
        print_element(values, level + 1, k, to);
    }
    buf_u8(to, ']');
}

void print_row(const struct parquet_values *values, uint64_t row, struct buf *to)
{
    if (values->depth && values->null_list[row])
        buf_text_append(to, "null");
    else
        print_element(values, 0, row, to);
}

int print_group(struct parquet *parquet, size_t group, struct buf *to, struct error *err)
{
    const char *before = "{";
    for (size_t i = 0; i < parquet_columns(parquet); i++) {
        const struct parquet_column *column = parquet_column(parquet, i);
        if (!column->readable)
            continue;
        CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
        int rc = parquet_read(parquet, group, i, &values, err);
        if (rc)
            return rc;
        buf_text_append(to, before);
        json_write_text(to, column->name, strlen(column->name));
        buf_text_append(to, ": [");
        for (uint64_t row = 0; row < values.rows; row++) {
            buf_text_append(to, row ? ", " : "");
            print_row(&values, row, to);
        }
        buf_u8(to, ']');
        before = ", ";
    }
    buf_text_append(to, *before == '{' ? "{}" : "}");
    return 0;
}

void print_slice(const struct slice *slice, const uint8_t *recording, struct buf *to)
{
    for (size_t i = 0; i < slice->count; i++) {
        const struct slice_piece *piece = &slice->pieces[i];
        const uint8_t *from = piece->kind == SLICE_INLINE ? slice->inline_bytes.data : recording;
        buf_append(to, from + piece->offset, (size_t)piece->len);
    }
}
