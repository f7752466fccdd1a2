// SPDX-License-Identifier: Apache-2.0
/*
 * "Bytes [a, b) of this virtual file", kept near: on local disk once they have been fetched, from memory
 * while they arrive.
 *
 * A cached file is one sparse local file with the very bytes of the virtual file, and a side file with the
 * state of each 4 KiB block (format: cache/FORMAT.md). Block states, and who makes each transition, stand in
 * cache/block.h. Concurrent readers of one block cause one fetch. No byte is handed out that was not either
 * just fetched or checked against its CRC32C since this process opened the file. A full or failing disk makes
 * reads slower, never wrong.
 *
 * Which bytes are fetched beyond those asked is decided in cache/pattern.h.
 *
 * Thread rule: locks itself; any thread, except that the blocking calls must not run on a cache or store
 * thread (that is, inside a callback). A folder may be shared by several processes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/hash.h"
#include "cache/base/memory.h"
#include "cache/extent.h"

enum { CACHE_BLOCK_BYTES = 4096 };

struct cache;

enum { CACHE_EVICT_TO_PERCENT = 80 }; /* of its limit: so much a cache that is full keeps */

enum cache_fill_policy {
    CACHE_FILL_AUTO,  /* small files at the first touch, of others windows as they were until now; the whole
                         file once about half was read or it is opened again and again */
    CACHE_FILL_WHOLE, /* the first touch fetches the rest, too */
    CACHE_FILL_EXACT, /* only what was asked, rounded to blocks */
};

struct cache_options {
    const char
        *folder; /* NULL: $ELIDEFS_CACHE, else $XDG_CACHE_HOME/elidefs, else ~/.cache/elidefs; made 0700 */
    uint64_t size_bytes;        /* 0: min(50 GB, a fifth of the free space) */
    unsigned keep_free_percent; /* 0: 10 */
    enum cache_fill_policy fill;
    uint64_t inflight_bytes; /* asked of sources at a time; 0: 64 MiB */
    uint64_t memory_bytes; /* fetched and not (yet) on disk; 0: 64 MiB. As much again may wait for the disk */
    bool no_io_uring;      /* write with plain calls */
};

int cache_new(const struct cache_options *options, struct cache **ret, struct error *err);
/* From now on every pending and new read ends with -ECANCELED, soon. Any thread. */
void cache_stop(struct cache *cache);
/* Stops, waits for what is under way to end, writes what has arrived, and frees. All files must be closed. */
void cache_free(struct cache *cache);
const char *cache_folder(const struct cache *cache);
/* A sentence for a person if the folder is a poor place (NFS, memory ...), else NULL. */
const char *cache_warning(const struct cache *cache);

/* ---- sources ---- */

struct cache_fill; /* one running "fill [offset, offset + len)" */

struct cache_source;
struct cache_source_ops {
    /* Starts to produce fill's bytes and returns at once. Bytes are given with cache_fill_data() in any
     * order, each at least once (one thread at a time for one byte), then cache_fill_done() exactly once;
     * both from any thread, also from inside start(). */
    void (*start)(struct cache_source *source, struct cache_fill *fill);
    /* End soon, with -ECANCELED. May come while the fill ends on another thread; `fill` itself stays valid
     * during the call, what the source keeps of it is the source's to guard. Ends no fill inside. */
    void (*cancel)(struct cache_source *source, struct cache_fill *fill);
    void (*free)(struct cache_source *source);
    bool counts; /* calls cache_fill_count(); else each fill counts as one fetch of the bytes given */
    bool exact;  /* nothing is fetched beyond what is asked, whatever the policy says */
    uint32_t block_bytes; /* a power of two below CACHE_BLOCK_BYTES for sources that are read in small pieces;
                             0: that */
};
/* The first member of every source. */
struct cache_source {
    const struct cache_source_ops *ops;
};

uint64_t cache_fill_offset(const struct cache_fill *fill);
uint64_t cache_fill_len(const struct cache_fill *fill);
void cache_fill_data(struct cache_fill *fill, uint64_t offset, const void *bytes, size_t len);
/* For sources that count: requests made for the fill, and bytes that arrived, wanted or not. */
void cache_fill_count(struct cache_fill *fill, uint64_t requests, uint64_t bytes);
void cache_fill_done(struct cache_fill *fill, int rc, const struct error *err); /* err may be NULL */

/* ---- files ---- */

struct cache_file;

/* Opens (or makes) the cached file `key` of `size` bytes. `source` is owned by the cache on success; if the
 * file is already open in this process the second source is freed and the first one used. `key` is opaque. */
int cache_open(struct cache *cache, const uint8_t key[SHA256_BYTES], uint64_t size,
               struct cache_source *source, struct cache_file **ret, struct error *err);
/* The same for an extent map (a reference is taken). STREAM extents are read through the cached files of
 * those streams: a byte is kept once. Maps of inline bytes and zeros only never touch the disk. */
