// SPDX-License-Identifier: Apache-2.0
/* Copies of recordings in the data set (elidefs/data/): which of them does a version name? A version names
 * what its parents have named, so the newest one decides as a rule. One thread at a time; waits. */
#pragma once

#include "index/house/garbage.h"

/* Takes those that the version names off the list. */
int copies_take_named(struct dataset *dataset, uint32_t version, struct garbage *copies, struct error *err);
