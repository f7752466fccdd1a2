// SPDX-License-Identifier: Apache-2.0
/* How long a reader of catalog pages waits for what is not here yet. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/cache.h"

struct catalog_patience {
    bool nowait;
    bool local;                   /* with nowait: what is not here is not asked for either */
    const atomic_bool *cancelled; /* NULL: cannot be cancelled */
    int64_t deadline_ns;          /* clock_now_ns(); 0: none */
};

#define PATIENCE_ENDLESS (&(const struct catalog_patience){0})
#define PATIENCE_NONE    (&(const struct catalog_patience){.nowait = true})

/* Has it run out? 0, -ECANCELED or -ETIMEDOUT. */
int patience_check(const struct catalog_patience *patience, struct error *err);

/* Bytes of a cached file, waiting as long as the patience lasts: -ECANCELED, -ETIMEDOUT. */
int patience_read(struct cache_file *file, uint64_t offset, size_t len, void *to,
                  const struct catalog_patience *patience, struct error *err);

enum { PATIENCE_LOOK_NS = 20000000 }; /* how late a cancelled flag may be seen */
/* What ends a wait on a condition variable from time to time, so that it is: so long from now on the
 * monotonic clock. */
struct timespec;
void patience_soon(struct timespec *ret);
