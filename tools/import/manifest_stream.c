// SPDX-License-Identifier: Apache-2.0
/* Numbers and texts of cells, whatever type their columns have. */
#include "tools/import/manifest_stream.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/name.h"

static int one_value(const struct table_kept *cell, const struct value **ret, struct error *err)
{
    if (cell->count != 1)
        return error_set(err, EINVAL, "%zu values, where one must be", cell->count);
    *ret = &cell->values[0].value;
    return 0;
}

static int text_of(const struct table_kept *cell, char **ret, struct error *err)
{
    const struct value *value = NULL;
    int rc = one_value(cell, &value, err);
    if (!rc && (value->type != VALUE_TEXT || !value->len))
        rc = error_set(err, EINVAL, value->type == VALUE_TEXT ? "an empty text" : "a %s where a text must be",
                       value_type_name(value->type));
    if (!rc)
        *ret = mem_copy(value->text, value->len);
    return rc;
}

/* What a value is as a number of `type`, whatever type its column has. */
static int number_of(const struct table_kept *cell, enum value_type type, struct value *ret,
                     struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    const struct value *value = NULL;
    int rc = one_value(cell, &value, err);
    if (rc)
        return rc;
    value_print(&text, value);
    return value_parse(type, buf_text(&text), text.len, ret, err);
}

static int seconds_of(const struct table_kept *cell, double *ret, struct error *err)
{
    enum { SECONDS_MAX = 1000000000 };
    struct value value;
    int rc = number_of(cell, VALUE_FLOAT, &value, err);
    if (!rc && !(value.real >= 0 && value.real <= SECONDS_MAX))
        rc = error_set(err, EINVAL, "%g is not a number of seconds from 0 to %d", value.real, SECONDS_MAX);
    if (!rc)
        *ret = value.real;
    return rc;
}

static int bytes_of(const struct table_kept *cell, uint64_t *ret, struct error *err)
{
    struct value value;
    int rc = number_of(cell, VALUE_INT, &value, err);
    if (!rc && value.integer < 0)
        rc = error_set(err, EINVAL, "%lld is not a number of bytes", (long long)value.integer);
    if (!rc)
        *ret = (uint64_t)value.integer;
    return rc;
}

void manifest_stream_texts_done(struct manifest_stream_texts *texts)
{
    free(texts->url);
    free(texts->ext);
}

static int read_field(enum manifest_field field, const struct table_kept *cell, struct manifest_cut *cut,
                      struct manifest_stream_texts *texts, struct error *err)
{
    switch (field) {
    case MANIFEST_URL:
        return text_of(cell, &texts->url, err);
    case MANIFEST_EXT:
        return text_of(cell, &texts->ext, err);
    case MANIFEST_START:
        return seconds_of(cell, &cut->start_s, err);
    case MANIFEST_END:
        return seconds_of(cell, &cut->end_s, err);
    case MANIFEST_OFFSET:
        return bytes_of(cell, &cut->first, err);
    case MANIFEST_LENGTH:
        return bytes_of(cell, &cut->count, err);
    case MANIFEST_FIELDS:
        break;
    }
    return 0;
}

static int check_fields(const struct manifest_stream *stream, const struct manifest_cut *cut,
                        struct error *err)
{
    const struct table_kept *const *cells = stream->cells;
    if (cells[MANIFEST_START] && cells[MANIFEST_END] && cut->start_s >= cut->end_s)
        return error_set(err, EINVAL, "it starts at %.9g s, but ends at %.9g s", cut->start_s, cut->end_s);
    if (!cells[MANIFEST_OFFSET] != !cells[MANIFEST_LENGTH])
        return error_set(err, EINVAL, "offset and length come together");
    if (cells[MANIFEST_OFFSET] && (cells[MANIFEST_START] || cells[MANIFEST_END]))
        return error_set(err, EINVAL, "a stream is cut by time or by bytes, not by both");
    if (cells[MANIFEST_LENGTH] && !cut->count)
        return error_set(err, EINVAL, "a length of 0 bytes");
    return 0;
}

/* The extension is what follows the last dot, if it is a plain word. */
static char *ext_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name || dot[1] == '_')
        return mem_text("");
    for (const char *p = dot + 1; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
            return mem_text("");
    return mem_text(dot + 1);
}

int manifest_stream_read(const struct manifest_stream *stream, struct manifest_cut *cut,
                         struct manifest_stream_texts *ret, size_t *ret_column, struct error *err)
{
    for (int i = 0; i < MANIFEST_FIELDS; i++) {
        const struct table_kept *cell = stream->cells[i];
        if (!cell)
            continue;
        *ret_column = cell->column;
        int rc = read_field((enum manifest_field)i, cell, cut, ret, err);
        if (rc)
            return rc;
    }
    *ret_column = cut->column;
    cut->kind = stream->cells[MANIFEST_OFFSET]                                 ? MANIFEST_BYTES
                : stream->cells[MANIFEST_START] || stream->cells[MANIFEST_END] ? MANIFEST_TIME
                                                                               : MANIFEST_WHOLE;
    return check_fields(stream, cut, err);
}

char *manifest_escaped(const char *raw)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    name_escape(&name, raw, strlen(raw));
    return (char *)buf_steal(&name);
}

char *manifest_stream_ext(const struct manifest_stream_texts *texts, const char *name)
{
    return texts->ext ? manifest_escaped(texts->ext) : ext_of(name);
}
