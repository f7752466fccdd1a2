// SPDX-License-Identifier: Apache-2.0
/* Rows are read from the set in runs of some hundred, which are what is asked for ahead. */
#include "query/view/walk.h"

#include "cache/base/sort.h"

enum { AHEAD = 512 }; /* clips */

/* What a clip's pages are asked for by are its rows, ascending. */
static void ask_ahead(struct catalog_reader *reader, const uint32_t *rows, size_t count)
{
    int64_t sorted[AHEAD];
    uint32_t ascending[AHEAD];
    for (size_t i = 0; i < count; i++)
        sorted[i] = rows[i];
    sort_numbers(sorted, count);
    for (size_t i = 0; i < count; i++)
        ascending[i] = (uint32_t)sorted[i];
    catalog_clips_ahead(reader, ascending, count);
}

int view_walk(const struct view_plan *plan, const struct view_ask *ask, uint64_t first, uint64_t end,
              set_row_fn *each, void *ctx, struct error *err)
{
    uint32_t rows[AHEAD];
    uint64_t cursor = set_cursor(plan->set, first), left = end - first;
    int rc = 0;
    while (!rc && left) {
        size_t count = set_read(plan->set, cursor, rows, left < AHEAD ? (size_t)left : AHEAD, &cursor);
        if (!count)
            break;
        if (!catalog_reader_nowait(ask->reader))
            ask_ahead(ask->reader, rows, count);
        for (size_t i = 0; i < count && !rc; i++)
            rc = each(ctx, rows[i], err);
        left -= count;
    }
    return rc;
}
