// SPDX-License-Identifier: Apache-2.0
/*
 * Fetches the streams of a path's clips into the cache, several at a time, and what is there already not
 * again. Ends early where going on would only drive out what it has fetched itself.
 */
#pragma once

#include <stdatomic.h>

#include "tools/session.h"

enum { PREFETCH_JOBS_MAX = 64 };

struct prefetch_options {
    unsigned jobs;  /* streams at a time */
    uint64_t bytes; /* to fetch at most */
    const atomic_bool *interrupted;
};

enum prefetch_end {
    PREFETCH_WHOLE,
    PREFETCH_BYTES,      /* the next stream would take more than was allowed */
    PREFETCH_CACHE_SIZE, /* ... than the cache keeps, or makes room for */
    PREFETCH_DISK_SPACE, /* the cache's file system has too little left */
    PREFETCH_INTERRUPTED,
};

struct prefetch_told {
    enum prefetch_end end;
    uint64_t clips_all, clips; /* those of the path; those that are whole in the cache now */
    uint64_t bytes_all;        /* of their streams */
    uint64_t fetched, here;    /* bytes; `here` were before */
    uint64_t requests;
    uint64_t in_use; /* streams that another process writes, and that are not whole */
};

/* Also on failure *ret tells what was done. */
int prefetch_place(const struct session_place *at, const struct prefetch_options *options,
                   struct prefetch_told *ret, struct error *err);
