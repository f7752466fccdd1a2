// SPDX-License-Identifier: Apache-2.0
/*
 * What stat(2) shows: files 0644, directories 0755 less the umask, owned by whoever the mount says; nlink 1;
 * mtime = when the version was committed that last changed these bytes, so that `rsync -a` after a new
 * version moves what changed and nothing else. Any thread.
 */
#pragma once

#include <sys/stat.h>

#include "fs/fs.h"
#include "query/files.h"

/* The number shown of a table node that has been entered. */
uint64_t attr_number(const struct node *node);
/* A table node, entered or about to be. */
int attr_of_node(struct fs *fs, const struct node *node, const struct catalog_patience *patience,
                 struct stat *ret, double *ret_timeout, struct error *err);
/* A clip's file. */
int attr_of_file(struct fs *fs, struct catalog_reader *reader, uint32_t version,
                 const struct files_entry *file, struct stat *ret, struct error *err);
