// SPDX-License-Identifier: Apache-2.0
/* suffix: the text a value is printed with ends so, whatever its type. */
#include "query/op/binding.h"

static int bind_suffix(struct binding *binding, struct error *err)
{
    return binding_text(binding, "ends with", err);
}

static void ask_suffix(const struct literal *literal, struct catalog_literal *to)
{
    to->op = CATALOG_SUFFIX;
}

const struct op op_suffix = {
    .name = "suffix",
    .help = "its text ends with ...",
    .aliases = (const char *const[]){"endswith", "ends", NULL},
    .bind = bind_suffix,
    .ask = ask_suffix,
};
