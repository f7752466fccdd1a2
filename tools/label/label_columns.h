// SPDX-License-Identifier: Apache-2.0
/*
 * What the columns of a table of labels become: attributes with names and types. An attribute that the data
 * set has keeps its type; only integers become floats. One thread at a time.
 */
#pragma once

#include "tools/import/table_batch.h"
#include "tools/label/annotate.h"

struct label_column {
    char *attribute;      /* its name; NULL: a key */
    struct table_type as; /* values become this */
    bool declared;        /* it has values, or the data set has the attribute; else it is none */
    bool to_text;         /* whose values become text, since --type says so */
    bool multi;
};
struct label_columns {
    const struct annotate_options *options;
    struct label_column *list; /* by column */
    size_t count;
};
void label_columns_done(struct label_columns *columns);

/* Columns that are no attributes: "key" and "episode_index". */
bool label_columns_is_key(const char *column);
/* The type that --type demands of the column's attribute; 0: none. -EINVAL: what was typed is no type. */
int label_columns_forced(const struct annotate_options *options, const char *column, struct error *err);

/* Names and types of the columns that have values, once all rows of the batch are known. `wide`: by column,
 * some row has several values. */
int label_columns_resolve(struct label_columns *columns, const struct table_reader *table,
                          struct table_batch *batch, const bool *wide, struct catalog_reader *reader,
                          struct error *err);
int label_columns_declare(const struct label_columns *columns, struct changeset *set, struct error *err);
/* 1: "nan" among numbers, which says nothing. -EINVAL with the value, and the attribute's type where the data
 * set says it. */
int label_columns_value(const struct label_columns *columns, size_t column, const struct table_value *value,
                        struct buf *scratch, struct value *ret, struct error *err);
