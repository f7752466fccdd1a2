// SPDX-License-Identifier: Apache-2.0
/* `.by/KEY/VALUE/` of a query directory (query/browse.h says which names): a VALUE is the query directory
 * that has that condition besides. Any thread. */
#pragma once

#include "fs/view.h"

int by_find(const struct view_asked *asked, const char *name, struct node *ret, struct error *err);
int by_list(const struct view_asked *asked, struct names *names, struct error *err);
