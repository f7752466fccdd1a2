// SPDX-License-Identifier: Apache-2.0
/*
 * What to fetch beyond what was asked: pure decisions from the reads of one handle, and from what reads of
 * files of its kind have been so far. Private to cache/.
 *
 *     policy   decision after each read
 *     exact    nothing
 *     whole    the whole file
 *     auto     the whole file, if it is worth no more than a round trip (cache/pace.h), once half of its
 *              blocks are here, or once it was opened PATTERN_OPENS times;
 *              after a jump: as far as such windows went until now (struct habit);
 *              while the reads of this handle follow each other: as much again as they have read so far, so
 *              that what is fetched in vain is never more than what was wanted
 *
 * Measured on training windows (open, header, seek, 8 frames): fetching the rest of large files at first
 * touch costs many times the bytes, and of small ones hardly any time; on a copy, fetching exactly makes each
 * read wait for the store. Hence the doubling. Thread rule: one thread at a time; a habit may be shared.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"

enum { PATTERN_OPENS = 3 };

/* How far reads go on after a jump, in files of one kind: follows the longest at once, and the shorter ones
 * slowly. What goes on beyond HABIT_MAX_BYTES is a copy and no window. */
enum { HABIT_MAX_BYTES = 1 << 20 };
struct habit {
    atomic_uint_fast64_t window; /* bytes; 0: none seen yet */
};

struct pattern {
    struct habit *habit; /* shared by the files of its kind; NULL: learns and knows nothing */
    uint64_t next;       /* where the last read ended */
    uint64_t streak;     /* bytes of reads that followed each other up to there */
};

struct pattern_file {
    enum cache_fill_policy policy;
    uint64_t size;
    uint64_t blocks, blocks_here; /* all, and those not ABSENT */
    uint64_t round_bytes;         /* that a round trip is worth */
    unsigned opens;               /* of this file in this process, or counted by eviction before */
};

/* Takes notice of a read; returns the end of what is to be fetched ahead, and its start in *ret_from; 0 for
 * nothing. */
uint64_t pattern_ahead(struct pattern *pattern, const struct pattern_file *file, uint64_t offset,
                       uint64_t len, uint64_t *ret_from);
/* The reader is done for now: its last window ended where it stopped. */
void pattern_rest(struct pattern *pattern);
