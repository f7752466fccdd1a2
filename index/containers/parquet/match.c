// SPDX-License-Identifier: Apache-2.0
/*
 * The schema's elements are walked once more (opening the file has checked that they form a tree), and each
 * is put down as what matters of it. Files of one writer have the same schema to the byte: those are not
 * walked.
 */
#include "index/containers/parquet/match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* SchemaElement, and its types */
enum {
    ELEMENT_TYPE = 1,
    ELEMENT_WIDTH = 2,
    ELEMENT_REPETITION = 3,
    ELEMENT_NAME = 4,
    ELEMENT_CHILDREN = 5,
    ELEMENT_CONVERTED = 6,
    ELEMENT_SCALE = 7,
    ELEMENT_PRECISION = 8,
    ELEMENT_LOGICAL = 10,
    LOGICAL_LIST = 3,
    LOGICAL_INTEGER = 10,
    LOGICAL_LAST = 19,
    CONVERTED_UINT_8 = 11,
    CONVERTED_INT_64 = 18,
    CONVERTED_LAST = 21,
    OF_CONVERTED = 0x80,
};

/* The logical types that older files state as converted ones, and that have nothing else to them. */
static const uint8_t logical_of[CONVERTED_LAST + 1] = {
    [0] = 1 /* text */, [1] = 2 /* map */,    [3] = LOGICAL_LIST, [4] = 4 /* enum */,
    [6] = 6 /* date */, [19] = 12 /* JSON */, [20] = 13 /* BSON */};

struct walk {
    struct cursor c; /* elements */
    struct thrift tree;
    struct buf *to, type;
    uint32_t leaves;
};

/* Those of 32 and 64 bits that are what their bytes are say nothing. */
static void put_integer_type(struct buf *to, int64_t bits, int64_t is_signed, int64_t physical)
{
    if (is_signed && bits == (physical == PARQUET_TYPE_INT64 ? 64 : 32))
        return;
    buf_u8(to, LOGICAL_INTEGER);
    buf_u8(to, (uint8_t)bits);
    buf_u8(to, is_signed != 0);
}

static int put_logical(struct walk *w, thrift_id logical, int64_t physical)
{
    for (int i = 1; i <= LOGICAL_LAST; i++) {
        thrift_id type = thrift_field(&w->tree, logical, i);
        if (!type)
            continue;
        int64_t is_signed = 1;
        if (i == LOGICAL_INTEGER) {
            thrift_integer(&w->tree, thrift_field(&w->tree, type, 2), &is_signed);
            put_integer_type(&w->type, thrift_integer_or(&w->tree, type, 1, 0), is_signed, physical);
            return i;
        }
        buf_u8(&w->type, (uint8_t)i);
        thrift_write(&w->tree, type, &w->type);
        return i;
    }
    return 0;
}

/* The type as stated: its number among the logical ones, or 0. */
static int put_type(struct walk *w, thrift_id record, int64_t physical)
{
    int logical = put_logical(w, thrift_field(&w->tree, record, ELEMENT_LOGICAL), physical);
    int64_t converted = thrift_integer_or(&w->tree, record, ELEMENT_CONVERTED, -1);
    if (logical || converted < 0 || converted > CONVERTED_LAST)
        return logical;
    if (converted >= CONVERTED_UINT_8 && converted <= CONVERTED_INT_64) {
        int64_t kind = converted - CONVERTED_UINT_8;
        put_integer_type(&w->type, 8 << kind % 4, kind >= 4, physical);
        return LOGICAL_INTEGER;
    }
    if (logical_of[converted]) { /* with an empty struct, as the logical type has */
        buf_u8(&w->type, logical_of[converted]);
        buf_u8(&w->type, THRIFT_NONE);
        return logical_of[converted];
    }
    buf_u8(&w->type, (uint8_t)(OF_CONVERTED | converted));
    thrift_write_integer(&w->type, thrift_integer_or(&w->tree, record, ELEMENT_SCALE, 0));
    thrift_write_integer(&w->type, thrift_integer_or(&w->tree, record, ELEMENT_PRECISION, 0));
    return 0;
}

static bool ends_with(const uint8_t *text, size_t len, const char *end)
{
    size_t n = strlen(end);
    return len >= n && !memcmp(text + len - n, end, n);
}

