// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come, as CSV, JSON Lines or Parquet: an error that names the table, or rows whose values are
 * values; each fits its column's type, before and after it was kept in a batch. Read as a manifest, each
 * column is a stream's, the key or an attribute. */
#include <string.h>

#include "cache/base/strmap.h"
#include "tools/import/manifest_columns.h"
#include "tools/import/table_batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void check_row(const struct table_reader *reader, const struct table_row *row)
{
    check(row->count == table_reader_columns(reader));
    for (size_t i = 0; i < row->count; i++) {
        const struct table_cell *cell = &row->cells[i];
        check(!cell->missing || !cell->count);
        check(!cell->refused || cell->missing);
        for (size_t k = 0; k < cell->count; k++) {
            check(!value_check(&cell->values[k].value, NULL));
            check(!cell->values[k].written || cell->values[k].value.type == VALUE_TEXT);
        }
    }
}

static void check_kept(struct table_batch *batch)
{
    CLEANUP_BUF struct buf scratch = BUF_INIT;
    struct table_kept_row row;
    struct value value;
    while (table_batch_next(batch, &row))
        for (size_t i = 0; i < row.count; i++)
            for (size_t k = 0; k < row.cells[i].count; k++) {
                const struct table_value *kept = &row.cells[i].values[k];
                struct table_type *type = table_batch_type(batch, row.cells[i].column);
                int rc = table_type_value(type, kept, &scratch, &value, NULL);
                check(rc == 1 ? kept->written
                      : rc    ? kept->value.type == VALUE_INT
                              : value.type == table_type_of(type));
            }
}

static void check_columns(const struct table_reader *reader)
{
    CLEANUP_MANIFEST_COLUMNS struct manifest_columns columns = {.streams = NULL};
    struct error err = {0};
    if (manifest_columns_new(reader, &columns, &err)) {
        check(!strncmp(err.text, "input: ", 7));
        return;
    }
    check(columns.count == table_reader_columns(reader));
    for (size_t i = 0; i < columns.count; i++) {
        int stream = columns.columns[i].stream;
        check(stream >= MANIFEST_KEY && stream < (int)strmap_count(columns.streams));
        check(stream < 0 || columns.columns[i].field < MANIFEST_FIELDS);
    }
}

static void read_all(const uint8_t *data, size_t size, bool nested)
{
    static const char *const multi[] = {"m"};
    struct notes *notes = nested ? NULL : notes_new();
    struct table_options options = {.multi = multi, .multi_count = 1, .notes = notes, .nested = nested};
    CLEANUP_TABLE_READER struct table_reader *reader = NULL;
    CLEANUP_TABLE_BATCH struct table_batch *batch = table_batch_new();
    struct error err = {0};
    struct table_row row;
    size_t column;
    int rc = table_reader_over(table_input_of_memory("input", data, size), &options, &reader, &err);
    check(!rc || !strncmp(err.text, "input: ", 7));
    while (!rc && (rc = table_reader_next(reader, &row, &err)) > 0) {
        check_row(reader, &row);
        rc = table_batch_add(batch, &row, row.place, &column, &err);
        check(!rc || column < row.count);
    }
    check_kept(batch);
    if (reader && nested)
        check_columns(reader);
    if (notes)
        notes_free(notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_all(data, size, false);
    read_all(data, size, true);
    return 0;
}
