// SPDX-License-Identifier: Apache-2.0
/*
 * Each column gets its attribute's name and type once the batch is known; then each cell is a value of that
 * type, or a refusal that names it.
 */
#include "tools/label/label_columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "index/base/name.h"
#include "tools/import/table_attribute.h"

void label_columns_done(struct label_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++)
        free(columns->list[i].attribute);
    free(columns->list);
    columns->list = NULL;
    columns->count = 0;
}

bool label_columns_is_key(const char *column)
{
    return !strcmp(column, "key") || !strcmp(column, "episode_index");
}

/* ---- names ---- */

static int attribute_name(const struct annotate_options *options, const char *column, struct buf *name,
                          struct error *err)
{
    CLEANUP_FREE char *whole = mem_printf("%s%s", column, options->suffix ? options->suffix : "");
    if (!strcmp(column, "event"))
        return error_set(err, EINVAL, "events need columns key, label, start and end");
    return name_attribute(name, whole, strlen(whole), err);
}

int label_columns_forced(const struct annotate_options *options, const char *column, struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    if (attribute_name(options, column, &name, NULL))
        return 0; /* said where all columns are known */
    for (size_t i = 0; i < options->type_count; i++) {
        const char *text = options->types[i], *equals = strchr(text, '=');
        enum value_type type = 0;
        if (!equals || equals == text)
            return error_set(err, EINVAL, "--type '%s': expected NAME=TYPE", text);
        int rc = table_type_parse(equals + 1, &type, err);
        if (rc)
            return error_prefix(err, "--type '%s'", text);
        size_t len = (size_t)(equals - text);
        if ((len == name.len && !memcmp(text, buf_text(&name), len)) ||
            (len == strlen(column) && !memcmp(text, column, len)))
            return (int)type;
    }
    return 0;
}

static int take_name(struct label_columns *columns, size_t i, const struct table_reader *table,
                     struct strmap *names, struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    bool is_new;
    int rc = attribute_name(columns->options, table_reader_column(table, i), &name, err);
    if (rc)
        return table_reader_prefix(table, table_reader_header(table), i, err);
    struct strmap_entry *entry = strmap_put(names, buf_text(&name), name.len, &is_new);
    if (!is_new)
        return table_reader_fail(table, table_reader_header(table), err,
                                 "the columns '%s' and '%s' would both become the attribute '%s'",
                                 table_reader_column(table, entry->value), table_reader_column(table, i),
                                 entry->key);
    entry->value = i;
    columns->list[i].attribute = mem_text(buf_text(&name));
    return 0;
}

/* ---- types ---- */

/* The data set's type stays; integers among which floats come are floats from here on. */
static int take_type(struct label_column *column, const struct table_type *seen, bool wide,
                     struct catalog_reader *reader, struct error *err)
{
    struct catalog_attribute attribute = {.type = 0};
    int rc = catalog_attribute_find(reader, column->attribute, strlen(column->attribute), &attribute, err);
    if (rc && rc != -ENOENT)
        return rc;
    bool known = !rc;
    column->as = *seen;
    column->as.known = known ? attribute.type : 0;
    column->as.forced = seen->seen ? seen->forced : 0;
    column->declared = known || seen->seen;
    column->multi = wide || (known && attribute.multi);
    enum value_type to = column->as.forced;
    if (!known || !to)
        return 0;
    column->to_text = to == VALUE_TEXT && attribute.type != VALUE_TEXT;
    if (to == attribute.type || column->to_text || (attribute.type == VALUE_INT && to == VALUE_FLOAT))
        return 0;
    return error_set(err, EINVAL, "--type says %s, but the data set's attribute '%s' is %s",
                     value_type_name(to), column->attribute, value_type_name(attribute.type));
}

static void note_column(const struct label_columns *columns, size_t i, const struct table_reader *table)
{
    const struct label_column *column = &columns->list[i];
    const struct annotate_options *options = columns->options;
    table_attribute_note(table, i, &column->as, column->attribute, options->notes);
    if (options->batches) /* else it would be said of each */
        return;
    CLEANUP_FREE char *name =
        mem_printf("%s%s", table_reader_column(table, i), options->suffix ? options->suffix : "");
    table_attribute_note_name(table, name, column->attribute, options->notes);
}

int label_columns_resolve(struct label_columns *columns, const struct table_reader *table,
                          struct table_batch *batch, const bool *wide, struct catalog_reader *reader,
                          struct error *err)
{
    CLEANUP_STRMAP struct strmap *names = strmap_new();
    int rc = 0;
    columns->count = table_reader_columns(table);
    columns->list = mem_zero(columns->count * sizeof *columns->list);
    for (size_t i = 0; !rc && i < columns->count; i++) {
        const char *name = table_reader_column(table, i);
        struct table_type *seen = table_batch_type(batch, i);
        if (label_columns_is_key(name))
            continue;
        rc = take_name(columns, i, table, names, err);
        if (!rc)
            rc = take_type(&columns->list[i], seen, wide[i], reader, err);
        if (!rc)
            note_column(columns, i, table);
    }
    return rc;
}

int label_columns_declare(const struct label_columns *columns, struct changeset *set, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < columns->count; i++)
        if (columns->list[i].to_text)
            rc = changeset_to_text(set, columns->list[i].attribute, err);
    for (size_t i = 0; !rc && i < columns->count; i++) {
        const struct label_column *column = &columns->list[i];
        if (column->declared)
            rc = changeset_attribute(set, column->attribute, table_type_of(&column->as), column->multi, err);
    }
    return rc;
}

int label_columns_value(const struct label_columns *columns, size_t column, const struct table_value *value,
                        struct buf *scratch, struct value *ret, struct error *err)
{
    const struct label_column *to = &columns->list[column];
    int rc = table_type_value(&to->as, value, scratch, ret, err);
    return rc < 0 ? table_type_explain(&to->as, to->attribute, err) : rc;
}
