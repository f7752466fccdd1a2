// SPDX-License-Identifier: Apache-2.0
/*
 * What nobody needed when somebody looked: elidefs/gc/<seq> (index/FORMAT.md, "What nobody needs"), written
 * once each. An object is freed only if a mark of at least a grace ago names it and each one since; the
 * store's own clock says how old a mark is. Who wants to refer to something that the newest mark names writes
 * another one without it first, and so its grace begins anew; unless the newest mark says that it is being
 * freed.
 *
 * Since marks are written once, of two that write one at once one comes first: the other reads it and begins
 * again. Thread rule: any thread, each mark one at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/base/layout.h"

/* No object is freed earlier after a mark first named it. */
#define MARK_GRACE_LEAST_NS (3600 * INT64_C(1000000000))

struct mark_entry {
    const char *path; /* below elidefs/: "packs/0011..." */
    bool claimed;     /* who wrote this frees it now */
};
struct mark {
    uint32_t seq;
    struct buf text; /* of all paths */
    struct mark_entry *list;
    size_t count, cap; /* by path */
};
void mark_done(struct mark *mark);
#define CLEANUP_MARK CLEANUP(mark_done)

enum { MARK_TEXT_MAX = 32 << 20 }; /* of a mark: what is not named is not freed */
/* Can a mark name this path? It lies in one of the folders of which something may be freed. */
bool mark_may_name(const char *path);
/* In the order of paths, each once; texts are borrowed. */
void mark_add(struct mark *mark, const char *path, bool claimed);
const struct mark_entry *mark_find(const struct mark *mark, const char *path); /* NULL: not named */

struct mark_seen {
    uint32_t seq;
    int64_t modified_ns; /* by the store's clock */
};
/* Those there are, ascending: a list that is the caller's. Waits. */
int marks_list(struct layout *layout, struct mark_seen **ret, size_t *ret_count, struct error *err);
/* The number of the newest, 0: there is none. Waits. */
int marks_last(struct layout *layout, uint32_t *ret, struct error *err);
void mark_path(uint32_t seq, char ret_path[LAYOUT_PATH_BYTES]);
/* -EUCLEAN: damaged. Waits. */
int mark_read(struct layout *layout, uint32_t seq, struct mark *ret, struct error *err);
/* Written as number `seq`, and it is the newest. -EEXIST: somebody else's is there, or a later one: numbers
 * of marks that were removed are free again for who has stood still. Waits. */
int mark_put(struct layout *layout, const struct mark *mark, struct error *err);

/* Nothing of `paths` (below elidefs/, sorted) is freed for some time from now on; but it may have been before
 * if there are marks: 1, else 0. -EBUSY: one is being freed. Waits. */
int marks_keep(struct layout *layout, const char *const *paths, size_t count, struct error *err);
