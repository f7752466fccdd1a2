// SPDX-License-Identifier: Apache-2.0
/* `.by/KEY/VALUE/` of a query directory (query/browse.h says which names): a VALUE is the query directory
 * that has that condition besides. Any thread. */
#pragma once

#include "fs/view.h"

int by_find(const struct view_asked *asked, const char *name, struct node *ret, struct error *err);
/* Of a node that by_find() made: how many values the key's directory lists, or clips the value has. */
int by_size(struct fs *fs, const struct node *node, const struct catalog_patience *patience, uint64_t *ret,
            struct error *err);
int by_list(const struct view_asked *asked, struct names *names, struct error *err);
