// SPDX-License-Identifier: Apache-2.0
/* Rows are read from the set in runs of some hundred, which are what is asked for ahead. */
#include "query/view/walk.h"

#include <errno.h>

#include "cache/base/sort.h"

enum {
    AHEAD = 512,     /* clips */
    ROUNDS_MAX = 32, /* pages tell where others are, but not for ever */
};

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

struct fetching {
    view_touch_fn *touch;
    void *ctx;
    struct catalog_reader *now;
    uint64_t position; /* of the row that comes */
    bool missing;      /* something was, of this row first: */
    uint64_t missing_position;
    uint32_t missing_row;
};

static int touch_row(void *ctx, uint32_t row, struct error *err)
{
    struct fetching *fetching = ctx;
    struct error unused;
    (void)err;
    if (fetching->touch(fetching->ctx, fetching->now, row, &unused) == -EAGAIN && !fetching->missing) {
        fetching->missing = true;
        fetching->missing_position = fetching->position;
        fetching->missing_row = row;
    }
    fetching->position++;
    return 0;
}

/* Each round asks for all that can be asked for, and waits for the first of it. */
void view_fetch(const struct view_plan *plan, const struct view_ask *ask, uint64_t first, uint64_t end,
                view_touch_fn *touch, void *ctx)
{
    CLEANUP_CATALOG_READER struct catalog_reader *now = NULL;
    struct error unused;
    if (!ask->catalog || catalog_reader_nowait(ask->reader) ||
        catalog_reader_acquire(ask->catalog, PATIENCE_NONE, &now, &unused))
        return;
    const struct view_ask quick = {.reader = now};
    for (int round = 0; round < ROUNDS_MAX && first < end; round++) {
        struct fetching fetching = {.touch = touch, .ctx = ctx, .now = now, .position = first};
        view_walk(plan, &quick, first, end, touch_row, &fetching, &unused);
        if (!fetching.missing || touch(ctx, ask->reader, fetching.missing_row, &unused))
            return;
        first = fetching.missing_position + 1; /* all before is here */
    }
}
