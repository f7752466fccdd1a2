// SPDX-License-Identifier: Apache-2.0
/*
 * Which clips will be opened next. Programs that train open clips in the order of a listing, and of each clip
 * the same few streams; so, for each program:
 *
 *     it opens a clip, and of the clip before it opened more streams  -> those streams of this clip
 *     it opens the third clip in the order of a listing               -> the same of the 2, 4, 8 ... 16
 * behind it it opens a clip out of that order                               -> none, until it keeps to one
 * again
 *
 * A guess: whoever acts on it bounds what it costs. Knows the last UPCOMING_SETS sets that were listed or
 * looked up in, and the last UPCOMING_READERS programs. Locks itself; any thread; nothing waits.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "query/set.h"

enum {
    UPCOMING_SETS = 4,
    UPCOMING_SET_BYTES = 4 << 20, /* a larger one is not kept here */
    UPCOMING_READERS = 64,
    UPCOMING_GAP = 16, /* clips passed over that still count as order: other programs read them */
    UPCOMING_ROWS = 16,
    UPCOMING_STREAMS = 64, /* streams of higher numbers are not noticed */
};

struct upcoming;

struct upcoming *upcoming_new(void);
void upcoming_free(struct upcoming *upcoming);

/* Somebody lists this set of a version, or looks for a clip in it. */
void upcoming_seen(struct upcoming *upcoming, uint32_t version, struct set *set);

struct upcoming_opened {
    pid_t pid;
    uint32_t version, row, stream;
};
struct upcoming_clip {
    uint32_t row;
    uint64_t streams; /* a bit each */
};
/* Takes notice of an open; fills ret[0..UPCOMING_ROWS] with what will be opened soon; how many. */
size_t upcoming_after(struct upcoming *upcoming, const struct upcoming_opened *opened,
                      struct upcoming_clip ret[UPCOMING_ROWS + 1]);
