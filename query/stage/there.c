// SPDX-License-Identifier: Apache-2.0
/* An attribute keeps its number for ever, whatever becomes of its name and type. */
#include "query/stage/there.h"

#include <errno.h>

int there_attribute(struct catalog_reader *reader, const struct catalog_attribute *bound,
                    struct catalog_attribute *ret, struct error *err)
{
    int rc = catalog_attribute_get(reader, bound->id, ret, err);
    return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}
