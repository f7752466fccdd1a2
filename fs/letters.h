// SPDX-License-Identifier: Apache-2.0
/*
 * `.q` of the root: query directories by a name of letters and digits alone (query/alias.h). Pieces of it are
 * directories that list nothing; behind the last one, which ends in '_', stands the query directory itself.
 * Any thread.
 */
#pragma once

#include "fs/view.h"

int letters_find(const struct view_asked *asked, const char *name, struct node *ret, struct error *err);
int letters_list(const struct view_asked *asked, struct names *names, struct error *err);
