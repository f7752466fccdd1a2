// SPDX-License-Identifier: Apache-2.0
/*
 * The clips of a set, one by one, where the catalog says what each has: before the first of some is asked for
 * the catalog is told which come, so that who waits for it does so once for many.
 */
#pragma once

#include "index/catalog/catalog.h"
#include "query/set.h"

enum { COMING_ROWS = 1 << 17 }; /* told at a time */

/* As set_each(). */
int coming_each(const struct set *set, struct catalog_reader *reader, enum catalog_coming_what what,
                set_row_fn *each, void *ctx, struct error *err);
