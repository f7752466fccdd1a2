// SPDX-License-Identifier: Apache-2.0
/* A bound condition is printed through the grammar's printer, so that there is one place that escapes. */
#include "query/literal.h"

#include <stdlib.h>
#include <string.h>

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
        bool open = literal->op == GRAMMAR_RNG && (i == 0 ? literal->open_low : literal->open_high);
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

/* Ranges of what is counted include their end; of what is measured they do not, so that neighbouring ranges
 * neither overlap nor leave a gap. */
static bool range_includes_end(enum value_type type)
{
    return type == VALUE_INT || type == VALUE_TEXT;
}

static void bound_range(const struct literal *literal, struct catalog_literal *ret)
{
    ret->op = CATALOG_RANGE;
    switch (literal->op) {
    case GRAMMAR_RNG:
        ret->open_low = literal->open_low;
        ret->open_high = literal->open_high;
        ret->inclusive_low = true;
        ret->inclusive_high = range_includes_end(literal->values[0].type);
        return;
    case GRAMMAR_LT:
    case GRAMMAR_LE:
        ret->open_low = true;
        ret->inclusive_high = literal->op == GRAMMAR_LE;
        break;
    default:
        ret->open_high = true;
        ret->inclusive_low = literal->op == GRAMMAR_GE;
    }
}

struct catalog_literal literal_condition(const struct literal *literal)
{
    struct catalog_literal condition = {
        .attribute = literal->attribute, .values = literal->values, .count = literal->count};
    switch (literal->op) {
    case GRAMMAR_NE:
    case GRAMMAR_NIN:
        condition.op = CATALOG_NE;
        break;
    case GRAMMAR_PREFIX:
        condition.op = CATALOG_PREFIX;
        break;
    case GRAMMAR_NULL:
        condition.op = literal->values[0].integer ? CATALOG_NULL : CATALOG_HAS;
        condition.count = 0;
        break;
    case GRAMMAR_EQ:
    case GRAMMAR_IN:
        condition.op = CATALOG_EQ;
        break;
    default:
        bound_range(literal, &condition);
    }
    return condition;
}
