// SPDX-License-Identifier: Apache-2.0
/* prefix: the text a value is printed with begins so, whatever its type. A prefix that no value begins with
 * is as good as a misspelt value. */
#include "query/op/binding.h"

static int bind_prefix(struct binding *binding, struct error *err)
{
    return binding_text(binding, "begins with", err);
}

static void ask_prefix(const struct literal *literal, struct catalog_literal *to)
{
    to->op = CATALOG_PREFIX;
}

const struct op op_prefix = {
    .name = "prefix",
    .help = "its text begins with ...",
    .aliases = (const char *const[]){"startswith", "starts", "like", NULL},
    .bind = bind_prefix,
    .ask = ask_prefix,
};
