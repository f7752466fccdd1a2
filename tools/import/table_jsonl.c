// SPDX-License-Identifier: Apache-2.0
/* JSON Lines: an object a line, its members the cells: scalars, lists of numbers or texts, null for a missing
 * one.
 * Lines of nothing but spaces are passed over. Read without a tree: a table can have millions of lines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json_scan.h"
#include "tools/import/table_format.h"

struct jsonl {
    struct table_input *input;
    bool nested;
    struct json_scan scan; /* of the line: texts point into it */
    struct buf name;       /* of the member: those of the objects around it, with their dots, before it */
};

static const char *kind_name(enum json_token_kind kind)
{
    switch (kind) {
    case JSON_TOKEN_OBJECT:
        return "an object";
    case JSON_TOKEN_ARRAY:
        return "a list";
    case JSON_TOKEN_NULL:
        return "null";
    case JSON_TOKEN_TEXT:
        return "a text";
    case JSON_TOKEN_BOOL:
        return "true or false";
    case JSON_TOKEN_END:
    case JSON_TOKEN_OBJECT_END:
    case JSON_TOKEN_ARRAY_END:
    case JSON_TOKEN_NAME:
    case JSON_TOKEN_INTEGER:
    case JSON_TOKEN_REAL:
        break;
    }
    return "a number";
}

static int add_scalar(struct table_cells *cells, const struct json_token *token, struct error *err)
{
    struct table_value one = {.written = false};
    switch (token->kind) {
    case JSON_TOKEN_BOOL:
        one.value = (struct value){.type = VALUE_BOOL, .boolean = token->boolean};
        break;
    case JSON_TOKEN_INTEGER:
        one.value = (struct value){.type = VALUE_INT, .integer = token->integer};
        break;
    case JSON_TOKEN_REAL:
        one.value = (struct value){.type = VALUE_FLOAT, .real = token->real + 0.0};
        break;
    case JSON_TOKEN_TEXT:
        one.value = (struct value){.type = VALUE_TEXT, .text = token->text, .len = token->len};
        break;
    default:
        return error_set(err, EINVAL, "%s stands where a text, a number, true or false must",
                         kind_name(token->kind));
    }
    return table_cells_add(cells, &one, err);
}

/* Behind a '[' or '{': up to where it ends. */
static int skip_nested(struct jsonl *jsonl, struct error *err)
{
    struct json_token token;
    for (unsigned depth = 1; depth;) {
        int rc = json_scan_next(&jsonl->scan, &token, err);
        if (rc)
            return rc;
        depth += token.kind == JSON_TOKEN_ARRAY || token.kind == JSON_TOKEN_OBJECT;
        depth -= token.kind == JSON_TOKEN_ARRAY_END || token.kind == JSON_TOKEN_OBJECT_END;
    }
    return 0;
}

static int add_element(struct jsonl *jsonl, struct table_cells *cells, const struct json_token *token,
                       struct error *err)
{
    struct buf *list = table_cells_list(cells);
    bool number = token->kind == JSON_TOKEN_INTEGER || token->kind == JSON_TOKEN_REAL;
    if (token->kind == JSON_TOKEN_ARRAY || token->kind == JSON_TOKEN_OBJECT)
        return skip_nested(jsonl, err);
    if (token->kind == JSON_TOKEN_TEXT || (token->kind != JSON_TOKEN_NULL && table_cells_several(cells)))
        return add_scalar(cells, token, err);
    if (token->kind == JSON_TOKEN_INTEGER)
        value_list_add_integer(list, token->integer);
    else if (number)
        value_list_add_real(list, token->real);
    else if (token->kind == JSON_TOKEN_NULL)
        value_list_add_null(list);
    return 0;
}

/* A list of numbers is one value, unless it is several by --multi; of texts, several. */
static int add_list(struct jsonl *jsonl, struct table_cells *cells, struct error *err)
{
    struct json_token token;
    struct table_list_kinds kinds = {0};
    int rc;
    while (!(rc = json_scan_next(&jsonl->scan, &token, err)) && token.kind != JSON_TOKEN_ARRAY_END) {
        kinds.lists += token.kind == JSON_TOKEN_ARRAY;
        kinds.objects += token.kind == JSON_TOKEN_OBJECT;
        kinds.booleans += token.kind == JSON_TOKEN_BOOL;
        kinds.nulls += token.kind == JSON_TOKEN_NULL;
        kinds.texts += token.kind == JSON_TOKEN_TEXT;
        kinds.numbers += token.kind == JSON_TOKEN_INTEGER || token.kind == JSON_TOKEN_REAL;
        rc = add_element(jsonl, cells, &token, err);
        if (rc)
            return error_prefix(err, "column '%s'", buf_text(&jsonl->name));
    }
    return rc ? rc : table_cells_finish_list(cells, &kinds, err);
}

