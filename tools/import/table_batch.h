// SPDX-License-Identifier: Apache-2.0
/*
 * Rows of a table kept, in few bytes, until the types of its columns are known: add() all of them, then
 * next() gives them back. Of many, memory holds a window (cache/base/spool.h). One thread at a time.
 */
#pragma once

#include "tools/import/table_reader.h"
#include "tools/import/table_type.h"

struct table_batch;

struct table_batch *table_batch_new(void);
void table_batch_free(struct table_batch *batch);
CLEANUP_DEFINE(struct table_batch, table_batch_free, cleanup_table_batch)
#define CLEANUP_TABLE_BATCH CLEANUP(cleanup_table_batch)

/* A column's type as it is known by now; its `forced` may be set before rows are added. Valid until the next
 * call with a column that was not mentioned before. */
struct table_type *table_batch_type(struct table_batch *batch, size_t column);
/* A column that is not kept, such as the key. */
void table_batch_skip(struct table_batch *batch, size_t column);

/* Copies a row; `tag` is the caller's, such as the clip it is about. -EINVAL: a value has another type than
 * those before it, its column in *ret_column. */
int table_batch_add(struct table_batch *batch, const struct table_row *row, uint64_t tag, size_t *ret_column,
                    struct error *err);
uint64_t table_batch_rows(const struct table_batch *batch); /* added */
size_t table_batch_bytes(const struct table_batch *batch);  /* held in memory */
/* Fails where there is no room for them: to be asked while they are added. */
int table_batch_check(const struct table_batch *batch, struct error *err);

struct table_kept { /* a cell that is not missing, or refused; an empty list has none of them, but is there */
    size_t column;
    const struct table_value *values; /* as they were added: table_type_value() gives the column's type */
    size_t count;
    bool refused; /* it holds what is no value: it says nothing */
};
struct table_kept_row {
    uint64_t place, tag;
    const struct table_kept *cells; /* by column */
    size_t count;
};
/* 1 with the next row, valid until the next call; 0 at the end. */
int table_batch_next(struct table_batch *batch, struct table_kept_row *ret);
void table_batch_rewind(struct table_batch *batch); /* to the first one */
