// SPDX-License-Identifier: Apache-2.0
/* All rows of a batch are read before one is said: a column is typed by all of its values. */
#include "tools/label/annotate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "index/base/name.h"
#include "tools/import/table_batch.h"
#include "tools/label/label_columns.h"
#include "tools/label/label_events.h"

struct annotate {
    struct annotate_options options;
    char **multi; /* columns of several values: those typed, and those of the data set's attributes */
    size_t multi_count, multi_cap;
    struct table_reader *table;
    char *place; /* "labels.csv: line" */
    bool has_kind;
    struct label_events *events; /* NULL: a table of values */
    /* of the batch under way */
    struct table_batch *batch;
    struct buf keys;      /* of its rows, each with its NUL; a row's tag is where */
    struct buf key, text; /* of the row under way */
    bool *wide;           /* by column: some row has several values */
    size_t known, wide_cap;
    struct strmap *seen; /* keys; only where batches follow each other */
    struct table_row pending;
    bool has_pending; /* a row that begins the next batch; its texts stand in `table` */
};

/* ---- opening ---- */

static void add_multi(struct annotate *annotate, char *column)
{
    mem_grow(&annotate->multi, &annotate->multi_cap, annotate->multi_count + 1, sizeof *annotate->multi);
    annotate->multi[annotate->multi_count++] = column;
}

/* The column that becomes this attribute, if the suffix is its end. */
static int add_attribute(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct annotate *annotate = ctx;
    const char *suffix = annotate->options.suffix ? annotate->options.suffix : "";
    size_t len = strlen(attribute->name), tail = strlen(suffix);
    (void)err;
    if (attribute->multi && len > tail && !strcmp(attribute->name + len - tail, suffix))
        add_multi(annotate, mem_copy(attribute->name, len - tail));
    return 0;
}

/* Without it the rows would say something else. */
static bool needs_column(const char *column)
{
    return label_columns_is_key(column) || label_events_has(column);
}

int annotate_open(const struct annotate_options *options, struct catalog_reader *reader,
                  struct annotate **ret, struct error *err)
{
    CLEANUP_ANNOTATE struct annotate *annotate = MEM_NEW(struct annotate);
    annotate->options = *options;
    for (size_t i = 0; i < options->multi_count; i++)
        add_multi(annotate, mem_text(options->multi[i]));
    int rc = catalog_attributes(reader, add_attribute, annotate, err);
    if (rc)
        return rc;
    struct table_options table = {.multi = (const char *const *)annotate->multi,
                                  .multi_count = annotate->multi_count,
                                  .notes = options->notes,
                                  .needs = needs_column};
    rc = table_reader_open(options->stores, options->table, &table, &annotate->table, err);
    if (rc)
        return rc;
    size_t column; /* of JSON Lines none is known yet: find_key() looks at each row */
    if (table_reader_columns(annotate->table) && !table_reader_find(annotate->table, "key", &column) &&
        !table_reader_find(annotate->table, "episode_index", &column))
        return table_reader_fail_key(annotate->table, table_reader_header(annotate->table), err);
    annotate->place =
        mem_printf("%s: %s", table_reader_name(annotate->table), table_reader_place_name(annotate->table));
    *ret = STEAL(annotate);
    return 0;
}

static void end_batch(struct annotate *annotate)
{
    if (annotate->batch)
        table_batch_free(annotate->batch);
    annotate->batch = NULL;
    strmap_free(annotate->seen);
    annotate->seen = NULL;
    buf_clear(&annotate->keys);
    annotate->known = 0;
}

void annotate_free(struct annotate *annotate)
{
    if (!annotate)
        return;
    end_batch(annotate);
    label_events_free(annotate->events);
    if (annotate->table)
        table_reader_free(annotate->table);
    for (size_t i = 0; i < annotate->multi_count; i++)
        free(annotate->multi[i]);
    free(annotate->multi);
    free(annotate->place);
    free(annotate->wide);
    buf_done(&annotate->keys);
    buf_done(&annotate->key);
    buf_done(&annotate->text);
    free(annotate);
}

/* ---- which clip ---- */