/* `depth`: below the column; `list`: how many levels down from here a list's own names go. */
static void put_element(struct walk *w, unsigned depth, unsigned list)
{
    const uint8_t *name = NULL;
    size_t len = 0;
    thrift_id record;
    if (thrift_parse(&w->tree, &w->c, &record, NULL))
        return;
    int64_t physical = thrift_integer_or(&w->tree, record, ELEMENT_TYPE, -1);
    int64_t children = thrift_integer_or(&w->tree, record, ELEMENT_CHILDREN, 0);
    thrift_binary(&w->tree, thrift_field(&w->tree, record, ELEMENT_NAME), &name, &len);
    /* these two names say that the list holds structs of one member: they do matter */
    if (list == 2 && (ends_with(name, len, "array") || ends_with(name, len, "_tuple")))
        list = 0;
    thrift_write_integer(w->to, physical);
    thrift_write_integer(w->to, thrift_integer_or(&w->tree, record, ELEMENT_WIDTH, 0));
    thrift_write_integer(w->to, thrift_integer_or(&w->tree, record, ELEMENT_REPETITION, 0));
    thrift_write_integer(w->to, children);
    buf_clear(&w->type);
    int type = put_type(w, record, physical);
    buf_varint(w->to, w->type.len);
    buf_append(w->to, w->type.data, w->type.len);
    if (depth && !list) {
        buf_varint(w->to, len);
        buf_append(w->to, name, len);
    }
    w->leaves += physical >= 0;
    unsigned below = type == LOGICAL_LIST ? 2 : list && children == 1 ? list - 1 : 0;
    for (int64_t i = 0; i < children; i++)
        put_element(w, depth + 1, below);
}

static const struct parquet_field *schema_field(const struct parquet *parquet)
{
    const struct parquet_field *field = parquet->fields;
    while (field->field != FILE_SCHEMA)
        field++;
    return field;
}

void parquet_shape_init(struct parquet_shape *ret, const struct parquet *parquet)
{
    const struct parquet_field *field = schema_field(parquet);
    struct parquet_shape shape = {.count = parquet->schema.count};
    struct walk w = {.c = cursor_of(parquet->footer.data, field->at + field->len), .to = &shape.bytes};
    uint32_t elements;
    thrift_id record;
    cursor_seek(&w.c, field->at);
    thrift_read_list(&w.c, &elements);
    thrift_parse(&w.tree, &w.c, &record, NULL);
    shape.at = mem_zero((shape.count + 1) * sizeof *shape.at);
    shape.leaf = mem_zero((shape.count + 1) * sizeof *shape.leaf);
    for (size_t i = 0; i < shape.count; i++) {
        put_element(&w, 0, 0);
        shape.at[i + 1] = shape.bytes.len;
        shape.leaf[i + 1] = w.leaves;
    }
    thrift_done(&w.tree);
    buf_done(&w.type);
    *ret = shape;
}

void parquet_shape_done(struct parquet_shape *shape)
{
    buf_done(&shape->bytes);
    free(shape->at);
    free(shape->leaf);
    *shape = (struct parquet_shape){0};
}

/* ---- what differs ---- */

enum { DIFFERENCES_TOLD = 4 };

struct differences {
    struct buf text;
    size_t count;
};

static void put_kind(struct buf *to, const struct parquet *parquet, size_t column)
{
    static const char *const kinds[] = {
        [PARQUET_BOOL] = "bool",           [PARQUET_INT] = "int",         [PARQUET_FLOAT] = "float",
        [PARQUET_DOUBLE] = "double",       [PARQUET_TEXT] = "text",       [PARQUET_BYTES] = "bytes",
        [PARQUET_TIMESTAMP] = "timestamp", [PARQUET_DECIMAL] = "decimal", [PARQUET_OTHER] = "struct or map"};
    const struct parquet_column *info = &parquet->schema.columns[column];
    for (unsigned i = 0; i < info->depth; i++)
        buf_text_append(to, "list<");
    buf_text_append(to, kinds[info->kind]);
    if (info->kind == PARQUET_INT)
        buf_text_append(to, parquet->schema.layouts[column].physical == PARQUET_TYPE_INT64 ? "64" : "32");
    for (unsigned i = 0; i < info->depth; i++)
        buf_u8(to, '>');
}

