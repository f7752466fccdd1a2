// SPDX-License-Identifier: Apache-2.0
/* Composition times alone decide what is shown; decode order alone decides what must be read. */
#include "index/containers/mp4/cut_window.h"

#include <errno.h>
#include <inttypes.h>

#include "index/containers/mp4/edit_list.h"

/* Opus needs 80 ms of lead-in (RFC 7845 section 4.2), AAC and others one packet. */
enum { OPUS_LEAD_IN_MS = 80, TIMESCALE_MIN = 1000 };

#define SECOND_NS 1000000000LL

struct shown {
    uint32_t first, count; /* frames */
    uint32_t low, high;    /* their first and last sample in decode order */
};

static void measure(const struct mp4 *mp4, struct shown *shown)
{
    shown->low = UINT32_MAX;
    shown->high = 0;
    for (uint32_t i = 0; i < shown->count; i++) {
        uint32_t sample = movie_sample_of(mp4, shown->first + i);
        shown->low = sample < shown->low ? sample : shown->low;
        shown->high = sample > shown->high ? sample : shown->high;
    }
}

/* Can a decoder start at sync sample `sync` and show what is shown from `cts` on? At the first sample of the
 * recording it can whatever that is: decoding the whole recording starts there too. */
static bool leads_to(const struct track *video, int64_t sync, int64_t cts)
{
    bool real = !video->false_syncs || !video->false_syncs[sync];
    return !video->syncs[sync] || (real && track_cts(video, video->syncs[sync]) <= cts);
}

/* The sample to start decoding at, or -1. */
static int64_t start_exact(const struct mp4 *mp4, const struct shown *shown)
{
    const struct track *video = mp4->tracks[0];
    if (video->all_sync)
        return shown->low;
    int64_t cts = movie_cts_of(mp4, shown->first);
    for (int64_t sync = track_sync_before(video, shown->low); sync >= 0; sync--)
        if (leads_to(video, sync, cts))
            return video->syncs[sync];
    return -1;
}

/* Moves the start of `shown` back to a key frame that is shown, and gives that sample, or -1. */
static int64_t start_at_key(const struct mp4 *mp4, struct shown *shown)
{
    const struct track *video = mp4->tracks[0];
    int64_t cts = movie_cts_of(mp4, shown->first);
    uint32_t end = shown->first + shown->count;
    if (video->all_sync)
        return shown->low;
    for (int64_t sync = track_sync_before(video, shown->low); sync >= 0; sync--) {
        int64_t key_cts = track_cts(video, video->syncs[sync]);
        if (!leads_to(video, sync, cts))
            continue;
        struct shown wider = {.first = key_cts > cts ? shown->first : movie_frame_from(mp4, key_cts)};
        wider.count = end - wider.first;
        measure(mp4, &wider);
        if (wider.low < video->syncs[sync])
            continue;
        *shown = wider;
        return video->syncs[sync];
    }
    return -1;
}

/* Pictures with one and the same time cannot be told apart by an edit list. */
static int check_edges(const struct mp4 *mp4, const struct shown *shown, struct error *err)
{
    uint32_t last = shown->first + shown->count - 1;
    bool start = shown->first && movie_cts_of(mp4, shown->first - 1) == movie_cts_of(mp4, shown->first);
    bool end = last + 1 < mp4->frames && movie_cts_of(mp4, last) == movie_cts_of(mp4, last + 1);
    if (start || end)
        return error_set(err, ENOTSUP, "%s: frame %" PRIu32 " has the same time as the one before it",
                         mp4->name, start ? shown->first : last + 1);
    return 0;
}

static int32_t smallest_shift(const struct track *track, uint32_t first, uint32_t last)
{
    int32_t smallest = track->shifts ? track->shifts[first] : 0;
    for (uint32_t i = first; track->shifts && i <= last; i++)
        smallest = track->shifts[i] < smallest ? track->shifts[i] : smallest;
    return smallest;
}

static int64_t earliest_cts(const struct track *track, uint32_t first, uint32_t last)
{
    int64_t earliest = track_cts(track, first);
    for (uint32_t i = first; track->shifts && i <= last; i++) {
        int64_t cts = track_cts(track, i);
        earliest = cts < earliest ? cts : earliest;
    }
    return earliest;
}

static int choose_video(const struct mp4 *mp4, struct shown *shown, enum mp4_snap snap,
                        struct cut_window *window, struct error *err)
{
    const struct track *video = mp4->tracks[0];
    uint32_t asked = shown->first;
    measure(mp4, shown);
    int64_t first = snap == MP4_SNAP_KEY ? start_at_key(mp4, shown) : start_exact(mp4, shown);
    if (first < 0)
        return error_set(err, ENOTSUP, "%s: no key frame to start at before frame %" PRIu32, mp4->name,
                         asked);
    int rc = check_edges(mp4, shown, err);
    if (rc)
        return rc;
    struct cut_track *cut = &window->tracks[window->count++];
    *cut = (struct cut_track){.track = video, .first = (uint32_t)first, .last = shown->high};
    cut->start = movie_cts_of(mp4, shown->first);
    cut->end = movie_end_of(mp4, shown->first + shown->count - 1);
    cut->shift = smallest_shift(video, cut->first, cut->last);
    window->preroll = cut->start - earliest_cts(video, cut->first, cut->last);
    return 0;
}

