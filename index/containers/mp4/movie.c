// SPDX-License-Identifier: Apache-2.0
/* Scanning and decoding a table end in movie_complete(), so neither can be laxer than the other. */
#include "index/containers/mp4/movie.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "index/containers/mp4/edit_list.h"

int movie_add_track(struct mp4 *mp4, struct track *track, struct error *err)
{
    if (mp4->track_count == MOVIE_TRACKS_MAX)
        return error_set(err, ENOTSUP, "%s: it has more than %d tracks", mp4->name, MOVIE_TRACKS_MAX);
    size_t to = mp4->track_count++;
    if (track->kind == TRACK_VIDEO && to && mp4->tracks[0]->kind != TRACK_VIDEO) {
        for (; to; to--)
            mp4->tracks[to] = mp4->tracks[to - 1];
    }
    mp4->tracks[to] = track;
    return 0;
}

struct timed_sample {
    int64_t cts;
    uint32_t sample;
};

static int compare_samples(const void *a, const void *b)
{
    const struct timed_sample *x = a, *y = b;
    if (x->cts != y->cts)
        return x->cts < y->cts ? -1 : 1;
    return x->sample < y->sample ? -1 : x->sample > y->sample;
}

/* Where composition times never fall, display order is decode order and no array is kept. */
static uint32_t *sort_samples(const struct track *video)
{
    if (!video->shifts)
        return NULL;
    CLEANUP_FREE struct timed_sample *timed = mem_alloc(video->samples * sizeof *timed);
    bool sorted = true;
    size_t run = 0;
    for (uint32_t i = 0; i < video->samples; i++) {
        while (run + 1 < video->run_count && video->runs[run + 1].first <= i)
            run++;
        int64_t dts = video->runs[run].dts + (int64_t)(i - video->runs[run].first) * video->runs[run].delta;
        timed[i] = (struct timed_sample){dts + video->shifts[i], i};
        sorted = sorted && (!i || timed[i - 1].cts <= timed[i].cts);
    }
    if (sorted)
        return NULL;
    qsort(timed, video->samples, sizeof *timed, compare_samples);
    uint32_t *order = mem_alloc(video->samples * sizeof *order);
    for (uint32_t i = 0; i < video->samples; i++)
        order[i] = timed[i].sample;
    return order;
}

static uint32_t position_sample(const struct mp4 *mp4, uint32_t position)
{
    return mp4->order ? mp4->order[position] : position;
}

/* The first position in display order, of [low, high), with a composition time >= cts. */
static uint32_t position_from(const struct mp4 *mp4, uint32_t low, uint32_t high, int64_t cts)
{
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (track_cts(mp4->tracks[0], position_sample(mp4, middle)) >= cts)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int check_track(const struct mp4 *mp4, size_t i, struct error *err)
{
    const struct track *track = mp4->tracks[i];
    char where[256];
    snprintf(where, sizeof where, "%.200s: track %" PRIu32, mp4->name, track->id);
    if (track->kind != (i ? TRACK_AUDIO : TRACK_VIDEO))
        return error_set(err, ENOTSUP, "%s: %s", mp4->name,
                         track->kind == TRACK_VIDEO ? "it has several video tracks"
                                                    : "it has no video track");
    if (!track->entry_count)
        return error_set(err, EINVAL, "%s: it has no sample entry", where);
    int rc = track_check(track, mp4->size, where, err);
    return rc ? rc : edit_list_check(&track->edit, mp4->timescale, where, err);
}

/*
 * FFmpeg shows the first picture of an edit list where the list's pause ends, also where the edit begins
 * between pictures, or before the first one.
 */
static int64_t shift_of(const struct mp4 *mp4)
{
    const struct track *video = mp4->tracks[0];
    int64_t pause = edit_list_pause(&video->edit, video->timescale, mp4->timescale);
    return edit_list_given(&video->edit) ? pause - movie_cts_of(mp4, 0) : 0;
}

int movie_complete(struct mp4 *mp4, struct error *err)
{
    if (!mp4->track_count)
        return error_set(err, ENOTSUP, "%s: it has no video track", mp4->name);
    if (!mp4->timescale)
        return error_set(err, EINVAL, "%s: its movie timescale is 0", mp4->name);
    for (size_t i = 0; i < mp4->track_count; i++) {
        int rc = check_track(mp4, i, err);
        if (rc)
            return rc;
    }
    const struct track *video = mp4->tracks[0];
    mp4->order = sort_samples(video);
    int64_t start, end;
    edit_list_span(&video->edit, video->timescale, mp4->timescale, &start, &end);
    /* Without an edit list everything is shown, also pictures that negative offsets put before time 0. */
    bool limited = video->edit.media_time || video->edit.duration;
    mp4->hidden = limited ? position_from(mp4, 0, video->samples, start) : 0;
    mp4->frames = position_from(mp4, mp4->hidden, video->samples, end) - mp4->hidden;
    if (!mp4->frames)
        return error_set(err, ENOTSUP, "%s: its edit list shows no frame", mp4->name);
    mp4->shift = shift_of(mp4);
    return 0;
}

uint32_t movie_sample_of(const struct mp4 *mp4, uint32_t frame)
{
    return position_sample(mp4, mp4->hidden + frame);
}

int64_t movie_cts_of(const struct mp4 *mp4, uint32_t frame)
{
    return track_cts(mp4->tracks[0], movie_sample_of(mp4, frame));
}

int64_t movie_end_of(const struct mp4 *mp4, uint32_t frame)
{
    const struct track *video = mp4->tracks[0];
    uint32_t position = mp4->hidden + frame;
    if (position + 1 < video->samples)
        return track_cts(video, position_sample(mp4, position + 1));
    uint32_t sample = position_sample(mp4, position), delta = track_delta(video, sample);
    return track_cts(video, sample) + (delta ? delta : 1); /* some muxers give the last sample no time */
}

uint32_t movie_frame_from(const struct mp4 *mp4, int64_t cts)
{
    return position_from(mp4, mp4->hidden, mp4->hidden + mp4->frames, cts) - mp4->hidden;
}
