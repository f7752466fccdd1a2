// SPDX-License-Identifier: Apache-2.0
/* Why there is no file of some name in a query directory, and what was probably meant. Any thread (through
 * its own reader). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/error.h"
#include "query/query.h"

/* -ENOENT with the sentence, or what reading the catalog gave (-EAGAIN). *ret_telling (may be NULL): the name
 * is near something that is there, so it was meant; else it may be one that programs just try.
 *
 *     'ep000003.front.mp4' is not among arm=left: its clip has arm=right
 *     its clip has no file 'ep000.fornt.mp4': did you mean 'ep000.front.mp4'?
 *     no file 'length>100' here: a condition is written length.gt=100
 *     no file 'arm' here: it is an attribute, so ask for a value of it: arm=both, arm=left, arm=right
 *     no file 'ep3.front.mp4' here: did you mean 'ep000003.front.mp4'?
 */
int absent_file(const struct query *query, struct catalog_reader *reader, const char *name, size_t len,
                bool *ret_telling, struct error *err);
