// SPDX-License-Identifier: Apache-2.0
/*
 * The clauses of a query that make a difference to what is asked of it. A stage that only puts clips in order
 * (`leaves_all`) makes none where nobody asks for the order and no stage behind it counts places:
 *
 *     arm=left/@sort=length/@shuffle=7/@head=10    the ten that come first: @shuffle counts places, @sort was
 *                                                  before it, so all is needed
 *     arm=left/@sort=length/@sample=10             which clips: arm=left/@sample=10
 *     @shuffle=7/@sort=length                      in which order: @sort=length
 *
 * It is said by the table of stages alone (stage/stage.h), once, for all questions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "query/clause.h"

/* Those of the `count` clauses, into `ret`, which has room for all; how many. `ordered`: the order of what
 * they leave is asked for. A sort stands as far right as it may, so that it is given the fewest clips.
 * Borrowed. */
size_t lean_clauses(struct clause *const *clauses, size_t count, bool ordered, struct clause **ret);
