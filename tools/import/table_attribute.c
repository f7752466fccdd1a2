// SPDX-License-Identifier: Apache-2.0
#include "tools/import/table_attribute.h"

#include <string.h>

#include "index/name.h"

int table_attribute_check(const struct table_reader *reader, const bool *other, struct error *err)
{
    CLEANUP_STRMAP struct strmap *names = strmap_new();
    uint64_t place = table_reader_header(reader);
    for (size_t i = 0; i < table_reader_columns(reader); i++) {
        CLEANUP_BUF struct buf name = BUF_INIT;
        const char *column = table_reader_column(reader, i);
        if (other[i])
            continue;
        if (name_attribute(&name, column, strlen(column), err))
            return table_reader_prefix(reader, place, i, err);
        bool is_new;
        struct strmap_entry *entry = strmap_put(names, buf_text(&name), name.len, &is_new);
        if (!is_new)
            return table_reader_fail(reader, place, err,
                                     "the columns '%s' and '%s' would both become the attribute '%s'",
                                     table_reader_column(reader, entry->value), column, entry->key);
        entry->value = i;
    }
    return 0;
}

int table_attribute_set(struct drafts *drafts, struct draft *clip, size_t attribute,
                        const struct table_type *type, const struct table_kept *cell, struct error *err)
{
    CLEANUP_BUF struct buf scratch = BUF_INIT;
    int rc = 0;
    for (size_t i = 0; !rc && i < cell->count; i++) {
        struct value value;
        rc = table_type_value(type, &cell->values[i], &scratch, &value, err);
        if (!rc)
            rc = draft_value(drafts, clip, attribute, &value, err);
    }
    return rc;
}
