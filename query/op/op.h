// SPDX-License-Identifier: Apache-2.0
/*
 * The operators of conditions, a row each: "arm.in=left,right" has the row `in`. To add one: a file here that
 * defines its row, the row's place in op.c, and its cases in tests/query. Nothing else needs to know it; what
 * is named below is named by those who speak of one operator.
 *
 * Immutable; any thread.
 */
#pragma once

#include <stddef.h>

#include "cache/base/error.h"

struct binding;         /* query/op/binding.h */
struct literal;         /* query/literal.h */
struct catalog_literal; /* index/catalog/catalog.h */

enum op_args {
    OP_ONE,   /* a */
    OP_LIST,  /* a,b,...: one or more */
    OP_RANGE, /* a..b: two, each may be empty */
};
enum op_types {              /* of the attributes that can be asked so */
                OP_COMPARED, /* all but lists */
                OP_ORDERED,  /* nor booleans */
                OP_ANY,      /* lists, too: it asks whether there is a value, not which */
};
struct op_choice {
    const char *text, *help;
};

struct op {
    const char *name;                /* behind the dot; "": the '=' alone */
    const char *help;                /* what it asks; NULL: the name is kept free, and refused */
    const char *const *aliases;      /* what other languages call it, and */
    const char *const *signs;        /* how they write it; both end with NULL, or are NULL */
    const struct op_choice *choices; /* all its arguments, up to a NULL text; NULL: the attribute's values */
    enum op_args args;
    enum op_types types;
    /* Fills binding->to: values, and another op where that one says the same. -ENOENT with the reason. */
    int (*bind)(struct binding *binding, struct error *err);
    /* What the catalog is asked: fills all but attribute, values and count, which are the literal's. */
    void (*ask)(const struct literal *literal, struct catalog_literal *to);
};

extern const struct op op_eq, op_ne, op_in, op_nin, op_lt, op_le, op_gt, op_ge, op_rng, op_prefix, op_suffix,
    op_has, op_null;

/* The i-th one, in the order in which they are offered; NULL behind the last. */
const struct op *op_at(size_t i);
/* The one whose name it is, NULL if none: there is none called "". */
const struct op *op_find(const char *name, size_t len);
/* The one with the longest sign that the text begins with ("<=5": le, 2 bytes); NULL if none. */
const struct op *op_of_sign(const char *text, size_t len, size_t *ret_sign_len);
