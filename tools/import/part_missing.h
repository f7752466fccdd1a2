// SPDX-License-Identifier: Apache-2.0
/* Which parts are there, and what to tell a person about those that are not. One thread at a time; waits. */
#pragma once

#include "tools/import/part_take.h"

/* 0 with how many there are, all of them; -ENOENT as part_find(). */
int part_missing_check(const struct part_taking *taking, uint32_t *ret_count, struct error *err);
