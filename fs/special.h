// SPDX-License-Identifier: Apache-2.0
/*
 * The files of `.elidefs/`: of a query directory (reports, query/report/report.h names, part of the version,
 * and `errors`) and of the root (live ones: what a file says is fixed when its name is looked up, which every
 * open does anew, so sizes are exact, and a program that reads in pieces reads one state). `errors` is the
 * same wherever it is read, and another for each user. Any thread.
 */
#pragma once

#include "fs/view.h"

/* `.elidefs/` of the root and of a query directory, as fs/view.h says. */
int special_find_live(const struct view_asked *asked, const char *name, struct node *ret, struct error *err);
int special_list_live(const struct view_asked *asked, struct names *names, struct error *err);
int special_find_report(const struct view_asked *asked, const char *name, struct node *ret,
                        struct error *err);
int special_list_reports(const struct view_asked *asked, struct names *names, struct error *err);

/* A report whose size is known only by making it is made here, once, into node->made: `node` is about to be
 * entered, and who does so puts it among the inodes, where the open that follows finds it. */
int special_make(struct fs *fs, const struct catalog_patience *patience, struct node *node,
                 struct error *err);
/* The size stat shows. */
int special_size(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                 uint64_t *ret, struct error *err);
/* Appends what a reader sees: exactly that many bytes. */
int special_read(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                 struct buf *buf, struct error *err);
