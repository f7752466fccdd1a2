// SPDX-License-Identifier: Apache-2.0
/*
 * The schema comes as a tree flattened depth first. It is checked once, as a whole; then each top-level
 * column is followed downwards for as long as it is a chain of lists. What is no such chain (structs, maps)
 * stays listed, unreadable.
 */
#include "index/containers/parquet/schema.h"

#include <errno.h>
#include <string.h>

#include "index/containers/parquet/decimal.h"

enum {
    ELEMENTS_MAX = 1 << 17,
    NESTING_MAX = 64,
    NAME_MAX_BYTES = 4096,
    FIXED_MAX_BYTES = 1 << 20,
};

enum { UUID_BYTES = 16, HALF_BYTES = 2 };

enum repetition { REQUIRED = 0, OPTIONAL = 1, REPEATED = 2 };

/* ConvertedType */
enum {
    CONVERTED_UTF8 = 0,
    CONVERTED_LIST = 3,
    CONVERTED_ENUM = 4,
    CONVERTED_DECIMAL = 5,
    CONVERTED_DATE = 6,
    CONVERTED_TIMESTAMP_MILLIS = 9,
    CONVERTED_TIMESTAMP_MICROS = 10,
    CONVERTED_UINT_8 = 11,
    CONVERTED_UINT_64 = 14,
    CONVERTED_JSON = 19,
    CONVERTED_INTERVAL = 21,
};

/* LogicalType: the field of the union that is set */
enum {
    LOGICAL_STRING = 1,
    LOGICAL_LIST = 3,
    LOGICAL_ENUM = 4,
    LOGICAL_DECIMAL = 5,
    LOGICAL_DATE = 6,
    LOGICAL_TIMESTAMP = 8,
    LOGICAL_INTEGER = 10,
    LOGICAL_JSON = 12,
    LOGICAL_UUID = 14,
    LOGICAL_FLOAT16 = 15,
    LOGICAL_LAST = 19,
};

struct element {
    char *name;
    bool leaf;
    int64_t physical, width, repetition, children, converted, scale;
    int logical; /* 0: none */
    thrift_id logical_type;
    uint32_t leaves;          /* below it, itself if it is one */
    uint32_t end;             /* number of the element behind its subtree */
    uint8_t max_rep, max_def; /* the greatest levels there: NESTING_MAX bounds them */
};

struct elements {
    const struct thrift *tree;
    struct element *all;
    size_t count;
};

static void elements_done(struct elements *elements)
{
    for (size_t i = 0; i < elements->count; i++)
        free(elements->all[i].name);
    free(elements->all);
}

static int element_name(const struct thrift *tree, thrift_id record, char **ret, struct error *err)
{
    const uint8_t *name;
    size_t len;
    if (!thrift_binary(tree, thrift_field(tree, record, 4), &name, &len))
        return error_set(err, EINVAL, "schema: an element has no name");
    if (len > NAME_MAX_BYTES || memchr(name, 0, len))
        return error_set(err, EINVAL, "schema: an element's name is over %d bytes or holds a NUL byte",
                         NAME_MAX_BYTES);
    *ret = mem_copy(name, len);
    return 0;
}

static int logical_of(const struct thrift *tree, thrift_id type)
{
    for (int i = 1; i <= LOGICAL_LAST; i++)
        if (thrift_field(tree, type, i))
            return i;
    return 0;
}

static int read_element(const struct thrift *tree, thrift_id record, struct element *ret, struct error *err)
{
    struct element e = {.leaf = thrift_field(tree, record, 1) != 0,
                        .logical_type = thrift_field(tree, record, 10)};
    e.physical = thrift_integer_or(tree, record, 1, -1);
    e.width = thrift_integer_or(tree, record, 2, 0);
    e.repetition = thrift_integer_or(tree, record, 3, REQUIRED);
    e.children = thrift_integer_or(tree, record, 5, 0);
    e.converted = thrift_integer_or(tree, record, 6, -1);
    e.scale = thrift_integer_or(tree, record, 7, 0);
    e.logical = logical_of(tree, e.logical_type);
    int rc = element_name(tree, record, &e.name, err);
    if (rc)
        return rc;
    *ret = e;
    bool sound = e.leaf
                     ? e.physical >= PARQUET_TYPE_BOOLEAN && e.physical <= PARQUET_TYPE_FIXED && !e.children
                     : e.children >= 0 && e.children <= ELEMENTS_MAX;
    if (e.physical == PARQUET_TYPE_FIXED && (e.width < 0 || e.width > FIXED_MAX_BYTES))
        sound = false;
    if (!sound || e.repetition < REQUIRED || e.repetition > REPEATED)
        return error_set(err, EINVAL, "schema: element '%s' is malformed", e.name);
    return 0;
}

