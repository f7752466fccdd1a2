// SPDX-License-Identifier: Apache-2.0
/* A sorted list in which a new range melts with those it touches. */
#include "cache/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"

void ranges_done(struct ranges *ranges)
{
    free(ranges->all);
    *ranges = (struct ranges){0};
}

void ranges_add(struct ranges *ranges, uint64_t start, uint64_t end)
{
    if (start >= end)
        return;
    size_t first = 0;
    while (first < ranges->count && ranges->all[first].end < start)
        first++;
    size_t after = first; /* [first, after) touch the new range and melt into it */
    for (; after < ranges->count && ranges->all[after].start <= end; after++) {
        start = start < ranges->all[after].start ? start : ranges->all[after].start;
        end = end > ranges->all[after].end ? end : ranges->all[after].end;
    }
    mem_grow(&ranges->all, &ranges->cap, ranges->count + 1, sizeof *ranges->all);
    memmove(&ranges->all[first + 1], &ranges->all[after], (ranges->count - after) * sizeof *ranges->all);
    ranges->all[first] = (struct range){start, end};
    ranges->count += 1 + first - after;
}

uint64_t ranges_covered_to(const struct ranges *ranges, uint64_t at)
{
    for (size_t i = 0; i < ranges->count; i++)
        if (ranges->all[i].start <= at && at < ranges->all[i].end)
            return ranges->all[i].end;
    return at;
}
