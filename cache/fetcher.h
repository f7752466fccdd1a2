// SPDX-License-Identifier: Apache-2.0
/*
 * Which fills run now. Fills somebody waits for come first, in order, while fewer than the limit of bytes are
 * in flight; fetching ahead takes what is left, up to half the limit, a part of each file in turn.
 * Thread rule: locks itself. Private to cache/.
 */
#pragma once

#include <stdint.h>

struct cache_fill;
struct cached;
struct fetcher;

struct fetcher *fetcher_new(uint64_t limit_bytes);
void fetcher_free(struct fetcher *fetcher);
/* Queues a list of fills (linked by `next`; may be NULL) and starts what may run. */
void fetcher_add(struct fetcher *fetcher, struct cache_fill *fills);
/* Lists a file whose ahead_from..ahead_to is to be fetched; takes over a reference. Starts nothing. */
void fetcher_add_ahead(struct fetcher *fetcher, struct cached *file);
void fetcher_ended(struct fetcher *fetcher, uint64_t len); /* a fill that was started has ended */
/* Drops the list of files to fetch ahead. */
void fetcher_stop(struct fetcher *fetcher);
