// SPDX-License-Identifier: Apache-2.0
/* Fetching ahead of the readers: what the fill policy (cache/pattern.h) decides, kept as one range a file.
 * Thread rule: locks the file. Private to cache/. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/cached.h"

enum { AHEAD_MAX = 1024 }; /* files that are fetched ahead at the same time; more wait for their next read */

/* Takes notice of a read of a handle, whose `pattern` it is. Lists the file with the fetcher if something is
 * to be fetched ahead; true if so. */
bool ahead_notice(struct cached *file, struct pattern *pattern, uint64_t offset, uint64_t len);
/* The whole file is to be fetched, though nobody reads it yet; true if it was listed with the fetcher. */
bool ahead_whole(struct cached *file);
/* Whether bytes that nobody waits for may be fetched: those that cannot go to disk would only drive others
 * out of memory, and be fetched again. */
bool ahead_fits(struct cache *cache);
/* Blocks [first, end) are about to be fetched for a read: joins to them what touches them and is to be
 * fetched ahead anyway, as far as one request brings it. */
void ahead_widen_locked(const struct cached *file, uint64_t *first, uint64_t *end);
/* The next part to fetch, made as a fill; NULL if there is none (any more), and the file is unlisted. */
struct cache_fill *ahead_next(struct cached *file);
void ahead_end(struct cached *file);    /* no more of this file, until its next read; it stays listed */
void ahead_forget(struct cached *file); /* not listed, nothing to fetch */
