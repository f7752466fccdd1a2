// SPDX-License-Identifier: Apache-2.0
/* The clips of a view one after the other; a reader that waits asks for those of some hundred at once, and
 * for more of them by view_fetch(). Any thread (through its own reader). */
#pragma once

#include "query/view/view.h"

/* Calls `each` for the rows at the positions [first, end) of the plan's set; non-zero from it ends that and
 * is returned. */
int view_walk(const struct view_plan *plan, const struct view_ask *ask, uint64_t first, uint64_t end,
              set_row_fn *each, void *ctx, struct error *err);

/* Where the reader waits: what `touch` reads of these rows is fetched side by side, so that who reads it then
 * waits some rounds of the store and not one for each page. `touch` reads with the reader it is given, which
 * is one that does not wait, and keeps nothing; what goes wrong is told when it is read. */
typedef int view_touch_fn(void *ctx, struct catalog_reader *reader, uint32_t row, struct error *err);
void view_fetch(const struct view_plan *plan, const struct view_ask *ask, uint64_t first, uint64_t end,
                view_touch_fn *touch, void *ctx);
