// SPDX-License-Identifier: Apache-2.0
/*
 * What `struct mp4` holds: the video track, all audio tracks and the display order of the frames. Other
 * tracks (time codes, subtitles, telemetry) are left out of clips.
 *
 *     decode order:    I0 P4 B2 B1 B3 ...                 samples of tracks[0]
 *     display order:   I0 B1 B2 B3 P4 ...                 `order`, by composition time; NULL: the same
 *     frames:          [hidden |-- frames --| hidden]     after the edit list; frame 0 is order[hidden]
 *
 * Thread rule: one thread while it is built, then immutable.
 */
#pragma once

#include <stdint.h>

#include "index/containers/mp4/mp4.h"
#include "index/containers/mp4/track.h"

enum { MOVIE_TRACKS_MAX = 32, MOVIE_MVHD_TAIL_BYTES = 80, MOVIE_FTYP_MAX_BYTES = 1024 };

struct mp4 {
    char *name;
    uint64_t size;                            /* of the recording, bytes */
    struct buf ftyp;                          /* the whole box; empty: the file has none */
    uint32_t timescale;                       /* of the movie */
    uint8_t mvhd_tail[MOVIE_MVHD_TAIL_BYTES]; /* from behind the duration */
    struct track *tracks[MOVIE_TRACKS_MAX];   /* [0]: the video track, then audio as in the file */
    size_t track_count;
    uint32_t *order;
    uint32_t hidden;
    uint32_t frames;
    int64_t shift; /* added to the composition time of a displayed frame: when it is shown */
};

/* Takes ownership of `track` on success; a first video track goes to the front. -ENOTSUP over
 * MOVIE_TRACKS_MAX. */
int movie_add_track(struct mp4 *mp4, struct track *track, struct error *err);

/* Checks everything against everything and builds the display order: the last step of scanning and decoding.
 */
int movie_complete(struct mp4 *mp4, struct error *err);

uint32_t movie_sample_of(const struct mp4 *mp4, uint32_t frame); /* decode index of a displayed frame */
int64_t movie_cts_of(const struct mp4 *mp4, uint32_t frame);
/* Ticks at which `frame` ends: the next picture's composition time, shown or not, else its own duration. */
int64_t movie_end_of(const struct mp4 *mp4, uint32_t frame);
/* The first displayed frame with a composition time >= cts; `frames` if there is none. */
uint32_t movie_frame_from(const struct mp4 *mp4, int64_t cts);