/* Times that are far from all media stay so, and can be added. */
static int64_t rescale(int64_t value, uint64_t to, uint64_t from)
{
    const int64_t far = (int64_t)1 << 61;
    int64_t result = edit_list_rescale(value, to, from);
    return result < -far ? -far : result > far ? far : result;
}

/* When a picture of composition time `cts` is shown, as a time of another track's media. */
static int64_t to_track(const struct mp4 *mp4, const struct track *track, int64_t cts)
{
    int64_t pause = edit_list_pause(&track->edit, track->timescale, mp4->timescale);
    return rescale(mp4->shift + cts, track->timescale, mp4->tracks[0]->timescale) - pause +
           track->edit.media_time;
}

/* The first audio packet: early enough for the decoder to settle, and for players without edit lists to stay
 * in step with the video's hidden part. */
static uint32_t audio_first(const struct track *track, int64_t start, int64_t video_lead)
{
    uint32_t first = track_sample_at(track, start);
    if (video_lead > 0)
        first = track_sample_at(track, start - video_lead);
    bool opus = track->entries[0].type == BOX_TYPE('O', 'p', 'u', 's');
    int64_t lead_in = opus ? (int64_t)track->timescale * OPUS_LEAD_IN_MS / 1000 : 0;
    uint32_t settled = track_sample_at(track, track_dts(track, first) - lead_in);
    settled = settled == first && first ? first - 1 : settled;
    int64_t sync = track->all_sync ? -1 : track_sync_before(track, settled);
    return track->all_sync ? settled : sync < 0 ? 0 : track->syncs[sync];
}

static void choose_audio(const struct mp4 *mp4, const struct track *track, struct cut_window *window)
{
    const struct cut_track *video = &window->tracks[0];
    const struct track *pictures = mp4->tracks[0];
    int64_t pause = rescale(video->pause, track->timescale, window->timescale);
    int64_t shown_start = to_track(mp4, track, video->start) - pause;
    int64_t shown_end = to_track(mp4, track, video->end);
    int64_t edit_start, edit_end, media_end = track_dts(track, track->samples);
    edit_list_span(&track->edit, track->timescale, mp4->timescale, &edit_start, &edit_end);
    int64_t start = shown_start > edit_start ? shown_start : edit_start;
    int64_t end = shown_end < edit_end ? shown_end : edit_end;
    end = end < media_end ? end : media_end;
    if (start >= end || !edit_list_rescale(end - start, window->timescale, track->timescale))
        return;
    int64_t media_time = video->start - video->shift - track_dts(pictures, video->first);
    int64_t lead = edit_list_rescale(media_time, track->timescale, pictures->timescale);
    struct cut_track *cut = &window->tracks[window->count++];
    *cut = (struct cut_track){.track = track, .start = start, .end = end};
    cut->pause = edit_list_rescale(start - shown_start, window->timescale, track->timescale);
    cut->first = audio_first(track, start, cut->pause || pause ? 0 : lead);
    cut->last = track_sample_at(track, end - 1);
}

static int check_asked(const struct mp4 *mp4, const struct mp4_window *asked, struct error *err)
{
    uint64_t first = asked->first, count = asked->count;
    if (!count || first >= mp4->frames || count > mp4->frames - first)
        return error_set(err, EINVAL, "%s: frames %" PRIu64 " to %" PRIu64 " are not in it: it has %" PRIu32,
                         mp4->name, first, first + count, mp4->frames);
    bool before = !first && asked->pause_ns <= mp4_frame_time_ns(mp4, 0);
    if (asked->pause_ns < 0 || (asked->pause_ns && !before))
        return error_set(err, EINVAL, "%s: no pause of %" PRId64 " ns lies before frame %" PRIu64, mp4->name,
                         asked->pause_ns, first);
    return 0;
}

int cut_window_choose(const struct mp4 *mp4, const struct mp4_window *asked, struct cut_window *ret,
                      struct error *err)
{
    int rc = check_asked(mp4, asked, err);
    if (rc)
        return rc;
    struct shown shown = {.first = (uint32_t)asked->first, .count = (uint32_t)asked->count};
    uint32_t timescale = mp4->tracks[0]->timescale;
    uint32_t multiple = timescale < TIMESCALE_MIN ? (TIMESCALE_MIN + timescale - 1) / timescale : 1;
    struct cut_window window = {.timescale = timescale * multiple};
    rc = choose_video(mp4, &shown, asked->snap, &window, err);
    if (rc)
        return rc;
    window.tracks[0].pause = edit_list_rescale(asked->pause_ns, window.timescale, SECOND_NS);
    for (size_t i = 1; i < mp4->track_count; i++)
        choose_audio(mp4, mp4->tracks[i], &window);
    *ret = window;
    return 0;
}
