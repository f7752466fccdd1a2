// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come: an error, or rows whose fields are text; a column's type fits every field. */
#include <string.h>

#include "index/value.h"
#include "tools/import/csv.h"
#include "tools/import/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void infer(const struct csv *csv, size_t column)
{
    CLEANUP_FREE const char **texts = mem_alloc(csv->rows * sizeof *texts);
    CLEANUP_FREE size_t *lens = mem_alloc(csv->rows * sizeof *lens);
    size_t count = 0;
    for (size_t row = 0; row < csv->rows; row++) {
        struct csv_field field = csv_at(csv, row, column);
        if (strlen(field.text) != field.len || (field.missing && field.len))
            __builtin_trap();
        if (field.missing)
            continue;
        texts[count] = field.text;
        lens[count++] = field.len;
    }
    struct value value;
    enum value_type type = table_infer(texts, lens, count);
    for (size_t i = 0; i < count; i++)
        if (value_parse(type, texts[i], lens[i], &value, NULL) && lens[i] <= VALUE_TEXT_MAX)
            __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    CLEANUP_CSV struct csv *csv = NULL;
    if (csv_parse("input", data, size, &csv, &err)) {
        if (!strstr(err.text, "input: "))
            __builtin_trap();
        return 0;
    }
    for (size_t column = 0; column < csv->columns; column++)
        infer(csv, column);
    return 0;
}
