// SPDX-License-Identifier: Apache-2.0
/*
 * The one way from a column and its type to an attribute and its values, with the notes about what became of
 * either.
 */
#include "tools/import/table_attribute.h"

#include <string.h>

#include "index/base/name.h"

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

int table_attribute_type(const struct drafts *drafts, const char *column, struct table_type *type,
                         struct error *err)
{
    type->forced = drafts_forced_type(drafts, column);
    return drafts_known_type(drafts, column, &type->known, err);
}

int table_attribute_set(struct drafts *drafts, struct draft *clip, size_t attribute,
                        const struct table_type *type, const struct table_kept *cell, struct error *err)
{
    CLEANUP_BUF struct buf scratch = BUF_INIT;
    struct value empty = {.type = VALUE_LIST, .text = ""};
    if (!cell->count && !cell->refused && table_type_of(type) == VALUE_LIST)
        return draft_value(drafts, clip, attribute, &empty, err);
    int rc = 0;
    for (size_t i = 0; !rc && i < cell->count; i++) {
        struct value value;
        rc = table_type_value(type, &cell->values[i], &scratch, &value, err);
        if (!rc)
            rc = draft_value(drafts, clip, attribute, &value, err);
        else if (rc == 1)
            rc = 0;
        else
            rc = table_type_explain(type, drafts->attributes[attribute].name, err);
    }
    return rc;
}

void table_attribute_note_name(const struct table_reader *reader, const char *name, const char *attribute,
                               struct notes *notes)
{
    if (!strcmp(name, attribute))
        return;
    CLEANUP_FREE char *reason =
        mem_printf("%s: an attribute cannot be called what its column is", table_reader_name(reader));
    CLEANUP_FREE char *example = mem_printf("'%s' is '%s'", name, attribute);
    notes_add(notes, reason, example);
}

void table_attribute_note(const struct table_reader *reader, size_t column, const struct table_type *type,
                          const char *attribute, struct notes *notes)
{
    const char *table = table_reader_name(reader), *name = table_reader_column(reader, column);
    const char *place = table_reader_place_name(reader);
    if (type->nan.count && table_type_nan_is_none(type)) {
        CLEANUP_FREE char *reason =
            mem_printf("%s: column '%s': %s is no value", table, name, type->nan.text);
        CLEANUP_FREE char *example = mem_printf("%s %llu", place, (unsigned long long)type->nan.place);
        notes_add_many(notes, reason, example, type->nan.count);
    }
    if (type->refused.count) {
        CLEANUP_FREE char *reason =
            mem_printf("%s: column '%s': %s is no value, left out", table, name, type->refused.text);
        CLEANUP_FREE char *example = mem_printf("%s %llu", place, (unsigned long long)type->refused.place);
        notes_add_many(notes, reason, example, type->refused.count);
    }
    bool big = table_type_too_big(type);
    if (!big && !table_type_missed(type))
        return;
    const struct table_type_odd *odd = big ? &type->big : &type->odd;
    CLEANUP_FREE char *why =
        big ? mem_text("no number holds all in it exactly")
            : mem_printf("not all in it are numbers (for numbers: correct or empty those fields, `elidefs "
                         "attribute drop DATASET %s`, `elidefs annotate DATASET TABLE`)",
                         attribute);
    CLEANUP_FREE char *reason = mem_printf("%s: column '%s' is text, since %s", table, name, why);
    CLEANUP_FREE char *example =
        mem_printf("'%s' on %s %llu", odd->text, place, (unsigned long long)odd->place);
    notes_add_many(notes, reason, example, odd->count);
}
