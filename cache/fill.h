// SPDX-License-Identifier: Apache-2.0
/*
 * One running "fill [offset, offset + len)": from the plan that made it until its bytes are on disk.
 *
 *     QUEUED -> STARTING -> RUNNING -> ended -> WRITING -> on disk
 *                                               ^    |
 *                                               |    v
 *                                               KEPT (could not be written; dropped when memory is needed)
 *
 * Private to cache/.
 */
#pragma once

#include <stdatomic.h>

#include "cache/cached.h"
#include "cache/ranges.h"
#include "cache/writer.h"

enum fill_phase { FILL_QUEUED, FILL_STARTING, FILL_RUNNING, FILL_WRITING, FILL_KEPT };

struct cache_fill {
    struct write_job job; /* first */
    struct cached *file;  /* a reference is held */
    uint64_t offset, len;
    bool background; /* nobody asked for it */
    atomic_uint refs;
    int64_t started_ns;      /* when the source was asked */
    uint8_t *bytes;          /* from start to end of life; arrived ones never change */
    bool has_room;           /* the keeper was told that a write begins */
    uint8_t *records;        /* for the side file, made by the I/O thread */
    struct cache_fill *next; /* in the fetcher's queue, or among the kept */
    /* Guarded by file->lock: */
    enum fill_phase phase;
    bool cancelled;
    struct ranges arrived; /* byte ranges of the file */
    int64_t first_ns; /* when the first byte came, 0: none yet; and what had been fetched in all by then */
    uint64_t fetched_before;
    uint64_t first, end; /* blocks covered; shrinks to those that came if the fill failed */
    bool forgotten;      /* ended, and covers none any more: its bytes were wrong */
};

/* Makes fills for the ABSENT blocks of [first, end), at most `max` of them, linked by `next`. */
struct cache_fill *fills_make_locked(struct cached *file, uint64_t first, uint64_t end, bool background,
                                     unsigned max);
void fill_start(struct cache_fill *fill); /* from the fetcher only, no lock held */
void fill_ref(struct cache_fill *fill);
void fill_unref(struct cache_fill *fill);
/* Asks the fill to end if no read waits for its bytes. */
void fill_cancel_unwanted(struct cache_fill *fill);
/* Blocks of [first, end) that are here are not any more. Those that come just now do. */
void fills_forget(struct cached *file, uint64_t first, uint64_t end);
/* Forgets the bytes of a kept fill; false if a read still waits for some. */
bool fill_drop(struct cache_fill *fill);
/* Hands the bytes of an ended or kept fill to the writer. */
void fill_write(struct cache_fill *fill);
