// SPDX-License-Identifier: Apache-2.0
/* The files of a view, or of a part of one, without a mount. Any thread (through its own reader). */
#pragma once

#include "query/view/view.h"

/* `path` is what stands behind ".as/": "webdataset", "webdataset/000000.tar". Its view's plan (a reference),
 * and the entry it names: a directory (the view's root is one of id 0), or a file. -ENOENT with the reason;
 * -ENOTDIR. *ret_entry borrows `path`. */
int view_tree_find(const struct view_ask *ask, struct query *query, const char *path,
                   struct view_plan **ret_plan, struct view_entry *ret_entry, struct error *err);

/* Each file below an entry that view_tree_find() gave, directories before what stands behind them, `path`
 * from there on: "meta/info.json", or of a file its name. Non-zero from `each` ends it with that. */
typedef int view_tree_fn(void *ctx, const char *path, const struct view_entry *entry, struct error *err);
int view_tree_each(const struct view_plan *plan, const struct view_ask *ask, const struct view_entry *entry,
                   view_tree_fn *each, void *ctx, struct error *err);
