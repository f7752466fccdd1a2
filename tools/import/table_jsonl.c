// SPDX-License-Identifier: Apache-2.0
/* JSON Lines: an object a line, its members the cells: scalars, lists of scalars, null for a missing one.
 * Lines of nothing but spaces are passed over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "tools/import/table_format.h"

struct jsonl {
    struct table_input *input;
    bool nested;
    struct json *json; /* the line's: texts point into it */
};

static int add_scalar(struct table_cells *cells, const struct json *json, struct error *err)
{
    struct table_value one = {.written = false};
    switch (json_kind(json)) {
    case JSON_KIND_BOOL:
        one.value = (struct value){.type = VALUE_BOOL, .boolean = json_as_bool(json)};
        break;
    case JSON_KIND_INTEGER:
        one.value = (struct value){.type = VALUE_INT, .integer = json_as_integer(json)};
        break;
    case JSON_KIND_REAL:
        one.value = (struct value){.type = VALUE_FLOAT, .real = json_as_number(json) + 0.0};
        break;
    case JSON_KIND_TEXT:
        one.value = (struct value){.type = VALUE_TEXT, .text = json_as_text(json)};
        if (!one.value.text)
            return error_set(err, EINVAL, "the text holds a NUL byte");
        one.value.len = strlen(one.value.text);
        break;
    case JSON_KIND_NULL:
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        return error_set(err, EINVAL, "%s stands where a text, a number, true or false must",
                         json_kind(json) == JSON_KIND_NULL    ? "null"
                         : json_kind(json) == JSON_KIND_ARRAY ? "a list"
                                                              : "an object");
    }
    return table_cells_add(cells, &one, err);
}

static int add_cell(struct table_cells *cells, size_t column, const struct json *json, struct error *err)
{
    if (json_kind(json) == JSON_KIND_NULL)
        return 0;
    table_cells_cell(cells, column);
    if (json_kind(json) != JSON_KIND_ARRAY)
        return add_scalar(cells, json, err);
    int rc = 0;
    for (size_t i = 0; !rc && i < json_count(json); i++)
        rc = add_scalar(cells, json_at(json, i), err);
    return rc;
}

static int add_members(const struct jsonl *jsonl, struct table_cells *cells, const struct json *object,
                       const char *before, struct error *err);

static int add_member(const struct jsonl *jsonl, struct table_cells *cells, const char *name,
                      const struct json *member, struct error *err)
{
    size_t column;
    if (strlen(name) > TABLE_NAME_MAX) /* bounds the nesting, too */
        return error_set(err, E2BIG, "a column's name has more than %d bytes", TABLE_NAME_MAX);
    if (jsonl->nested && json_kind(member) == JSON_KIND_OBJECT)
        return add_members(jsonl, cells, member, name, err);
    if (!*name)
        return error_set(err, EINVAL, "a member has no name");
    int rc = table_cells_column(cells, name, strlen(name), &column, NULL, err);
    if (!rc && table_cells_has(cells, column))
        rc = error_set(err, EINVAL, "column '%s' stands there twice", name);
    if (rc)
        return rc;
    rc = add_cell(cells, column, member, err);
    return rc ? error_prefix(err, "column '%s'", name) : 0;
}

/* Nesting is bounded by the parser; `before`: the names of the objects around, with their dots. */
static int add_members(const struct jsonl *jsonl, struct table_cells *cells, const struct json *object,
                       const char *before, struct error *err)
{
    void *iter = NULL;
    const char *name;
    const struct json *member;
    int rc = 0;
    while (!rc && json_next(object, &iter, &name, &member)) {
        CLEANUP_FREE char *full = before ? mem_printf("%s.%s", before, name) : NULL;
        rc = add_member(jsonl, cells, full ? full : name, member, err);
    }
    return rc;
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
    if (jsonl->json)
        json_free(jsonl->json);
    jsonl->json = NULL;
    int rc = next_line(jsonl, &line, err);
    if (rc <= 0)
        return rc;
    rc = json_parse_line(line.number, line.text, line.len, &jsonl->json, err);
    if (rc)
        return rc;
    if (json_kind(jsonl->json) != JSON_KIND_OBJECT)
        return error_set(err, EINVAL, "line %llu: the line is %s %s, not an object",
                         (unsigned long long)line.number,
                         strchr("aeio", *json_kind_name(json_kind(jsonl->json))) ? "an" : "a",
                         json_kind_name(json_kind(jsonl->json)));
    table_cells_begin(cells, line.number);
    rc = add_members(jsonl, cells, jsonl->json, NULL, err);
    return rc ? error_prefix(err, "line %llu", (unsigned long long)line.number) : 1;
}

static void jsonl_free(void *state)
{
    struct jsonl *jsonl = state;
    if (jsonl->json)
        json_free(jsonl->json);
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
