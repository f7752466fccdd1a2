// SPDX-License-Identifier: Apache-2.0
/*
 * The top of the mount.
 *
 *     /vN            the newest 20 are listed, all resolve; what a newer program made has its time, and is
 *                    refused when it is entered
 *     /latest        -> vN            /TAG -> vN            /tags/TAG -> ../vN
 *     /outcome=fail  -> vN/outcome=fail in the newest version; not listed, so that a first guess works and
 *                       realpath pins it
 *     /.elidefs      not listed
 *
 * Any thread.
 */
#pragma once

#include "fs/view.h"

/* What `name` is in the root: fills kind, version and query (a reference) of ret. -ENOENT, with the reason
 * where a person can use one; -EAGAIN where it does not wait. */
int top_find(struct fs *fs, const char *name, const struct catalog_patience *patience, struct node *ret,
             struct error *err);
/* A version by its number, "v12": fills kind, version and query. -ENOENT with the reason. */
int top_find_version(struct fs *fs, const char *name, const struct catalog_patience *patience,
                     struct node *ret, struct error *err);
/* Appends where a NODE_LINK leads now; -ENOENT if nowhere any more. */
int top_link(struct fs *fs, const struct node *link, struct buf *buf, struct error *err);
/* The names that are listed in the root. */
int top_names(struct fs *fs, struct names *names, struct error *err);

/* /tags, as fs/view.h says. */
int top_find_tag(const struct view_asked *asked, const char *name, struct node *ret, struct error *err);
int top_list_tags(const struct view_asked *asked, struct names *names, struct error *err);
