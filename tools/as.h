// SPDX-License-Identifier: Apache-2.0
/*
 * Paths that go into a view, "v1/arm=left/.as/webdataset/000000.tar", for commands that work without a mount.
 * One thread.
 */
#pragma once

#include "query/view/tree.h"
#include "tools/session.h"

/* Cuts `path` before its component ".as": what stands behind it ("webdataset/000000.tar"), or NULL where it
 * has none. */
const char *as_split(char *path);

struct as_view {
    struct view_ask ask; /* its reader is borrowed */
    struct view_plan *plan;
    struct view_entry entry; /* what the path names; its name borrows the path */
};
/* What `path`, behind ".as/", is of the clips of a place. -ENOENT with the reason. */
int as_open_view(struct session *session, const struct place *place, struct catalog_reader *reader,
                 const char *path, struct as_view *ret, struct error *err);
void as_close_view(struct as_view *view);
#define CLEANUP_AS_VIEW CLEANUP(as_close_view)
