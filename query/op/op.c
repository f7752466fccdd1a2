// SPDX-License-Identifier: Apache-2.0
/* A dozen rows: they are looked through. */
#include "query/op/op.h"

#include <string.h>

static const struct op *const table[] = {
    &op_eq, &op_ne,  &op_in,     &op_nin,    &op_lt,  &op_le,   &op_gt,
    &op_ge, &op_rng, &op_prefix, &op_suffix, &op_has, &op_null,
};
enum { COUNT = sizeof table / sizeof *table };

const struct op *op_at(size_t i)
{
    return i < COUNT ? table[i] : NULL;
}

const struct op *op_find(const char *name, size_t len)
{
    for (size_t i = 0; len && i < COUNT; i++)
        if (strlen(table[i]->name) == len && !memcmp(table[i]->name, name, len))
            return table[i];
    return NULL;
}

const struct op *op_of_sign(const char *text, size_t len, size_t *ret_sign_len)
{
    const struct op *found = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < COUNT; i++)
        for (const char *const *sign = table[i]->signs; sign && *sign; sign++) {
            size_t n = strlen(*sign);
            if (n <= longest || n > len || memcmp(*sign, text, n) != 0)
                continue;
            found = table[i];
            longest = n;
        }
    if (found)
        *ret_sign_len = longest;
    return found;
}
