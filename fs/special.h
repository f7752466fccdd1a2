// SPDX-License-Identifier: Apache-2.0
/*
 * The files of `.elidefs/`: of a query directory (reports, query/report/report.h names, part of the version,
 * and `errors`) and of the root (live ones: what a file says is fixed when its name is looked up, which every
 * open does anew, so sizes are exact, and a program that reads in pieces reads one state). `errors` is the
 * same wherever it is read, and another for each user. Any thread.
 */
#pragma once

#include "fs/fs.h"
#include "fs/names.h"

/* What `name` is in a NODE_HIDDEN or NODE_ROOT_HIDDEN directory: fills kind, for a report version and
 * query, and for a live one which, and what this user reads in it. -ENOENT. */
int special_find(struct fs *fs, const struct node *dir, const char *name, uid_t uid, struct node *ret);
/* A report whose size is known only by making it is made here, once, into node->made: `node` is about to be
 * entered, and who does so puts it among the inodes, where the open that follows finds it. */
int special_make(struct fs *fs, const struct catalog_patience *patience, struct node *node,
                 struct error *err);
void special_names(const struct node *dir, struct names *names);
/* The size stat shows. */
int special_size(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                 uint64_t *ret, struct error *err);
/* Appends what a reader sees: exactly that many bytes. */
int special_read(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                 struct buf *buf, struct error *err);