static const struct table_value *key_value(const struct annotate *annotate, const struct table_row *row,
                                           const char *name)
{
    size_t column;
    if (!table_reader_find(annotate->table, name, &column) || column >= row->count)
        return NULL;
    return row->cells[column].count == 1 ? &row->cells[column].values[0] : NULL;
}

static int episode_key(struct annotate *annotate, const struct value *value, struct error *err)
{
    enum { DIGITS = 6 };
    struct value number;
    struct buf *key = &annotate->key, *text = &annotate->text;
    const char *prefix = annotate->options.prefix;
    value_print(text, value);
    int rc = value_parse(VALUE_INT, buf_text(text), text->len, &number, err);
    if (!rc && number.integer < 0)
        rc = error_set(err, EINVAL, "%lld is no episode", (long long)number.integer);
    if (rc)
        return error_prefix(err, "episode_index");
    if (prefix)
        buf_text_append(key, prefix), buf_u8(key, '-');
    buf_text_append(key, "ep");
    buf_decimal(key, (uint64_t)number.integer, DIGITS);
    return 0;
}

/* The row's key as data sets spell it. `key` wins over `episode_index`. */
static int find_key(struct annotate *annotate, const struct table_row *row, struct error *err)
{
    struct buf *key = &annotate->key, *text = &annotate->text;
    buf_clear(key);
    buf_clear(text);
    const struct table_value *said = key_value(annotate, row, "key");
    const struct table_value *episode = said ? NULL : key_value(annotate, row, "episode_index");
    size_t column;
    if (episode)
        return episode_key(annotate, &episode->value, err);
    if (!said && !table_reader_find(annotate->table, "key", &column) &&
        !table_reader_find(annotate->table, "episode_index", &column))
        return error_set(err, EINVAL, "there is neither a column 'key' nor 'episode_index'");
    if (!said)
        return error_set(err, EINVAL, "it is not said which clip this is about");
    value_print(text, &said->value);
    if (name_check(buf_text(text), text->len, NULL))
        name_escape(key, buf_text(text), text->len);
    else
        buf_append(key, text->data, text->len);
    return 0;
}

/* ---- rows ---- */

/* Rows may bring new columns. */
static int mention_columns(struct annotate *annotate, size_t count, struct error *err)
{
    mem_grow(&annotate->wide, &annotate->wide_cap, count, sizeof *annotate->wide);
    for (size_t i = annotate->known; i < count; i++) {
        const char *name = table_reader_column(annotate->table, i);
        annotate->wide[i] = false;
        for (size_t k = 0; k < annotate->multi_count; k++)
            annotate->wide[i] |= !strcmp(annotate->multi[k], name);
        int forced = label_columns_forced(&annotate->options, name, err);
        if (forced < 0)
            return forced;
        if (label_columns_is_key(name))
            table_batch_skip(annotate->batch, i);
        else
            table_batch_type(annotate->batch, i)->forced = (enum value_type)forced;
    }
    annotate->known = count;
    return 0;
}

static int add_values(struct annotate *annotate, const struct table_row *row, struct error *err)
{
    size_t column = SIZE_MAX;
    int rc = mention_columns(annotate, row->count, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < row->count; i++)
        annotate->wide[i] |= row->cells[i].count > 1;
    size_t tag = annotate->keys.len;
    buf_append(&annotate->keys, buf_text(&annotate->key), annotate->key.len + 1);
    rc = table_batch_add(annotate->batch, row, tag, &column, err);
    return rc ? table_reader_prefix(annotate->table, row->place, column, err)
              : table_batch_check(annotate->batch, err);
}

/* 1: the row must wait for the next batch, since this one has its clip already. */
static int add_row(struct annotate *annotate, const struct table_row *row, struct error *err)
{
    int rc = find_key(annotate, row, err);
    if (rc)
        return table_reader_prefix(annotate->table, row->place, SIZE_MAX, err);
    if (!annotate->has_kind) {
        rc = label_events_new(annotate->table, &annotate->events, err);
        annotate->has_kind = true;
    }
    if (rc)
        return rc;
    if (annotate->events)
        return label_events_add(annotate->events, annotate->table, row, buf_text(&annotate->key), err);
    if (annotate->seen) {
        bool is_new;
        strmap_put(annotate->seen, buf_text(&annotate->key), annotate->key.len, &is_new);
        if (!is_new)
            return 1;
    }
    return add_values(annotate, row, err);
}

