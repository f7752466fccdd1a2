// SPDX-License-Identifier: Apache-2.0
/* A prefix is a stream's if some column gives its URL; only then do its other columns mean anything. */
#include "tools/import/manifest_columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"

static const char prefix[] = "streams.";

static const char *const field_names[MANIFEST_FIELDS] = {
    [MANIFEST_URL] = "url", [MANIFEST_EXT] = "ext",       [MANIFEST_START] = "start",
    [MANIFEST_END] = "end", [MANIFEST_OFFSET] = "offset", [MANIFEST_LENGTH] = "length",
};

static bool has_prefix(const char *column)
{
    return !strncmp(column, prefix, sizeof prefix - 1);
}

static int field_of(const char *name)
{
    for (int i = 0; i < MANIFEST_FIELDS; i++)
        if (!strcmp(name, field_names[i]))
            return i;
    return -1;
}

/* "streams.front.url" is the field `url` of "front"; `streams.front` its URL, unless it is a stream `front`
 * of some group. The stream's part of `column`: *ret_len bytes at what is given back; NULL: no stream's. */
static const char *split(const char *column, size_t *ret_len, int *ret_field)
{
    const char *name = has_prefix(column) ? column + sizeof prefix - 1 : column;
    const char *dot = strrchr(name, '.');
    *ret_field = dot ? field_of(dot + 1) : -1;
    *ret_len = *ret_field >= 0 ? (size_t)(dot - name) : strlen(name);
    if (*ret_field < 0 && name != column)
        *ret_field = MANIFEST_URL;
    return *ret_field >= 0 && *ret_len ? name : NULL;
}

bool manifest_columns_need(const char *column)
{
    size_t len;
    int field;
    return !strcmp(column, "key") || split(column, &len, &field);
}

/* What a column with a stream's name before its last dot is, if it is no field of it. */
static int check_other(const struct table_reader *reader, const struct manifest_columns *columns,
                       const char *column, struct error *err)
{
    const char *dot = strrchr(column, '.');
    if (!dot || !strmap_find(columns->streams, column, (size_t)(dot - column)))
        return 0;
    return table_reader_fail(reader, table_reader_header(reader), err,
                             "column '%s': a stream has url, ext, start, end, offset and length, but no '%s'",
                             column, dot + 1);
}

static int classify(const struct table_reader *reader, struct manifest_columns *columns, size_t i,
                    struct error *err)
{
    const char *column = table_reader_column(reader, i);
    size_t len;
    int field;
    const char *name = split(column, &len, &field);
    const struct strmap_entry *stream = name ? strmap_find(columns->streams, name, len) : NULL;
    columns->columns[i].stream = strcmp(column, "key") ? MANIFEST_ATTRIBUTE : MANIFEST_KEY;
    if (stream) {
        columns->columns[i] =
            (struct manifest_column){.stream = (int)stream->value, .field = (unsigned)field};
        return 0;
    }
    if (has_prefix(column))
        return table_reader_fail(reader, table_reader_header(reader), err,
                                 "column '%s' is about a stream that has no 'url'", column);
    return check_other(reader, columns, column, err);
}

int manifest_columns_new(const struct table_reader *reader, struct manifest_columns *ret, struct error *err)
{
    struct manifest_columns columns CLEANUP(manifest_columns_done) = {.streams = strmap_new()};
    size_t key;
    columns.count = table_reader_columns(reader);
    columns.columns = mem_zero(columns.count * sizeof *columns.columns);
    for (size_t i = 0; i < columns.count; i++) {
        size_t len;
        int field;
        bool is_new;
        const char *name = split(table_reader_column(reader, i), &len, &field);
        if (!name || field != MANIFEST_URL)
            continue;
        struct strmap_entry *entry = strmap_put(columns.streams, name, len, &is_new);
        if (is_new)
            entry->value = strmap_count(columns.streams) - 1;
    }
    int rc = 0;
    if (!table_reader_find(reader, "key", &key))
        rc = table_reader_fail(reader, table_reader_header(reader), err, "there is no column 'key'");
    else if (!strmap_count(columns.streams))
        rc = table_reader_fail(reader, table_reader_header(reader), err,
                               "no column is a stream, such as 'front.url'");
    for (size_t i = 0; !rc && i < columns.count; i++)
        rc = classify(reader, &columns, i, err);
    if (rc)
        return rc;
    *ret = columns;
    columns = (struct manifest_columns){.streams = NULL};
    return 0;
}

void manifest_columns_done(struct manifest_columns *columns)
{
    free(columns->columns);
    if (columns->streams)
        strmap_free(columns->streams);
    *columns = (struct manifest_columns){.streams = NULL};
}

const char *manifest_columns_stream(const struct manifest_columns *columns, size_t stream)
{
    return strmap_at(columns->streams, stream)->key;
}
