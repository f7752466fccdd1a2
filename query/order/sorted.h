// SPDX-License-Identifier: Apache-2.0
/* Clips in the order of what they have: by value, of equal ones by row, those without a value last. */
#pragma once

#include <stddef.h>

#include "index/base/rowset.h"
#include "index/catalog/catalog.h"

/* All of `rows` (live ones of the reader's version) in that order; `falling`: the greatest value first. A
 * clip with several values stands where the first of them that comes puts it. *ret is to be freed. -EINVAL:
 * lists have no order. -EAGAIN: call again. */
int sorted_rows(struct catalog_reader *reader, const struct rowset *rows, uint32_t attribute, bool falling,
                uint32_t **ret, size_t *ret_count, struct error *err);
