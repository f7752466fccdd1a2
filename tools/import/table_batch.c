// SPDX-License-Identifier: Apache-2.0
/*
 * Rows lie one behind the other:
 *
 *     row:   place, tag, cells, cell...
 *     cell:  column, values * 2 + refused, value...
 *     value: type * 2 + written, bytes (value_encode())
 */
#include "tools/import/table_batch.h"

#include <assert.h>
#include <stdlib.h>

#include "cache/base/cursor.h"
#include "cache/base/spool.h"

enum { READ_BYTES = 1 << 24 }; /* so many that were read are let go of */

struct kept_column {
    struct table_type type;
    bool skip;
};

struct table_batch {
    struct kept_column *columns;
    size_t column_count, column_cap;
    struct spool bytes;
    struct buf row; /* the last one, on its way there */
    uint64_t rows;
    struct cursor at; /* reading: what is left */
    size_t let_go;    /* and what of it need not be in memory */
    struct table_kept *cells;
    size_t cell_cap;
    struct table_value *values;
    size_t value_count, value_cap;
};

struct table_batch *table_batch_new(void)
{
    return MEM_NEW(struct table_batch);
}

void table_batch_free(struct table_batch *batch)
{
    spool_done(&batch->bytes);
    buf_done(&batch->row);
    free(batch->columns);
    free(batch->cells);
    free(batch->values);
    free(batch);
}

static struct kept_column *column_at(struct table_batch *batch, size_t column)
{
    mem_grow(&batch->columns, &batch->column_cap, column + 1, sizeof *batch->columns);
    while (batch->column_count <= column)
        batch->columns[batch->column_count++] = (struct kept_column){.skip = false};
    return &batch->columns[column];
}

struct table_type *table_batch_type(struct table_batch *batch, size_t column)
{
    return &column_at(batch, column)->type;
}

void table_batch_skip(struct table_batch *batch, size_t column)
{
    column_at(batch, column)->skip = true;
}

uint64_t table_batch_rows(const struct table_batch *batch)
{
    return batch->rows;
}

size_t table_batch_bytes(const struct table_batch *batch)
{
    return spool_held(&batch->bytes);
}

/* ---- adding ---- */

static int see_cell(struct table_batch *batch, const struct table_row *row, size_t column, struct error *err)
{
    const struct table_cell *cell = &row->cells[column];
    int rc = 0;
    if (cell->refused)
        table_type_refuse(&batch->columns[column].type, cell->refused, row->place);
    for (size_t i = 0; !rc && i < cell->count; i++)
        rc = table_type_see(&batch->columns[column].type, &cell->values[i], row->place, err);
    return rc;
}

static void encode_cell(struct buf *to, size_t column, const struct table_cell *cell)
{
    buf_varint(to, column);
    buf_varint(to, (uint64_t)cell->count << 1 | (cell->refused != NULL));
    for (size_t i = 0; i < cell->count; i++) {
        const struct table_value *value = &cell->values[i];
        buf_u8(to, (uint8_t)((unsigned)value->value.type << 1 | value->written));
        value_encode(to, &value->value);
    }
}

static bool is_kept(const struct table_batch *batch, const struct table_row *row, size_t column)
{
    const struct table_cell *cell = &row->cells[column];
    return (!cell->missing || cell->refused) && !batch->columns[column].skip;
}

int table_batch_add(struct table_batch *batch, const struct table_row *row, uint64_t tag, size_t *ret_column,
                    struct error *err)
{
    size_t kept = 0;
    if (row->count)
        column_at(batch, row->count - 1);
    for (size_t i = 0; i < row->count; i++) {
        int rc = is_kept(batch, row, i) ? see_cell(batch, row, i, err) : 0;
        if (rc) {
            *ret_column = i;
            return rc;
        }
        kept += is_kept(batch, row, i);
    }
    struct buf *to = &batch->row;
    buf_clear(to);
    buf_varint(to, row->place);
    buf_varint(to, tag);
    buf_varint(to, kept);
    for (size_t i = 0; i < row->count; i++)
        if (is_kept(batch, row, i))
            encode_cell(to, i, &row->cells[i]);
    spool_append(&batch->bytes, to->data, to->len);
    batch->rows++;
    return 0;
}

int table_batch_check(const struct table_batch *batch, struct error *err)
{
    return spool_check(&batch->bytes, err);
}

/* ---- giving back ---- */

void table_batch_rewind(struct table_batch *batch)
{
    batch->at = (struct cursor){.data = NULL};
    batch->let_go = 0;
}

static bool has_more(struct table_batch *batch)
{
    if (!batch->at.data)
        batch->at = cursor_of(batch->bytes.bytes.data, batch->bytes.bytes.len);
    if (batch->at.at - batch->let_go > READ_BYTES) {
        spool_forget(&batch->bytes);
        batch->let_go = batch->at.at;
    }
    return cursor_left(&batch->at) > 0;
}

static void decode_values(struct table_batch *batch, size_t count)
{
    mem_grow(&batch->values, &batch->value_cap, batch->value_count + count, sizeof *batch->values);
    for (size_t i = 0; i < count; i++) {
        struct table_value *value = &batch->values[batch->value_count++];
        uint8_t tag = cursor_u8(&batch->at);
        value->written = tag & 1;
        value_decode_unchecked(&batch->at, (enum value_type)(tag >> 1), &value->value);
    }
}

int table_batch_next(struct table_batch *batch, struct table_kept_row *ret)
{
    if (!has_more(batch))
        return 0;
    ret->place = cursor_varint(&batch->at);
    ret->tag = cursor_varint(&batch->at);
    ret->count = (size_t)cursor_varint(&batch->at);
    mem_grow(&batch->cells, &batch->cell_cap, ret->count, sizeof *batch->cells);
    batch->value_count = 0;
    for (size_t i = 0; i < ret->count; i++) {
        batch->cells[i].column = (size_t)cursor_varint(&batch->at);
        uint64_t count = cursor_varint(&batch->at);
        batch->cells[i].refused = count & 1;
        batch->cells[i].count = (size_t)(count >> 1);
        decode_values(batch, batch->cells[i].count);
    }
    for (size_t i = 0, first = 0; i < ret->count; first += batch->cells[i++].count)
        batch->cells[i].values = batch->cells[i].count ? &batch->values[first] : NULL;
    assert(!batch->at.failed); /* we wrote it */
    ret->cells = batch->cells;
    return 1;
}