static int add_cell(struct jsonl *jsonl, struct table_cells *cells, const struct json_token *token,
                    struct error *err)
{
    size_t column;
    if (!jsonl->name.len)
        return error_set(err, EINVAL, "a member has no name");
    int rc = table_cells_column(cells, buf_text(&jsonl->name), jsonl->name.len, &column, NULL, err);
    if (!rc && !table_cells_mention(cells, column))
        rc = error_set(err, EINVAL, "column '%s' stands there twice", buf_text(&jsonl->name));
    if (rc || token->kind == JSON_TOKEN_NULL)
        return rc;
    table_cells_cell(cells, column);
    if (token->kind == JSON_TOKEN_ARRAY)
        return add_list(jsonl, cells, err);
    rc = add_scalar(cells, token, err);
    return rc ? error_prefix(err, "column '%s'", buf_text(&jsonl->name)) : 0;
}

/* Behind a '{'. Nesting is bounded by the scanner. */
static int add_members(struct jsonl *jsonl, struct table_cells *cells, struct error *err)
{
    size_t before = jsonl->name.len;
    struct json_token name, value;
    int rc;
    while (!(rc = json_scan_next(&jsonl->scan, &name, err)) && name.kind == JSON_TOKEN_NAME) {
        if (before + name.len > TABLE_NAME_MAX)
            return error_set(err, E2BIG, "a column's name has more than %d bytes", TABLE_NAME_MAX);
        buf_append(&jsonl->name, name.text, name.len);
        rc = json_scan_next(&jsonl->scan, &value, err);
        if (!rc && jsonl->nested && value.kind == JSON_TOKEN_OBJECT) {
            buf_u8(&jsonl->name, '.');
            rc = add_members(jsonl, cells, err);
        } else if (!rc) {
            rc = add_cell(jsonl, cells, &value, err);
        }
        if (rc)
            return rc;
        buf_truncate(&jsonl->name, before);
    }
    return rc;
}

static int add_line(struct jsonl *jsonl, struct table_cells *cells, struct error *err)
{
    struct json_token token;
    buf_clear(&jsonl->name);
    int rc = json_scan_next(&jsonl->scan, &token, err);
    if (!rc && token.kind != JSON_TOKEN_OBJECT)
        rc = error_set(err, EINVAL, "the line is %s, not an object", kind_name(token.kind));
    if (!rc)
        rc = add_members(jsonl, cells, err);
    return rc ? rc : json_scan_next(&jsonl->scan, &token, err); /* nothing may follow */
}

static bool is_blank(const struct table_line *line)
{
    return strspn(line->text, " \t\r\n") >= line->len;
}

static int next_line(const struct jsonl *jsonl, struct table_line *ret, struct error *err)
{
    int rc;
    do
        rc = table_input_line(jsonl->input, false, ret, err);
    while (rc > 0 && is_blank(ret));
    if (rc > 0 && ret->cut)
        rc = error_set(err, EFBIG, "line %llu: more than %d MiB", (unsigned long long)ret->number,
                       TABLE_LINE_MAX >> 20);
    return rc;
}

static int jsonl_next(void *state, struct table_cells *cells, struct error *err)
{
    struct jsonl *jsonl = state;
    struct table_line line;
    int rc = next_line(jsonl, &line, err);
    if (rc <= 0)
        return rc;
    json_scan_init(&jsonl->scan, line.text, line.len);
    table_cells_begin(cells, line.number);
    rc = add_line(jsonl, cells, err);
    return rc ? error_prefix(err, "line %llu", (unsigned long long)line.number) : 1;
}

static void jsonl_free(void *state)
{
    struct jsonl *jsonl = state;
    buf_done(&jsonl->name);
    free(jsonl);
}

int table_jsonl_open(struct table_input *input, bool nested, struct table_format *ret)
{
    struct jsonl *jsonl = MEM_NEW(struct jsonl);
    *jsonl = (struct jsonl){.input = input, .nested = nested};
    *ret =
        (struct table_format){.next = jsonl_next, .free = jsonl_free, .state = jsonl, .place_name = "line"};
    return 0;
}
