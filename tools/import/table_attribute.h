// SPDX-License-Identifier: Apache-2.0
/* Columns of a table as attributes of drafts. One thread at a time. */
#pragma once

#include "tools/import/draft.h"
#include "tools/import/notes.h"
#include "tools/import/table_batch.h"

/* May the columns be attributes, each one of its own? `other`: by column, those that are none. -EINVAL. */
int table_attribute_check(const struct table_reader *reader, const bool *other, struct error *err);
/* What is said of a column's type before any of it is read: by --type, and by the attribute in the data set.
 */
int table_attribute_type(const struct drafts *drafts, const char *column, struct table_type *type,
                         struct error *err);
/* What may surprise whoever wrote the table. The attribute has another name than the column was to give it.
 */
void table_attribute_note_name(const struct table_reader *reader, const char *name, const char *attribute,
                               struct notes *notes);
/* A column has "nan" or something else that is no value, or is text where numbers seem meant. `type`: what it
 * became. */
void table_attribute_note(const struct table_reader *reader, size_t column, const struct table_type *type,
                          const char *attribute, struct notes *notes);
/* Adds a kept cell's values, as ones of its column's type; an empty list is a value where that is list.
 * Errors name neither place nor column. */
int table_attribute_set(struct drafts *drafts, struct draft *clip, size_t attribute,
                        const struct table_type *type, const struct table_kept *cell, struct error *err);
