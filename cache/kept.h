// SPDX-License-Identifier: Apache-2.0
/*
 * Fetched bytes that could not be written to the local disk (full, failing, or written by another process):
 * they serve reads from memory, the oldest are forgotten when there are too many, and writing is tried again.
 * Thread rule: locks itself. Private to cache/.
 */
#pragma once

#include <stdint.h>

struct cache_fill;
struct kept;

struct kept *kept_new(uint64_t limit_bytes);
void kept_free(struct kept *kept);                         /* must be empty */
void kept_add(struct kept *kept, struct cache_fill *fill); /* an ended one; forgets old ones over the limit */
void kept_retry(struct kept *kept, unsigned max);          /* hands some to the writer again */
void kept_drop_all(struct kept *kept);                     /* while the cache stops */
