// SPDX-License-Identifier: Apache-2.0
/*
 * Are the frames that an episode's span names those that LeRobot's readers would show? They ask for the
 * frames at from, from + 1/fps, from + 2/fps ..., and take none that is further off than a tolerance.
 *
 *     spans:    from 0           from 0.7 s            the table, in seconds
 *     video:    |0|1|2|3|4|5|6|  |7|8|9|10|            frames, where they are shown
 *
 * A span may name more frames than the episode has rows; those behind the last row are nobody's. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/containers/mp4/mp4.h"

struct lerobot_span {
    double from_s; /* in the file */
    int64_t length;
    int64_t episode;
    size_t file;   /* a number of the file's own */
    int64_t rival; /* an episode that has a frame of it, too; -1: none */
};

/* Finds the frames, which are as many as the episode has rows. -EINVAL: the video has not so many, or they
 * are not where LeRobot would look for them. Errors do not name the file. */
int lerobot_span_find(const struct lerobot_span *span, const struct mp4 *mp4, double fps, uint64_t *ret_first,
                      struct error *err);

/* Sets every `rival`, of all files at once. The spans themselves stay in their order; `from_s` may be any
 * number. */
void lerobot_span_compare(struct lerobot_span *spans, size_t count, double fps);
