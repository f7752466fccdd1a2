// SPDX-License-Identifier: Apache-2.0
/*
 * What is mounted where, from /proc/self/mountinfo (format: proc(5)): asking that file never hangs on a mount
 * whose daemon does not answer. Any thread.
 */
#pragma once

#include "cache/base/error.h"

struct mounts_entry {
    char *source; /* what was mounted: a data set's URL */
    char *type;   /* "fuse.elidefs" */
    unsigned major, minor;
};

/* The absolute path of a mount point that may be dead; the caller frees it. -ENOENT, ... */
int mounts_resolve(const char *mountpoint, char **ret_path, struct error *err);
/* What is mounted on top at the absolute path `path`: 1, or 0 if nothing is. */
int mounts_find(const char *path, struct mounts_entry *ret, struct error *err);
void mounts_entry_done(struct mounts_entry *entry);
#define CLEANUP_MOUNTS_ENTRY CLEANUP(mounts_entry_done)

#define MOUNTS_TYPE "fuse.elidefs"
