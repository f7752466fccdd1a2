// SPDX-License-Identifier: Apache-2.0
/*
 * The files of `.elidefs/`: of a query directory (reports, index/report names, exact sizes, part of the
 * version) and of the root (live ones: a snapshot per open, of fixed size, padded with newlines). Any thread.
 */
#pragma once

#include "fs/fs.h"
#include "fs/names.h"

enum { SPECIAL_LIVE_BYTES = 65536 };

/* What `name` is in a NODE_HIDDEN or NODE_ROOT_HIDDEN directory: fills kind and which. -ENOENT. */
int special_find(const struct node *dir, const char *name, struct node *ret);
void special_names(const struct node *dir, struct names *names);
/* The size stat shows. */
int special_size(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                 uint64_t *ret, struct error *err);
/* Appends what a reader of this user sees: exactly that many bytes. */
int special_read(struct fs *fs, const struct node *node, uid_t uid, const struct catalog_patience *patience,
                 struct buf *buf, struct error *err);
