// SPDX-License-Identifier: Apache-2.0
/*
 * Virtual directories: what is in one is not kept anywhere but made from what it stands in. One row each of a
 * table (view.c):
 *
 *     name      stands in    listed   holds
 *     tags      the root     yes      links to versions                     top.h
 *     .elidefs  the root     no       what the mount is doing               special.h
 *     .elidefs  a query      no       what there is to tell about it        special.h
 *     .as       a query      no       the same clips in another form        as.h
 *     .q        the root     no       paths in letters and digits alone     letters.h
 *     .by       a query      no       its keys, their values, their clips   by.h
 *
 * A version's directory is a query: that of all clips. What stands in a query is never listed, so that a walk
 * meets each clip once and ends. All are nodes of one kind, NODE_VIEW, that tell their row; a view may have
 * directories of its own below, which are of the same row and tell by `which` how deep they are. Any thread.
 */
#pragma once

#include "fs/fs.h"
#include "fs/names.h"

enum view_place { VIEW_IN_ROOT, VIEW_IN_QUERY };

/* Who asks what is in which directory of a view. */
struct view_asked {
    struct fs *fs;
    const struct node *dir;
    const struct catalog_patience *patience;
    uid_t uid;
};

struct view {
    const char *name;
    enum view_place place;
    bool listed;
    /* What `name` is in `dir`: fills `ret` but for parent and name (query: a reference). -ENOENT, with the
     * reason where a person can use one; -EAGAIN where it does not wait. */
    int (*find)(const struct view_asked *asked, const char *name, struct node *ret, struct error *err);
    /* All names in `dir`, in the order of its listing. */
    int (*list)(const struct view_asked *asked, struct names *names, struct error *err);
};

/* The view of that name there; fills `ret` as its directory's. -ENOENT. */
int view_enter(enum view_place place, const char *name, struct node *ret);
/* Adds those that are listed there. */
void view_names(enum view_place place, struct names *names);
