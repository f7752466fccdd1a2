// SPDX-License-Identifier: Apache-2.0
/*
 * One cached file, shared by all its handles in this process: its blocks, its local files, the fills that
 * bring bytes and the reads that wait for them.
 *
 * Locking: `lock` is held for looking and marking only, never across I/O, a source's function or a reader's
 * callback. A read is a loop (cache/read.c): gather what is here; if something is not, mark the missing
 * blocks as COMING, queue the wait, start the fills outside the lock; when the last byte has come, gather
 * again. Private to cache/.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "cache/block.h"
#include "cache/disk.h"
#include "cache/keytable.h"
#include "cache/parts.h"
#include "cache/pattern.h"
#include "cache/unread.h"

enum { FILL_MAX_BYTES = 4 << 20 }; /* a large range is fetched in parallel parts of this size */

struct cache_fill;

/* A read that waits. It ends, in whichever thread unlinked it, by read_continue() or read_end(). */
struct wait {
    struct cached *file;
    struct cache_read *read;
    uint64_t have_to; /* every byte of the read before this one was here when it was last looked at */
    struct wait *prev, *next;
    bool linked;    /* in file->waits */
    bool cancelled; /* asked to end */
    bool refreshed; /* looked for what another process wrote */
};

struct cached {
    struct keytable_node node; /* first; in the table of open files */
    struct cached *idle_prev, *idle_next;
    bool idle;              /* these three: guarded by the table */
    atomic_uint refs;       /* handles, fills, being listed for fetching ahead */
    atomic_bool complete;   /* every block CHECKED: reads need no lock */
    atomic_bool has_unread; /* some block was fetched ahead, and not read since */
    struct cache *cache;
    struct cache_source *source;
    uint64_t size;
    pthread_mutex_t lock; /* guards what follows */
    struct blocks blocks;
    struct disk disk;          /* data_fd and side_fd are set once and stay */
    bool disk_busy;            /* a thread is opening or locking it */
    struct cache_fill **fills; /* sorted by block, disjoint */
    size_t fill_count, fill_cap;
    struct wait *waits;
    uint64_t ahead_from, ahead_to; /* bytes to fetch without being asked */
    bool ahead_listed;
    struct unread unread;
    unsigned opens;
};

/* `source` is the file's once this has succeeded. */
int cached_new(struct cache *cache, const uint8_t key[SHA256_BYTES], uint64_t size,
               struct cache_source *source, struct cached **ret, struct error *err);
void cached_free(struct cached *file); /* no references left; frees the source, too */
void cached_ref(struct cached *file);
/* Opens the local files. Failure is noted in the cache's health: the file then lives in memory. */
void cached_open_disk(struct cached *file, uint64_t *ret_disk_bytes);
/* On an I/O thread: makes sure that this process may write the local files; 0 or -errno (-EAGAIN: another
 * process writes them). */
int cached_make_writable(struct cached *file);
/* Takes over what another process has written of these bytes since; true if something came. */
bool cached_refresh(struct cached *file, uint64_t offset, uint64_t len);

/* The fill that covers a block, or NULL. */
struct cache_fill *cached_fill_locked(const struct cached *file, uint64_t block);
void cached_add_fill_locked(struct cached *file, struct cache_fill *fill);
void cached_remove_fill_locked(struct cached *file, struct cache_fill *fill);
/* The end of the bytes from `at` on that are here; at most `end`. */
uint64_t cached_here_to_locked(const struct cached *file, uint64_t at, uint64_t end);
/* Sets `complete` after blocks have changed. */
void cached_note_locked(struct cached *file);
/* Is a read waiting for one of these bytes? */
bool cached_waited_for_locked(const struct cached *file, uint64_t offset, uint64_t end);
/* Takes a waiting read out of the list. */
void cached_unlink_locked(struct wait *wait);
/* Asserts the invariants of cache/block.h. */
void cached_check(struct cached *file);
