// SPDX-License-Identifier: Apache-2.0
/* A bound condition is printed through the grammar's printer, so that there is one place that escapes. */
#include "query/literal.h"

#include <stdlib.h>
#include <string.h>

#include "query/grammar.h"

void literal_done(struct literal *literal)
{
    for (size_t i = 0; i < literal->count; i++)
        if (literal->values[i].type == VALUE_TEXT)
            free((char *)(uintptr_t)literal->values[i].text);
    free(literal->values);
    free(literal->name);
    *literal = (struct literal){0};
}

static struct grammar_text text_of(const struct value *value)
{
    struct buf text = BUF_INIT;
    value_print(&text, value);
    size_t len = text.len;
    return (struct grammar_text){(char *)buf_steal(&text), len};
}

void literal_print(const struct literal *literal, struct buf *buf)
{
    struct grammar_text *args = mem_zero(literal->count * sizeof *args);
    for (size_t i = 0; i < literal->count; i++) {
        bool open = i == 0 ? literal->open_low : literal->open_high;
        args[i] = open ? (struct grammar_text){mem_text(""), 0} : text_of(&literal->values[i]);
    }
    struct grammar_literal printed = {.key = {literal->name, strlen(literal->name)},
                                      .op = literal->op,
                                      .args = args,
                                      .arg_count = literal->count};
    grammar_print_literal(buf, &printed);
    for (size_t i = 0; i < literal->count; i++)
        free(args[i].bytes);
    free(args);
}

struct catalog_literal literal_condition(const struct literal *literal)
{
    struct catalog_literal condition = {
        .attribute = literal->attribute, .values = literal->values, .count = literal->count};
    literal->op->ask(literal, &condition);
    return condition;
}
