// SPDX-License-Identifier: Apache-2.0
/*
 * The plans made lately, by version, canonical path and view: whoever asks for the next file of a view need
 * not plan it again. At most PLANS_MAX, and so many bytes; but the last one stays, whatever its size, for its
 * listing is read piece by piece. Locks itself; plans nothing under its lock.
 */
#pragma once

#include "query/view/view.h"

enum { PLANS_MAX = 64 };

struct view_plans;

struct view_plans *view_plans_new(size_t max_bytes);
void view_plans_free(struct view_plans *plans);
/* As view_plan_make(), or the plan that is kept: a reference. A reader that does not wait makes none, though
 * all may be here: a plan takes a look at each clip (-EAGAIN). */
int view_plans_get(struct view_plans *plans, const struct view_ask *ask, struct query *query,
                   const char *name, struct view_plan **ret, struct error *err);
