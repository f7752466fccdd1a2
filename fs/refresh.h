// SPDX-License-Identifier: Apache-2.0
/*
 * Looking for new versions and moved tags, every few seconds on a thread of its own. Locks itself; waits for
 * the store outside its lock.
 */
#pragma once

#include <stdint.h>

#include "cache/base/error.h"
#include "index/dataset/dataset.h"

struct refresh;

/* Starts the thread; the data set, which is borrowed, was opened just now. */
int refresh_new(struct dataset *dataset, unsigned poll_ms, struct refresh **ret, struct error *err);
void refresh_free(struct refresh *refresh); /* waits for a look under way */

/* From now on, on the thread that looks, after a look that found that something was purged: for what must not
 * be done while who asks for a look is waited for. */
typedef void refresh_purged_fn(void *ctx);
void refresh_tell_purged(struct refresh *refresh, refresh_purged_fn *purged, void *ctx);

/* Someone asks for a version that is not known yet: when it returns, a look has been made that began after
 * the call. At most ten a second. Waits as `patience` says. */
int refresh_now(struct refresh *refresh, const struct catalog_patience *patience, struct error *err);
/* The newest version that this program can read, as of the last look; 0: none. */
uint32_t refresh_readable(struct refresh *refresh);
/* When the newest version was committed; of an empty data set, when it was mounted. */
int64_t refresh_head_time_ns(struct refresh *refresh);
