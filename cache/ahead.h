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
/* The next part to fetch, made as a fill; NULL if there is none (any more), and the file is unlisted. */
struct cache_fill *ahead_next(struct cached *file);
void ahead_end(struct cached *file);    /* no more of this file, until its next read; it stays listed */
void ahead_forget(struct cached *file); /* not listed, nothing to fetch */