/* The comma before all but the first; false: enough were told. */
static bool another(struct differences *d, const char *name)
{
    if (d->count++ >= DIFFERENCES_TOLD)
        return false;
    buf_printf(&d->text, "%s'%.64s' ", d->count > 1 ? "; " : "", name);
    return true;
}

static void tell_kinds(struct differences *d, const struct parquet_pattern *pattern, size_t wanted,
                       const struct parquet *parquet, size_t found)
{
    CLEANUP_BUF struct buf is = BUF_INIT, want = BUF_INIT;
    put_kind(&is, parquet, found);
    put_kind(&want, pattern->parquet, wanted);
    if (!another(d, pattern->parquet->schema.columns[wanted].name))
        return;
    if (strcmp(buf_text(&is), buf_text(&want)) != 0)
        buf_printf(&d->text, "is %s, not %s", buf_text(&is), buf_text(&want));
    else
        buf_printf(&d->text, "is %s, but stored otherwise (nulls, members or units)", buf_text(&is));
}

static bool alike(const struct parquet_shape *one, size_t i, const struct parquet_shape *other, size_t k)
{
    size_t len = one->at[i + 1] - one->at[i];
    return len == other->at[k + 1] - other->at[k] &&
           !memcmp(one->bytes.data + one->at[i], other->bytes.data + other->at[k], len);
}

static void match_column(const struct parquet_pattern *pattern, size_t column, const struct parquet *parquet,
                         const struct parquet_shape *shape, uint32_t *ret, struct differences *d)
{
    const char *name = pattern->parquet->schema.columns[column].name;
    uint32_t leaf = pattern->shape.leaf[column], end = pattern->shape.leaf[column + 1];
    int found = pattern->anew[column] ? -ENOENT : parquet_find(parquet, name);
    for (uint32_t i = leaf; i < end; i++)
        ret[i] = found < 0 ? PARQUET_NO_LEAF : shape->leaf[found] + i - leaf;
    if (pattern->anew[column])
        return;
    if (found < 0) {
        if (another(d, name))
            buf_text_append(&d->text, "is missing");
    } else if (!alike(&pattern->shape, column, shape, (size_t)found)) {
        tell_kinds(d, pattern, column, parquet, (size_t)found);
    }
}

static void match_others(const struct parquet_pattern *pattern, const struct parquet *parquet,
                         struct differences *d)
{
    for (size_t i = 0; i < parquet->schema.count; i++) {
        const char *name = parquet->schema.columns[i].name;
        if (parquet_find(pattern->parquet, name) < 0 && another(d, name))
            buf_text_append(&d->text, "is not there");
        else if (parquet_find(parquet, name) != (int)i && another(d, name))
            buf_text_append(&d->text, "is here twice");
    }
}

static bool is_same_schema(const struct parquet *one, const struct parquet *other)
{
    const struct parquet_field *a = schema_field(one), *b = schema_field(other);
    return a->len == b->len && !memcmp(one->footer.data + a->at, other->footer.data + b->at, a->len);
}

static void match_same(const struct parquet_pattern *pattern, uint32_t *ret)
{
    for (size_t i = 0; i < pattern->shape.count; i++)
        for (uint32_t k = pattern->shape.leaf[i]; k < pattern->shape.leaf[i + 1]; k++)
            ret[k] = pattern->anew[i] ? PARQUET_NO_LEAF : k;
}

int parquet_match(const struct parquet_pattern *pattern, const struct parquet *parquet, uint32_t *ret,
                  struct error *err)
{
    if (is_same_schema(pattern->parquet, parquet)) {
        match_same(pattern, ret);
        return 0;
    }
    CLEANUP_PARQUET_SHAPE struct parquet_shape shape;
    parquet_shape_init(&shape, parquet);
    struct differences d = {.text = BUF_INIT};
    for (size_t i = 0; i < pattern->shape.count; i++)
        match_column(pattern, i, parquet, &shape, ret, &d);
    match_others(pattern, parquet, &d);
    int rc = 0;
    if (d.count > DIFFERENCES_TOLD)
        buf_printf(&d.text, "; and %zu more", d.count - DIFFERENCES_TOLD);
    if (d.count)
        rc = error_set(err, EINVAL, "its columns are not those of %s: %s", pattern->name, buf_text(&d.text));
    buf_done(&d.text);
    return rc;
}
