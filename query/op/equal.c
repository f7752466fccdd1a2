// SPDX-License-Identifier: Apache-2.0
/* =, ne, in, nin: values that clips have. One that nobody has is an error and not an empty set: a misspelt
 * label must not train on nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "query/op/binding.h"
#include "query/show.h"

static int compare_values(const void *a, const void *b)
{
    return value_compare(a, b);
}

static void sort_values(struct literal *literal)
{
    size_t kept = 1;
    qsort(literal->values, literal->count, sizeof *literal->values, compare_values);
    for (size_t i = 1; i < literal->count; i++) {
        if (value_compare(&literal->values[kept - 1], &literal->values[i]) != 0)
            literal->values[kept++] = literal->values[i];
        else if (literal->values[i].type == VALUE_TEXT)
            free((char *)(uintptr_t)literal->values[i].text);
    }
    literal->count = kept;
}

/* Who names a value lists its clips next: what tells the first window of them is asked for while other
 * components are still looked up. */
static void ask_ahead(const struct binding *binding)
{
    const struct grammar_literal *from = binding->from;
    CLEANUP_FREE struct value *values = mem_alloc((from->arg_count + 1) * sizeof *values);
    const struct catalog_window first = {0, UINT64_C(1) << CATALOG_WINDOW_BITS};
    struct catalog_literal literal = {
        .window = &first, .attribute = binding->attribute.id, .op = CATALOG_EQ, .values = values};
    for (size_t i = 0; i < from->arg_count; i++)
        if (!value_parse(binding->attribute.type, from->args[i].bytes, from->args[i].len,
                         &values[literal.count], NULL))
            literal.count++;
    catalog_select_ahead_once(binding->reader, &literal, 1);
}

static int refuse_value(const struct binding *binding, size_t arg, struct error *err)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    const struct grammar_text *typed = &binding->from->args[arg];
    show_append(&text, binding->attribute.name, strlen(binding->attribute.name));
    buf_text_append(&text, " has no value '");
    show_append(&text, typed->bytes, typed->len);
    binding->why->kind = REFUSAL_VALUE;
    binding->why->arg = arg;
    binding->why->attribute = binding->attribute;
    return error_set(err, ENOENT, "%s'", buf_text(&text));
}

static int bind_values(struct binding *binding, const struct op *one, const struct op *several,
                       struct error *err)
{
    ask_ahead(binding);
    for (size_t i = 0; i < binding->from->arg_count; i++) {
        struct value value;
        int rc = binding_value(binding, i, &value, err);
        if (rc)
            return rc;
        rc = catalog_value_known(binding->reader, binding->attribute.id, &value, err);
        if (rc == 0)
            rc = refuse_value(binding, i, err);
        if (rc < 0)
            return rc;
        binding_push(binding, &value);
    }
    sort_values(binding->to);
    binding->to->op = binding->to->count == 1 ? one : several;
    return 0;
}

static int bind_some(struct binding *binding, struct error *err)
{
    return bind_values(binding, &op_eq, &op_in, err);
}

static int bind_none(struct binding *binding, struct error *err)
{
    return bind_values(binding, &op_ne, &op_nin, err);
}

static void ask_some(const struct literal *literal, struct catalog_literal *to)
{
    to->op = CATALOG_EQ;
}

static void ask_none(const struct literal *literal, struct catalog_literal *to)
{
    to->op = CATALOG_NE;
}

const struct op op_eq = {
    .name = "",
    .help = "some value is ...",
    .aliases = (const char *const[]){"eq", "equals", "is", NULL},
    .signs = (const char *const[]){"=", "==", NULL},
    .bind = bind_some,
    .ask = ask_some,
};
const struct op op_ne = {
    .name = "ne",
    .help = "has it, and no value is ...",
    .aliases = (const char *const[]){"neq", "not", NULL},
    .signs = (const char *const[]){"!=", "<>", NULL},
    .bind = bind_none,
    .ask = ask_none,
};
const struct op op_in = {
    .name = "in",
    .help = "some value is one of ...,...",
    .args = OP_LIST,
    .bind = bind_some,
    .ask = ask_some,
};
const struct op op_nin = {
    .name = "nin",
    .help = "has it, and no value is one of ...,...",
    .args = OP_LIST,
    .bind = bind_none,
    .ask = ask_none,
};
