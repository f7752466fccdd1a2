// SPDX-License-Identifier: Apache-2.0
/*
 * Edit lists (ISO/IEC 14496-12 section 8.6.6): at most one stretch of the media, at normal speed, after an
 * optional pause. That is all that recorders and remuxers write; anything else is a montage, and refused. Any
 * thread.
 */
#pragma once

#include "cache/base/error.h"
#include "index/containers/mp4/box.h"
#include "index/containers/mp4/track.h"

/* Reads `elst`; an absent box (zeroed) or an empty list is the whole media from 0. -EINVAL, -ENOTSUP. */
int edit_list_read(struct box *elst, struct track_edit *ret, struct error *err);

/* The ranges that a decoded edit may have whatever it came from, which include a pause of less than 2^29
 * seconds; `where` names the track. */
int edit_list_check(const struct track_edit *edit, uint32_t movie_timescale, const char *where,
                    struct error *err);

/* Is there a list that says more than an absent one? */
bool edit_list_given(const struct track_edit *edit);

/* The pause in ticks of the track, rounded as players do: less than 2^61. */
int64_t edit_list_pause(const struct track_edit *edit, uint32_t timescale, uint32_t movie_timescale);

/* The half-open stretch of composition times that is shown, in ticks of the track; the end is INT64_MAX where
 * the list does not limit it. */
void edit_list_span(const struct track_edit *edit, uint32_t timescale, uint32_t movie_timescale,
                    int64_t *ret_start, int64_t *ret_end);

/* `value` * to / from, rounded to the nearest, halves up. Saturates. from > 0. */
int64_t edit_list_rescale(int64_t value, uint64_t to, uint64_t from);
