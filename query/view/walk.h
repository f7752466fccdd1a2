// SPDX-License-Identifier: Apache-2.0
/* The clips of a view one after the other; a reader that waits asks for those of some hundred at once. Any
 * thread (through its own reader). */
#pragma once

#include "query/view/view.h"

/* Calls `each` for the rows at the positions [first, end) of the plan's set; non-zero from it ends that and
 * is returned. */
int view_walk(const struct view_plan *plan, const struct view_ask *ask, uint64_t first, uint64_t end,
              set_row_fn *each, void *ctx, struct error *err);