int cache_open_map(struct cache *cache, struct extent_map *map, struct cache_file **ret, struct error *err);
void cache_close(struct cache_file *file); /* pending reads of this handle must have ended */
CLEANUP_DEFINE(struct cache_file, cache_close, cleanup_cache_file)
#define CLEANUP_CACHE_FILE CLEANUP(cleanup_cache_file)

/* Files of one kind are read alike (the same camera of many clips): what reads of one have been tells how
 * much to fetch for those of another. Any number; once, before the first read. */
void cache_kind(struct cache_file *file, unsigned kind);
/* Its reader is done for now, and may come back. */
void cache_rest(struct cache_file *file);
/* The whole file will be wanted soon: it is fetched in the background, unless that is not allowed
 * (CACHE_FILL_EXACT) or the disk takes no more. Goes on when the file is closed. */
void cache_want(struct cache_file *file);

/* Does a file of so many bytes cost no more time than a round trip to the store, as far as is known? To be
 * asked before it is opened: files that are opened often come whole (CACHE_FILL_AUTO). */
bool cache_is_small(const struct cache *cache, uint64_t bytes);

uint64_t cache_size(const struct cache_file *file);
/* What is here of a file, by bytes. Whoever reads all of a file so that it is kept looks at this. */
struct cache_presence {
    uint64_t missing;   /* a read of them would ask the store */
    uint64_t unwritten; /* asked for or here, but not (yet) on disk */
    uint64_t unchecked; /* on disk, as its notes say: the first read tells whether they are right */
    bool writable;      /* false: another process writes the local file, or the folder fails */
};
void cache_presence(const struct cache_file *file, struct cache_presence *ret);
/* May so many bytes more be fetched to be kept? 0; -EAGAIN: not until the disk has taken what came; -EDQUOT:
 * not before room was made in the cache; -ENOSPC: the file system has too little left; -EIO: writing to the
 * folder failed, which cache_stats() tells more of. */
int cache_room(struct cache *cache, uint64_t bytes);
/* A descriptor of the local file if it is complete and every block was checked in this process; else -1.
 * Borrowed. */
int cache_complete_fd(struct cache_file *file);

/* ---- reading ---- */

struct cache_read {
    uint64_t offset; /* [offset, offset + len) within the file; the caller clips to its size */
    size_t len;
    /* Exactly once. In the calling thread before cache_read() returns if the bytes are here, else on a cache
     * or source thread. `bytes` is valid during the call only. Must not block. `read` may be freed in it. */
    void (*done)(struct cache_read *read, int rc, const void *bytes, const struct error *err);
    void *ctx;
    void *state[4]; /* the cache's own while the read runs */
};
void cache_read(struct cache_file *file, struct cache_read *read);
/* Asks a pending read to end with -ECANCELED; the fetch goes on if others wait for it. After cache_read() has
 * returned, and the caller makes sure that `read` has not ended yet (own lock, which may be held: done()
 * never runs inside). */
void cache_read_cancel(struct cache_file *file, struct cache_read *read);
/* Never waits for the store: -EAGAIN if a byte is not here (and then fetches nothing). */
int cache_read_now(struct cache_file *file, uint64_t offset, size_t len, void *to, struct error *err);
/* Waits, at most until deadline_ns (clock_now_ns(); 0: none). */
int cache_read_wait(struct cache_file *file, uint64_t offset, size_t len, void *to, int64_t deadline_ns,
                    struct error *err);

/* Who knows better than a CRC32C says that these bytes are wrong: they are fetched again when they are next
 * asked for. */
void cache_forget(struct cache_file *file, uint64_t offset, uint64_t len);

/* ---- notes: small texts kept for when the store they came from is away ---- */

/* Best effort: a note may be gone at any time, and is never half of one. Waits for the disk alone. */
void cache_note_put(struct cache *cache, const uint8_t key[SHA256_BYTES], const void *text, size_t len);
int cache_note_get(struct cache *cache, const uint8_t key[SHA256_BYTES], size_t max_bytes,
                   struct buf *buf); /* appends; -ENOENT */

/* ---- telling ---- */

struct cache_stats {
    uint64_t reads, bytes_read;             /* asked of the cache */
    uint64_t fetches, bytes_fetched;        /* asked of sources: requests and bytes that arrived */
    uint64_t bytes_ahead, bytes_ahead_read; /* of those: fetched before anybody asked; and read since. A
                                               file that cache_complete_fd() gave away counts as read */
    uint64_t blocks_bad; /* blocks on disk that failed their check and were fetched again */
    uint64_t bytes_on_disk, files_on_disk;
    uint64_t evicted_bytes;
    uint64_t limit_bytes; /* that may be on disk; 0: not known yet */
    bool full,
        low_space;    /* nothing is written now: the limit is reached; the file system has too little left */
    bool io_uring;    /* writes go through it: asked for, and the kernel does not refuse */
    bool disk_failed; /* serving from memory: the last write to the folder failed */
    char disk_reason[128];
};
void cache_stats(struct cache *cache, struct cache_stats *ret);
