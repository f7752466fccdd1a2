// SPDX-License-Identifier: Apache-2.0
/* lt, le, gt, ge: a range that is open on one side. Bounds need not be values of any clip. */
#include "query/op/binding.h"

static int bind_bound(struct binding *binding, struct error *err)
{
    struct value value;
    int rc = binding_value(binding, 0, &value, err);
    if (rc)
        return rc;
    binding_push(binding, &value);
    binding->to->values[1] = binding->to->values[0]; /* the catalog takes two ends, whichever is open */
    return 0;
}

static void ask_below(const struct literal *literal, struct catalog_literal *to)
{
    to->op = CATALOG_RANGE;
    to->open_low = true;
    to->inclusive_high = literal->op == &op_le;
}

static void ask_above(const struct literal *literal, struct catalog_literal *to)
{
    to->op = CATALOG_RANGE;
    to->open_high = true;
    to->inclusive_low = literal->op == &op_ge;
}

const struct op op_lt = {
    .name = "lt",
    .help = "less than ...",
    .aliases = (const char *const[]){"less", NULL},
    .signs = (const char *const[]){"<", NULL},
    .types = OP_ORDERED,
    .bind = bind_bound,
    .ask = ask_below,
};
const struct op op_le = {
    .name = "le",
    .help = "at most ...",
    .aliases = (const char *const[]){"lte", "max", NULL},
    .signs = (const char *const[]){"<=", NULL},
    .types = OP_ORDERED,
    .bind = bind_bound,
    .ask = ask_below,
};
const struct op op_gt = {
    .name = "gt",
    .help = "more than ...",
    .aliases = (const char *const[]){"greater", NULL},
    .signs = (const char *const[]){">", NULL},
    .types = OP_ORDERED,
    .bind = bind_bound,
    .ask = ask_above,
};
const struct op op_ge = {
    .name = "ge",
    .help = "at least ...",
    .aliases = (const char *const[]){"gte", "min", NULL},
    .signs = (const char *const[]){">=", NULL},
    .types = OP_ORDERED,
    .bind = bind_bound,
    .ask = ask_above,
};
