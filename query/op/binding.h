// SPDX-License-Identifier: Apache-2.0
/* One condition on its way from text to typed values, for the operators. One thread at a time. */
#pragma once

#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/grammar.h"
#include "query/literal.h"
#include "query/refusal.h"

struct binding {
    const struct grammar_literal *from;
    struct catalog_attribute attribute;
    struct catalog_reader *reader;
    struct literal *to; /* has room for a value more than `from` has arguments */
    struct refusal *why;
};

/* -ENOENT, "arm.lt: reason": what was asked for, without its arguments. */
int binding_refuse(const struct binding *binding, struct error *err, const char *reason);
/* The argument as a value of the attribute's type; a text is borrowed. */
int binding_value(const struct binding *binding, size_t arg, struct value *ret, struct error *err);
/* Appends a copy. */
void binding_push(struct binding *binding, const struct value *value);
/* The condition becomes: lacks the attribute, or has it. */
void binding_push_lacks(struct binding *binding, bool lacks);
/* The argument as a text that some value meets: "no value WHAT 'pik'" (prefix: "begins with"). */
int binding_text(struct binding *binding, const char *what, struct error *err);
