// SPDX-License-Identifier: Apache-2.0
/*
 * What to fetch beyond what was asked: pure decisions from the reads of one handle. Private to cache/.
 *
 *     policy   decision after each read
 *     exact    nothing
 *     whole    the whole file
 *     auto     the whole file, once half of its blocks are here or it was opened PATTERN_OPENS times;
 *              while the reads of this handle follow each other: as much again as they have read so far, so
 *              that what is fetched in vain is never more than what was wanted; after a jump: nothing
 *
 * Measured on training windows (open, header, seek, 8 frames): fetching the rest at first touch costs 7 times
 * the bytes; on a copy, fetching exactly makes each read wait for the store. Hence the doubling.
 * Thread rule: one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"

enum { PATTERN_OPENS = 3 };

struct pattern {
    uint64_t next;   /* where the last read ended */
    uint64_t streak; /* bytes of reads that followed each other up to there */
};

struct pattern_file {
    enum cache_fill_policy policy;
    uint64_t size;
    uint64_t blocks, blocks_here; /* all, and those not ABSENT */
    unsigned opens;               /* of this file in this process, or counted by eviction before */
};

/* Takes notice of a read; returns the end of what is to be fetched ahead, and its start in *ret_from; 0 for
 * nothing. */
uint64_t pattern_ahead(struct pattern *pattern, const struct pattern_file *file, uint64_t offset,
                       uint64_t len, uint64_t *ret_from);