static int read_elements(struct elements *elements, thrift_id list, struct error *err)
{
    size_t count = thrift_count(elements->tree, list);
    if (count == 0 || count > ELEMENTS_MAX)
        return error_set(err, EINVAL, "schema: %zu elements", count);
    elements->all = mem_zero(count * sizeof *elements->all);
    elements->count = count;
    thrift_id record = thrift_first(elements->tree, list);
    for (size_t i = 0; i < count; i++, record = thrift_next(elements->tree, record)) {
        int rc = read_element(elements->tree, record, &elements->all[i], err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Fills `leaves` and `end` of the element and all below it, and the levels of what is below it. */
static int measure(struct elements *elements, size_t at, unsigned depth, struct error *err)
{
    struct element *e = &elements->all[at];
    if (depth > NESTING_MAX)
        return error_set(err, EINVAL, "schema: nested too deep at '%s'", e->name);
    size_t next = at + 1;
    e->leaves = e->leaf;
    for (int64_t i = 0; i < e->children; i++) {
        if (next >= elements->count)
            return error_set(err, EINVAL, "schema: '%s' claims more children than there are", e->name);
        struct element *child = &elements->all[next];
        child->max_rep = (uint8_t)(e->max_rep + (child->repetition == REPEATED));
        child->max_def = (uint8_t)(e->max_def + (child->repetition != REQUIRED));
        int rc = measure(elements, next, depth + 1, err);
        if (rc)
            return rc;
        e->leaves += elements->all[next].leaves;
        next = elements->all[next].end;
    }
    e->end = (uint32_t)next;
    return 0;
}

static bool is_list(const struct element *e)
{
    return e->logical ? e->logical == LOGICAL_LIST : e->converted == CONVERTED_LIST;
}

/* Rule 4 of the backward-compatibility rules: these names mean a struct of one member, not an element. */
static bool is_one_tuple(const struct element *list, const struct element *repeated)
{
    size_t len = strlen(list->name);
    return !strcmp(repeated->name, "array") ||
           (!strncmp(repeated->name, list->name, len) && !strcmp(repeated->name + len, "_tuple"));
}

static bool add_list(struct parquet_layout *layout)
{
    if (layout->depth == PARQUET_DEPTH_MAX)
        return false;
    layout->list_def[layout->depth++] = layout->max_def;
    layout->max_def++;
    return true;
}

/* Follows a chain of lists from element `at` to its only leaf. Returns the leaf, or NULL if it is none. */
static const struct element *follow(const struct elements *elements, size_t at, struct parquet_layout *layout)
{
    const struct element *e = &elements->all[at];
    if (e->repetition == REPEATED && (!e->leaf || !add_list(layout)))
        return NULL; /* a repeated leaf without LIST is a list of required values */
    while (!e->leaf) {
        layout->max_def += e->repetition == OPTIONAL;
        const struct element *repeated = e + 1;
        if (!is_list(e) || e->children != 1 || repeated->repetition != REPEATED || !add_list(layout))
            return NULL;
        if (repeated->leaf)
            return repeated;
        if (repeated->children != 1)
            return NULL;
        const struct element *inner = repeated + 1;
        if (inner->repetition == REPEATED)
            inner = repeated; /* rule 3: a two-level list of two-level lists */
        else if (is_one_tuple(e, repeated))
            return NULL;
        e = inner;
    }
    layout->max_def += e->repetition == OPTIONAL;
    return e;
}

static enum parquet_kind integer_kind(const struct thrift *tree, const struct element *e,
                                      enum parquet_meaning *ret_meaning)
{
    if (e->physical == PARQUET_TYPE_INT64 && e->logical == LOGICAL_TIMESTAMP) {
        int unit = logical_of(tree, thrift_path(tree, e->logical_type, LOGICAL_TIMESTAMP, 2, 0));
        if (unit < 1 || unit > 3)
            return PARQUET_OTHER;
        *ret_meaning = PARQUET_MILLISECONDS + (unsigned)unit - 1;
        return PARQUET_TIMESTAMP;
    }
    if (e->physical == PARQUET_TYPE_INT64 && !e->logical &&
        (e->converted == CONVERTED_TIMESTAMP_MILLIS || e->converted == CONVERTED_TIMESTAMP_MICROS)) {
        *ret_meaning =
            e->converted == CONVERTED_TIMESTAMP_MILLIS ? PARQUET_MILLISECONDS : PARQUET_MICROSECONDS;
        return PARQUET_TIMESTAMP;
    }
    int64_t is_signed = !(e->converted >= CONVERTED_UINT_8 && e->converted <= CONVERTED_UINT_64);
    if (e->logical == LOGICAL_INTEGER)
        thrift_integer(tree, thrift_path(tree, e->logical_type, LOGICAL_INTEGER, 2, 0), &is_signed);
    *ret_meaning = is_signed ? PARQUET_AS_IS : PARQUET_UNSIGNED;
    return PARQUET_INT;
}

static enum parquet_kind bytes_kind(const struct element *e, enum parquet_meaning *ret_meaning)
{
    bool fixed = e->physical == PARQUET_TYPE_FIXED;
    if (!e->logical && e->converted == CONVERTED_INTERVAL)
        return PARQUET_OTHER;
    if (e->logical == LOGICAL_FLOAT16 && fixed && e->width == HALF_BYTES) {
        *ret_meaning = PARQUET_AS_HALF;
        return PARQUET_FLOAT;
    }
    if (e->logical == LOGICAL_UUID && fixed && e->width == UUID_BYTES) {
        *ret_meaning = PARQUET_AS_UUID;
        return PARQUET_TEXT;
    }
    if (e->logical == LOGICAL_STRING || e->logical == LOGICAL_ENUM || e->logical == LOGICAL_JSON ||
        e->converted == CONVERTED_UTF8 || e->converted == CONVERTED_ENUM || e->converted == CONVERTED_JSON)
        return PARQUET_TEXT;
    return PARQUET_BYTES;
}

static bool is_decimal(const struct element *e)
{
    bool stated = e->logical ? e->logical == LOGICAL_DECIMAL : e->converted == CONVERTED_DECIMAL;
    return stated && (e->physical == PARQUET_TYPE_INT32 || e->physical == PARQUET_TYPE_INT64 ||
                      e->physical == PARQUET_TYPE_BYTE_ARRAY || e->physical == PARQUET_TYPE_FIXED);
}

/* Both the type and the older way to say it may have it. -1: none that can be. */
static int64_t scale_of(const struct thrift *tree, const struct element *e)
{
    thrift_id decimal = thrift_field(tree, e->logical_type, LOGICAL_DECIMAL);
    int64_t scale = decimal ? thrift_integer_or(tree, decimal, 1, -1) : e->scale;
    return scale >= 0 && scale <= DECIMAL_SCALE_MAX ? scale : -1;
}

static enum parquet_kind kind_of(const struct thrift *tree, const struct element *e,
                                 enum parquet_meaning *ret_meaning)
{
    if (is_decimal(e)) {
        *ret_meaning = PARQUET_AS_DECIMAL;
        return scale_of(tree, e) < 0 ? PARQUET_OTHER : PARQUET_DECIMAL;
    }
    switch ((enum parquet_physical)e->physical) {
    case PARQUET_TYPE_BOOLEAN:
        return PARQUET_BOOL;
    case PARQUET_TYPE_INT32:
    case PARQUET_TYPE_INT64:
        return integer_kind(tree, e, ret_meaning);
    case PARQUET_TYPE_INT96: /* only ever used for timestamps */
        return PARQUET_TIMESTAMP;
    case PARQUET_TYPE_FLOAT:
        return PARQUET_FLOAT;
    case PARQUET_TYPE_DOUBLE:
        return PARQUET_DOUBLE;
    default:
        return bytes_kind(e, ret_meaning);
    }
}

static void describe(const struct elements *elements, size_t at, struct parquet_column *column,
                     struct parquet_layout *layout)
{
    const struct element *leaf = follow(elements, at, layout);
    column->kind = PARQUET_OTHER;
    column->why = "it holds structs, maps, or lists more than three deep";
    if (!leaf)
        return;
    column->kind = kind_of(elements->tree, leaf, &layout->meaning);
    column->depth = layout->depth;
    column->readable = column->kind != PARQUET_OTHER;
    column->why = column->readable ? NULL : "it holds values of a kind that is not read (such as intervals)";
    if (column->kind == PARQUET_DECIMAL)
        column->scale = layout->scale = (unsigned)scale_of(elements->tree, leaf);
    column->date = column->kind == PARQUET_INT && leaf->physical == PARQUET_TYPE_INT32 &&
                   (leaf->logical == LOGICAL_DATE || (!leaf->logical && leaf->converted == CONVERTED_DATE));
    layout->physical = (enum parquet_physical)leaf->physical;
    layout->width = (uint32_t)leaf->width;
}

static void collect(struct elements *elements, struct parquet_schema *schema)
{
    size_t at = 1;
    for (uint32_t i = 0; i < schema->count; i++) {
        struct element *top = &elements->all[at];
        schema->layouts[i].leaf = (uint32_t)schema->leaf_count;
        describe(elements, at, &schema->columns[i], &schema->layouts[i]);
        for (; at < top->end; at++)
            if (elements->all[at].leaf)
                schema->leaves[schema->leaf_count++] =
                    (struct parquet_leaf){.physical = (enum parquet_physical)elements->all[at].physical,
                                          .column = i,
                                          .width = (uint32_t)elements->all[at].width,
                                          .max_rep = elements->all[at].max_rep,
                                          .max_def = elements->all[at].max_def};
        schema->columns[i].name = STEAL(top->name);
    }
}

int parquet_schema_init(struct parquet_schema *ret, const struct thrift *tree, thrift_id list,
                        struct error *err)
{
    CLEANUP(elements_done) struct elements elements = {.tree = tree};
    int rc = read_elements(&elements, list, err);
    if (!rc)
        rc = measure(&elements, 0, 0, err);
    if (rc)
        return rc;
    const struct element *root = &elements.all[0];
    if (root->leaf || root->end != elements.count)
        return error_set(err, EINVAL, "schema: the elements do not form one tree");
    struct parquet_schema schema = {.count = (size_t)root->children};
    schema.columns = mem_zero(schema.count * sizeof *schema.columns);
    schema.layouts = mem_zero(schema.count * sizeof *schema.layouts);
    schema.leaves = mem_zero(root->leaves * sizeof *schema.leaves);
    collect(&elements, &schema);
    *ret = schema;
    return 0;
}

void parquet_schema_done(struct parquet_schema *schema)
{
    for (size_t i = 0; i < schema->count; i++)
        free((char *)schema->columns[i].name);
    free(schema->columns);
    free(schema->layouts);
    free(schema->leaves);
    *schema = (struct parquet_schema){0};
}

int parquet_meaning_apply(enum parquet_meaning meaning, enum parquet_physical physical, int64_t stored,
                          int64_t *ret)
{
    static const int64_t nanoseconds[] = {
        [PARQUET_MILLISECONDS] = 1000000, [PARQUET_MICROSECONDS] = 1000, [PARQUET_NANOSECONDS] = 1};
    if (meaning == PARQUET_UNSIGNED && physical == PARQUET_TYPE_INT32)
        stored = (uint32_t)stored;
    else if (meaning == PARQUET_UNSIGNED && stored < 0)
        return -ERANGE;
    else if (meaning >= PARQUET_MILLISECONDS && __builtin_mul_overflow(stored, nanoseconds[meaning], &stored))
        return -ERANGE;
    *ret = stored;
    return 0;
}
