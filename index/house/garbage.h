// SPDX-License-Identifier: Apache-2.0
/* What lies in a data set's folder and no version may need: a list by path, below elidefs/, and what marks
 * (index/base/marks.h) say of it. One thread at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "index/base/marks.h"
#include "index/house/gc.h"

struct garbage_item {
    char *path;
    uint64_t bytes;
    enum gc_kind kind;
    bool due;     /* it may be freed */
    bool claimed; /* it is said in a mark that it is being freed */
    bool freed;
};
struct garbage {
    struct garbage_item *list;
    size_t count, cap;
};
void garbage_done(struct garbage *garbage);
#define CLEANUP_GARBAGE CLEANUP(garbage_done)
void garbage_item_done(struct garbage_item *item);

/* Nothing, where no mark can name it. */
void garbage_add(struct garbage *garbage, enum gc_kind kind, const char *path, uint64_t bytes);
void garbage_sort(struct garbage *garbage);
bool garbage_has(const struct garbage *garbage, enum gc_kind kind);
void garbage_count(const struct garbage *garbage, struct gc_amount ret[GC_KINDS]);

/* All marks that count: from the newest that is at least a grace old to the last. */
struct history {
    struct mark_seen *seen; /* of all marks */
    size_t count;
    size_t first;       /* the oldest that counts; `count`: none is old enough */
    struct mark *marks; /* from `first` on; or only the newest one */
    size_t mark_count;
    uint32_t next; /* number of the next mark */
};
void history_done(struct history *history);
#define CLEANUP_HISTORY CLEANUP(history_done)
int history_read(struct layout *layout, struct history *ret, struct error *err);
/* Reads those that count at `now_ns`. A mark that is damaged names nothing, so nothing is due by it. */
int history_read_since(struct layout *layout, struct history *history, int64_t now_ns, int64_t grace_ns,
                       struct error *err);

/* What the newest mark claims is due; so is what all of those that count name. Of an import's parts all are,
 * or none. */
void garbage_judge(struct garbage *garbage, const struct history *history);
/* A mark of what is not freed yet, as much as it can hold. *ret borrows its paths. */
void garbage_mark(const struct garbage *garbage, uint32_t seq, bool claims, struct mark *ret);
