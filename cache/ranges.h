// SPDX-License-Identifier: Apache-2.0
/*
 * A set of byte ranges: which bytes of a fill have arrived. Kept as sorted, disjoint, non-touching ranges;
 * there are as many as there are transfers under way, so a linear insert is right. Thread rule: one thread at
 * a time. Private to cache/.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct range {
    uint64_t start, end; /* [start, end) */
};

struct ranges {
    struct range *all;
    size_t count, cap;
};

void ranges_done(struct ranges *ranges);
void ranges_add(struct ranges *ranges, uint64_t start, uint64_t end); /* overlaps are fine */
/* The end of the range that holds `at`, or `at` if none does. */
uint64_t ranges_covered_to(const struct ranges *ranges, uint64_t at);
