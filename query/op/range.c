// SPDX-License-Identifier: Apache-2.0
/* rng: some value in a range, of which either end may be missing; with neither, any value at all. */
#include "query/op/binding.h"

static int bind_range(struct binding *binding, struct error *err)
{
    const struct grammar_text *args = binding->from->args;
    struct literal *to = binding->to;
    if (!args[0].len && !args[1].len) {
        binding_push_lacks(binding, false);
        return 0;
    }
    struct value ends[2] = {{.type = binding->attribute.type}, {.type = binding->attribute.type}};
    for (size_t i = 0; i < 2; i++) {
        int rc = args[i].len ? binding_value(binding, i, &ends[i], err) : 0;
        if (rc)
            return rc;
    }
    to->open_low = args[0].len == 0;
    to->open_high = args[1].len == 0;
    for (size_t i = 0; i < 2; i++) {
        if (ends[i].type == VALUE_TEXT && !args[i].len)
            ends[i].text = "", ends[i].len = 0;
        binding_push(binding, &ends[i]);
    }
    return 0;
}

/* Ranges of what is counted include their end; of what is measured they do not, so that neighbouring ranges
 * neither overlap nor leave a gap. */
static bool includes_end(enum value_type type)
{
    return type == VALUE_INT || type == VALUE_TEXT;
}

static void ask_range(const struct literal *literal, struct catalog_literal *to)
{
    to->op = CATALOG_RANGE;
    to->open_low = literal->open_low;
    to->open_high = literal->open_high;
    to->inclusive_low = true;
    to->inclusive_high = includes_end(literal->values[0].type);
}

const struct op op_rng = {
    .name = "rng",
    .help = "in the range ... .. ...",
    .args = OP_RANGE,
    .types = OP_ORDERED,
    .bind = bind_range,
    .ask = ask_range,
};
