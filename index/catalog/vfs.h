// SPDX-License-Identifier: Apache-2.0
/*
 * A SQLite VFS over the pages of a version, or over an overlay, which can be written. SQLite's read is
 * synchronous, so a connection either waits for a page or fails the read when it may not; the reason of a
 * failed read is kept for whoever runs the statement. Pages of a version are read in place (xFetch), by
 * connections that have set mmap_size to anything.
 *
 * Thread rule: the VFS is registered once for the process; a struct vfs_file belongs to one connection.
 */
#pragma once

#include <stdatomic.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/pages/overlay.h"

struct page_memo;

struct vfs_file {
    struct pages *pages; /* one of these two; borrowed */
    struct overlay *overlay;
    struct page_memo *memo; /* of what is fetched, NULL until something is */
    struct catalog_patience patience;
    struct error failed; /* why the last read failed; code 0: none has */
    uint32_t chain_next; /* the page (from 1) that the one read last names as its next, if it is a link */
    uint32_t chain;      /* links followed without a gap */
    uint32_t chain_end;  /* what lies before this page (from 0) was asked for */
};

/* Registers the VFS where that has not been done. */
int vfs_register(struct error *err);
const char *vfs_name(void);
/* A page of a version, from 0, as it lies in memory, if it is here: a reference, or NULL. */
struct page_bytes *vfs_page(struct vfs_file *file, uint32_t page);
/* The URI under which SQLite opens `file` through the VFS; `file` must outlive the connection. */
void vfs_uri(struct vfs_file *file, struct buf *uri);