/* 1: more may come. */
static int read_rows(struct annotate *annotate, struct error *err)
{
    int rc;
    if (annotate->has_pending && (rc = add_row(annotate, &annotate->pending, err)) < 0)
        return rc;
    annotate->has_pending = false;
    while ((rc = table_reader_next(annotate->table, &annotate->pending, err)) > 0) {
        rc = add_row(annotate, &annotate->pending, err);
        if (rc < 0)
            return rc;
        annotate->has_pending = rc;
        if (rc)
            return 1;
    }
    return rc == -ETIMEDOUT ? 1 : rc;
}

/* ---- the change set ---- */

static int say_cell(struct annotate *annotate, const struct label_columns *columns,
                    const struct table_kept *cell, struct changeset *set, struct error *err)
{
    CLEANUP_BUF struct buf scratch = BUF_INIT;
    const struct label_column *column = &columns->list[cell->column];
    struct value empty = {.type = VALUE_LIST, .text = ""};
    if (cell->refused)
        return 0;
    if (!cell->count && table_type_of(&column->as) == VALUE_LIST)
        return changeset_value(set, column->attribute, &empty, err);
    int rc = cell->count || !column->declared ? 0 : changeset_none(set, column->attribute, err);
    for (size_t i = 0; !rc && i < cell->count; i++) {
        struct value value;
        rc = label_columns_value(columns, cell->column, &cell->values[i], &scratch, &value, err);
        if (!rc)
            rc = changeset_value(set, column->attribute, &value, err);
        else if (rc == 1) /* it says nothing */
            rc = 0;
    }
    return rc;
}

static int say_row(struct annotate *annotate, const struct label_columns *columns,
                   const struct table_kept_row *row, struct changeset *set, struct error *err)
{
    const char *key = (const char *)annotate->keys.data + row->tag;
    int rc = changeset_labels(set, key, row->place, err);
    if (rc)
        return table_reader_prefix(annotate->table, row->place, SIZE_MAX, err);
    for (size_t i = 0; i < row->count; i++)
        if (say_cell(annotate, columns, &row->cells[i], set, err))
            return table_reader_prefix(annotate->table, row->place, row->cells[i].column, err);
    return 0;
}

static int say_values(struct annotate *annotate, struct catalog_reader *reader, struct changeset *set,
                      struct error *err)
{
    struct label_columns columns = {.options = &annotate->options};
    struct table_kept_row row;
    /* The row that waits for the next batch may have brought columns that no row of this one has. */
    int rc = mention_columns(annotate, table_reader_columns(annotate->table), err);
    if (!rc)
        rc = label_columns_resolve(&columns, annotate->table, annotate->batch, annotate->wide, reader, err);
    if (!rc)
        rc = label_columns_declare(&columns, set, err);
    while (!rc && table_batch_next(annotate->batch, &row))
        rc = say_row(annotate, &columns, &row, set, err);
    label_columns_done(&columns);
    return rc;
}

static int make_set(struct annotate *annotate, struct catalog_reader *reader, struct changeset **ret,
                    struct error *err)
{
    CLEANUP_CHANGESET struct changeset *set = changeset_new();
    struct changeset_setter setter = {annotate->options.by, annotate->options.policy, annotate->place};
    int rc = changeset_setter(set, &setter, err);
    if (!rc)
        rc = annotate->events ? label_events_say(annotate->events, annotate->table, reader, set, err)
                              : say_values(annotate, reader, set, err);
    if (!rc)
        *ret = STEAL(set);
    return rc;
}

int annotate_read(struct annotate *annotate, struct catalog_reader *reader, int64_t deadline_ns,
                  struct changeset **ret, struct error *err)
{
    annotate->batch = table_batch_new();
    if (annotate->options.batches)
        annotate->seen = strmap_new();
    table_reader_deadline(annotate->table, deadline_ns);
    struct changeset *set = NULL;
    int more = read_rows(annotate, err), rc = more < 0 ? more : 0;
    bool some =
        table_batch_rows(annotate->batch) || (annotate->events && label_events_count(annotate->events));
    if (!rc && some)
        rc = make_set(annotate, reader, &set, err);
    end_batch(annotate);
    if (rc)
        return rc;
    *ret = set;
    return more;
}
