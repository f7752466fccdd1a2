// SPDX-License-Identifier: Apache-2.0
/*
 * A read-only SQLite VFS over a cached file. SQLite's read is synchronous, so a connection either waits for a
 * page or fails the read when it may not; the reason of a failed read is kept for whoever runs the statement.
 *
 *     sqlite3 -> vfs_read -> cache_read_now                      nowait
 *                         -> cache_read, until done or cancelled  else
 *
 * Thread rule: the VFS is registered once for the process; a struct vfs_file belongs to one connection.
 */
#pragma once

#include <stdatomic.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/cache.h"
#include "index/catalog/catalog.h"

struct vfs_file {
    struct cache_file *file; /* borrowed */
    struct catalog_patience patience;
    struct error failed; /* why the last read failed; code 0: none has */
};

/* Registers the VFS where that has not been done. */
int vfs_register(struct error *err);
const char *vfs_name(void);
/* The URI under which SQLite opens `file` through the VFS; `file` must outlive the connection. */
void vfs_uri(struct vfs_file *file, struct buf *uri);
/* Has the patience of this file run out? 0, -ECANCELED or -ETIMEDOUT. */
int vfs_impatient(const struct catalog_patience *patience, struct error *err);
