// SPDX-License-Identifier: Apache-2.0
/* has: kept free for words of a text. */
#include "query/op/binding.h"

static int refuse_has(struct binding *binding, struct error *err)
{
    return binding_refuse(binding, err, "not supported yet ('.prefix' compares beginnings)");
}

const struct op op_has = {.name = "has", .bind = refuse_has};
