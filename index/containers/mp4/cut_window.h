// SPDX-License-Identifier: Apache-2.0
/*
 * Which samples a clip needs, and which stretch of them it shows.
 *
 *     video, decode order:   |key ... hidden ...|== shown, with what is decoded in between ==|
 *                            first                                                       last
 *     audio:           |lead-in ... |===== what overlaps the shown video =====|
 *
 * The video starts at a sync sample that stands at or before every shown sample in decode order *and* at or
 * before the first shown one in display order: pictures shown before their own sync sample (open GOP) may
 * need the group before it. Where the clip begins with a pause of the video, audio that plays meanwhile is in
 * it. Any thread.
 */
#pragma once

#include "cache/base/error.h"
#include "index/containers/mp4/movie.h"

struct cut_track {
    const struct track *track;
    uint32_t first, last; /* samples, decode order, inclusive */
    int64_t start, end;   /* composition times shown, half-open, ticks of the track */
    int64_t pause;        /* ticks of the clip's movie before `start` (what begins late) */
    int32_t shift; /* smallest composition offset of the samples: taken off, so that none is negative and
                      start - shift >= dts of `first` */
};

struct cut_window {
    struct cut_track tracks[MOVIE_TRACKS_MAX];
    size_t count;
    uint32_t timescale; /* of the clip's movie: that of the video, or a multiple of at least 1000 */
    int64_t preroll;    /* ticks of the video that a player without edit lists shows before the clip */
};

/* As mp4_slice() in mp4.h. */
int cut_window_choose(const struct mp4 *mp4, const struct mp4_window *asked, struct cut_window *ret,
                      struct error *err);
