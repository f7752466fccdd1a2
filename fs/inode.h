// SPDX-License-Identifier: Apache-2.0
/*
 * The files that are open or were lately, one for each inode whoever opened it: a file of the cache, or bytes
 * that were generated. What nobody uses is kept for a while, so that the next open (or the next read, where
 * the kernel opens nothing) finds its extents, and the kernel its backing file, as they were: at most
 * INODES_IDLE_MAX, the least recently used go first, and any that is idle for INODES_IDLE_NS, when another
 * one is asked for. A file of the cache is not evicted while it is kept here, hence the bounds. Of generated
 * bytes, and of maps of thousands of extents, at most INODES_IDLE_BYTES are kept, but always those that were
 * used last, whatever their size: a reader of a large file asks for it piece by piece.
 *
 * Thread rule: locks itself. Nothing is closed under the lock, and no file of the cache in inodes_put(),
 * which may run in a callback of the cache.
 */
#pragma once

#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/cache.h"

enum { INODES_IDLE_MAX = 64, INODES_IDLE_BYTES = 64 << 20 };
#define INODES_IDLE_NS (10 * INT64_C(1000000000))

struct passthrough;

struct inode {
    uint64_t ino;
    struct cache_file *cached; /* else `bytes` */
    struct buf bytes;
    size_t map_bytes;   /* memory of its map, where that may be large */
    unsigned opens;     /* passthrough.c's, guarded by its lock: how often the kernel has it open */
    int32_t backing_id; /* passthrough.c's, too; 0: none */

    unsigned users; /* the table's, like all that follows */
    int64_t idle_since_ns;
    struct inode *next;          /* of the chain */
    struct inode *older, *newer; /* of the idle ones */
};

struct inodes;

/* Backing ids are given back to `passthrough`, which is borrowed; NULL is fine. */
struct inodes *inodes_new(struct passthrough *passthrough);
/* Closes all, also what programs left open. After the connection, with which backing ids end. */
void inodes_free(struct inodes *inodes);

/* The inode for one more user, or NULL if it is not here. */
struct inode *inodes_get(struct inodes *inodes, uint64_t ino);
/* Takes over `made` for one user, who gets it back; or another's that was faster, and frees `made`. */
struct inode *inodes_enter(struct inodes *inodes, struct inode *made);
void inodes_put(struct inodes *inodes, struct inode *inode);
/* Keeps it no longer than it is used: its number may not be asked for again. */
void inodes_forget(struct inodes *inodes, uint64_t ino);
/* Of one that was never entered. */
void inode_free(struct inode *inode);
unsigned inodes_idle(struct inodes *inodes);
