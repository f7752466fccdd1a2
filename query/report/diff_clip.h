// SPDX-License-Identifier: Apache-2.0
/* How one clip differs between two versions. One thread at a time. */
#pragma once

#include "query/report/diff.h"

struct diff_sides; /* what is kept from clip to clip */
struct diff_sides *diff_sides_new(const struct diff *diff);
void diff_sides_free(struct diff_sides *sides);

/* Fills values and files of a clip that lives in both versions, of those files that the query has: where the
 * json is none of them, the values of a clip that came or went only, for they say why. Borrowed until the
 * next call. */
int diff_sides_compare(struct diff_sides *sides, uint32_t row, struct diff_clip *clip, struct error *err);
