// SPDX-License-Identifier: Apache-2.0
/*
 * `.as/` of a query directory: lists of names (query/report/report.h), and the same clips in other layouts
 * (query/view/view.h), which are trees. A directory and a derived file of one are nodes that tell their view
 * and their id there; the plan behind them is made again where it is not kept. Any thread.
 */
#pragma once

#include "fs/inode.h"
#include "fs/view.h"
#include "query/view/view.h"

/* As fs/view.h says; a clip's file is found as NODE_CLIP. Below `.as/NAME` the listing is as_list_on(). */
int as_find(const struct view_asked *asked, const char *name, struct node *ret, struct error *err);
int as_list(const struct view_asked *asked, struct names *names, struct error *err);

/* The plan of a directory below `.as/NAME`: a reference. */
int as_plan(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
            struct view_plan **ret, struct error *err);
/* Its entries from a cursor on, as view_list(); `each` gets a reader of the version besides. */
typedef int as_entry_fn(void *ctx, const struct view_entry *entry, uint64_t next_cursor,
                        struct catalog_reader *reader, struct error *err);
struct as_listing {
    struct view_plan *plan;
    uint64_t cursor;
    as_entry_fn *each;
    void *ctx;
};
int as_list_on(const struct view_asked *asked, const struct as_listing *listing, struct error *err);
/* Opens a derived file for an inode. */
int as_open(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
            struct inode *inode, struct error *err);
