// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes that are here, in one piece: from a fill's memory, from the local file, or put together from both.
 * Every block that comes from the local file was written or is checked by this process first.
 * Thread rule: locks the file; reads the local disk with no lock held. Private to cache/.
 */
#pragma once

#include "cache/cached.h"

struct gathered {
    const uint8_t *bytes;
    struct cache *cache;
    struct cache_fill *fill; /* whose memory they are in, or NULL */
    uint8_t *scratch;
    size_t scratch_len;
};

/* Into `to`, or where *ret says if `to` is NULL; gathered_done() ends it after success. -EAGAIN if a byte is
 * not here, or was and turned out bad. */
int gather(struct cached *file, uint64_t offset, size_t len, uint8_t *to, struct gathered *ret);
void gathered_done(struct gathered *gathered);
/* Checks all blocks now if at most `max_bytes` are unchecked; true if the file is complete and checked. */
bool gather_check_all(struct cached *file, uint64_t max_bytes);
