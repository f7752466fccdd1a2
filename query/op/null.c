// SPDX-License-Identifier: Apache-2.0
/* null: is there a value at all? The only one that may be asked of lists. */
#include <string.h>

#include "query/op/binding.h"

static int bind_null(struct binding *binding, struct error *err)
{
    const char *arg = binding->from->args[0].bytes;
    if (strcmp(arg, "0") != 0 && strcmp(arg, "1") != 0)
        return binding_refuse(binding, err, "1 asks for clips without the attribute, 0 for those with it");
    binding_push_lacks(binding, arg[0] == '1');
    return 0;
}

static void ask_null(const struct literal *literal, struct catalog_literal *to)
{
    to->op = literal->values[0].integer ? CATALOG_NULL : CATALOG_HAS;
    to->count = 0;
}

const struct op op_null = {
    .name = "null",
    .help = "1: lacks it, 0: has it",
    .choices = (const struct op_choice[]){{"0", "has it"}, {"1", "lacks it"}, {NULL, NULL}},
    .types = OP_ANY,
    .bind = bind_null,
    .ask = ask_null,
};
