// SPDX-License-Identifier: Apache-2.0
/*
 * Clips cut out of a recording with open GOPs whose samples are one byte each, so that the bytes tell which
 * frames are shown and which only decoded.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/containers/mp4/movie.h"
#include "tests/mp4/build_mp4.h"
#include "tests/test_leaks.h"

/* Each sample is one byte, its own number in the recording, so that a clip's frames can be told apart.
 *
 *     decode:  I0 P3 B1 B2 | I6 B4 B5 P9 B7 B8 | I12 B10 B11     open GOPs; numbers: display order
 *     sample:   0  1  2  3    4  5  6  7  8  9    10  11  12 */
static const uint8_t bytes_of_samples[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const uint32_t ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const uint8_t shown_sample[] = {0, 2, 3, 1, 5, 6, 4, 8, 9, 7, 11, 12, 10};

static struct build open_gops(void)
{
    static const struct build_pair durations[] = {{13, 10}};
    static const struct build_pair shifts[] = {{1, 10}, {1, 30}, {2, 0},  {1, 30}, {2, 0},
                                               {1, 30}, {2, 0},  {1, 30}, {2, 0}};
    static const uint32_t syncs[] = {1, 5, 11};
    static const struct build_edit edits[] = {{130, 10}};
    return (struct build){.movie_timescale = 300,
                          .samples = bytes_of_samples,
                          .samples_len = sizeof bytes_of_samples,
                          .tracks = {{.codec = "mp4v",
                                      .timescale = 300,
                                      .sizes = ones,
                                      .samples = 13,
                                      .durations = durations,
                                      .duration_count = 1,
                                      .shifts = shifts,
                                      .shift_count = sizeof shifts / sizeof *shifts,
                                      .syncs = syncs,
                                      .sync_count = 3,
                                      .edits = edits,
                                      .edit_count = 1}}};
}

struct cut {
    struct buf file, clip_bytes;
    struct mp4 *recording, *clip;
    struct slice slice;
};

static void cut_done(struct cut *cut)
{
    buf_done(&cut->file);
    buf_done(&cut->clip_bytes);
    mp4_free(cut->recording);
    mp4_free(cut->clip);
    slice_done(&cut->slice);
}

/* Cuts, and reads the clip as a recording of its own. */
static int make_window_cut(const struct build *build, const struct mp4_window *window, struct cut *ret,
                           struct error *err)
{
    *ret = (struct cut){0};
    build_mp4(build, &ret->file);
    cr_assert_eq(scan_bytes(&ret->file, &ret->recording, err), 0, "%s", err->text);
    int rc = mp4_slice(ret->recording, window, &ret->slice, err);
    if (rc)
        return rc;
    flatten(&ret->slice, &ret->file, &ret->clip_bytes);
    cr_assert_eq(ret->clip_bytes.len, ret->slice.size);
    cr_assert_eq(scan_bytes(&ret->clip_bytes, &ret->clip, err), 0, "the clip is no MP4: %s", err->text);
    return 0;
}

static int make_cut(const struct build *build, uint64_t first, uint64_t count, enum mp4_snap snap,
                    struct cut *ret, struct error *err)
{
    return make_window_cut(build, &(struct mp4_window){first, count, snap, 0}, ret, err);
}

static uint8_t shown_byte(const struct cut *cut, uint32_t frame)
{
    return cut->clip_bytes.data[track_offset(cut->clip->tracks[0], movie_sample_of(cut->clip, frame))];
}

/* Checks that a cut shows frames [first, first + count) of open_gops(), decoding from sample `start` on. */
static void check_shows(uint64_t asked, uint64_t asked_count, enum mp4_snap snap, uint64_t first,
                        uint8_t start)
{
    struct build build = open_gops();
    struct error err = {0};
    struct cut cut;
    cr_assert_eq(make_cut(&build, asked, asked_count, snap, &cut, &err), 0, "%s", err.text);
    const struct track *video = cut.clip->tracks[0];
    cr_assert_eq(cut.clip->frames, asked + asked_count - first, "frame %d: %u shown", (int)asked,
                 cut.clip->frames);
    cr_assert_eq(cut.clip_bytes.data[track_offset(video, 0)], start, "frame %d starts at sample %u",
                 (int)asked, cut.clip_bytes.data[track_offset(video, 0)]);
    for (uint32_t i = 0; i < cut.clip->frames; i++) {
        cr_assert_eq(shown_byte(&cut, i), shown_sample[first + i], "frame %d + %u", (int)first, i);
        int64_t time = mp4_frame_time_ns(cut.recording, first + i) - mp4_frame_time_ns(cut.recording, first);
        cr_assert_leq(llabs(mp4_frame_time_ns(cut.clip, i) - time), 1, "but for rounding");
    }
    cr_assert_eq(video->syncs[0], 0, "the first sample is a sync sample");
    cut_done(&cut);
}

Test(cut, the_whole_recording_is_one_header_and_one_range)
{
    struct build build = open_gops();
    struct error err = {0};
    struct cut cut;
    cr_assert_eq(make_cut(&build, 0, 13, MP4_SNAP_EXACT, &cut, &err), 0, "%s", err.text);
    cr_assert_eq(cut.slice.count, 2);
    cr_assert_eq(cut.slice.preroll_ns, 0);
    cut_done(&cut);
    check_shows(0, 13, MP4_SNAP_EXACT, 0, 0);
    check_leaks();
}

Test(cut, every_exact_window_shows_exactly_its_frames)
{
    for (uint64_t first = 0; first < 13; first++)
        for (uint64_t count = 1; first + count <= 13; count++)
            check_shows(first, count, MP4_SNAP_EXACT, first, first < 6 ? 0 : first < 12 ? 4 : 10);
    check_leaks();
}

Test(cut, pictures_shown_before_their_own_key_frame_are_decoded_from_the_one_before)
{
    check_shows(4, 2, MP4_SNAP_EXACT, 4, 0);   /* B4 B5 need the group of I0 */
    check_shows(6, 1, MP4_SNAP_EXACT, 6, 4);   /* I6 does not, and hides them */
    check_shows(11, 2, MP4_SNAP_EXACT, 11, 4); /* B11 I12 */
}

Test(cut, a_key_cut_starts_showing_at_a_key_frame)
{
    check_shows(8, 3, MP4_SNAP_KEY, 6, 4);
    check_shows(5, 1, MP4_SNAP_KEY, 0, 0);
    check_shows(6, 2, MP4_SNAP_KEY, 6, 4);
    check_shows(12, 1, MP4_SNAP_KEY, 12, 10);
}

Test(cut, the_preroll_is_what_a_player_without_edit_lists_would_show_before)
{
    struct build build = open_gops();
    struct error err = {0};
    struct cut cut;
    cr_assert_eq(make_cut(&build, 2, 3, MP4_SNAP_EXACT, &cut, &err), 0);
    cr_assert_eq(cut.slice.preroll_ns, 66666667);
    cut_done(&cut);
    cr_assert_eq(make_cut(&build, 6, 3, MP4_SNAP_EXACT, &cut, &err), 0);
    cr_assert_eq(cut.slice.preroll_ns, 66666667, "B4 and B5");
    cut_done(&cut);
    check_leaks();
}

Test(cut, sync_samples_found_false_are_not_started_at_nor_listed)
{
    struct build build = open_gops();
    struct error err = {0};
    struct cut cut;
    CLEANUP_BUF struct buf file = BUF_INIT;
    build_mp4(&build, &file);
    cr_assert_eq(scan_bytes(&file, &cut.recording, &err), 0);
    cut.recording->tracks[0]->false_syncs = mem_zero(3 * sizeof(bool));
    cut.recording->tracks[0]->false_syncs[1] = true;
    cut.slice = SLICE_INIT;
    cut.clip_bytes = cut.file = BUF_INIT;
    cr_assert_eq(mp4_slice(cut.recording, &(struct mp4_window){.first = 8, .count = 5}, &cut.slice, &err), 0);
    flatten(&cut.slice, &file, &cut.clip_bytes);
    cr_assert_eq(scan_bytes(&cut.clip_bytes, &cut.clip, &err), 0, "%s", err.text);
    cr_assert_eq(cut.clip->tracks[0]->samples, 13);
    cr_assert_eq(cut.clip->tracks[0]->sync_count, 2);
    cr_assert_eq(cut.clip->tracks[0]->syncs[1], 10);
    cut_done(&cut);
}

Test(cut, windows_outside_the_recording_and_without_a_key_frame_are_refused)
{
    struct build build = open_gops();
    struct error err = {0};
    struct cut cut;
    static const uint64_t outside[][2] = {{13, 1}, {0, 0},          {0, 14},
                                          {12, 2}, {UINT64_MAX, 1}, {1, UINT64_MAX}};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        cr_assert_eq(make_cut(&build, outside[i][0], outside[i][1], MP4_SNAP_EXACT, &cut, &err), -EINVAL,
                     "%zu", i);
        cr_assert_eq(cut.slice.count, 0);
        cut_done(&cut);
    }
    build.tracks[0].syncs = (const uint32_t[]){5};
    build.tracks[0].sync_count = 1;
    cr_assert_eq(make_cut(&build, 2, 1, MP4_SNAP_EXACT, &cut, &err), -ENOTSUP);
    cr_assert_str_eq(err.text, "clip.mp4: no key frame to start at before frame 2");
    cut_done(&cut);
    check_leaks();
}

Test(cut, two_frames_with_one_time_are_not_parted)
{
    struct build build = open_gops();
    struct error err = {0};
    struct cut cut;
    build.tracks[0].shifts = NULL;
    build.tracks[0].edits = NULL;
    build.tracks[0].durations = (struct build_pair[]){{4, 10}, {1, 0}, {8, 10}};
    build.tracks[0].duration_count = 3;
    cr_assert_eq(make_cut(&build, 0, 5, MP4_SNAP_EXACT, &cut, &err), -ENOTSUP);
    cr_assert_str_eq(err.text, "clip.mp4: frame 5 has the same time as the one before it");
    cut_done(&cut);
    cr_assert_eq(make_cut(&build, 0, 6, MP4_SNAP_EXACT, &cut, &err), 0);
    cr_assert_eq(cut.clip->frames, 6);
    cut_done(&cut);
    check_leaks();
}

Test(cut, a_last_frame_without_a_duration_is_shown)
{
    struct build build = open_gops();
    struct error err = {0};
    struct cut cut;
    build.tracks[0].shifts = NULL;
    build.tracks[0].edits = NULL;
    build.tracks[0].durations = (struct build_pair[]){{12, 10}, {1, 0}};
    build.tracks[0].duration_count = 2;
    for (uint64_t first = 0; first < 13; first += 12) {
        cr_assert_eq(make_cut(&build, first, 13 - first, MP4_SNAP_EXACT, &cut, &err), 0, "%s", err.text);
        cr_assert_eq(cut.clip->frames, 13 - first);
        cr_assert_neq(cut.clip->tracks[0]->edit.duration, 0);
        cut_done(&cut);
    }
    check_leaks();
}

/* As LeRobot writes H.264: each picture is shown one frame after its time, and the edit list takes that back.
 */
Test(cut, an_even_delay_of_one_frame_is_taken_out_of_clips)
{
    struct build build = open_gops();
    struct error err = {0};
    struct cut cut;
    build.tracks[0].shifts = (struct build_pair[]){{13, 10}};
    build.tracks[0].shift_count = 1;
    cr_assert_eq(make_cut(&build, 4, 6, MP4_SNAP_EXACT, &cut, &err), 0, "%s", err.text);
    cr_assert_eq(cut.clip->frames, 6);
    cr_assert_eq(shown_byte(&cut, 0), 4);
    cr_assert_null(cut.clip->tracks[0]->shifts);
    cr_assert_eq(cut.clip->tracks[0]->edit.media_time, 0);
    cut_done(&cut);
    check_leaks();
}

static struct build with_sound(void)
{
    static const struct build_pair packets[] = {{60, 100}}; /* 100 ms at 1000 Hz, against 33 ms a frame */
    static const struct build_edit edits[] = {{0, 100}};
    struct build build = open_gops();
    build.samples = NULL;
    build.tracks[1] = (struct build_track){.codec = "mp4a",
                                           .timescale = 1000,
                                           .size_each = 2,
                                           .samples = 60,
                                           .durations = packets,
                                           .duration_count = 1,
                                           .edits = edits,
                                           .edit_count = 1};
    return build;
}

Test(cut, sound_begins_a_packet_before_the_video_and_shows_what_overlaps)
{
    struct build build = with_sound();
    struct error err = {0};
    struct cut cut;
    cr_assert_eq(make_cut(&build, 8, 3, MP4_SNAP_EXACT, &cut, &err), 0, "%s", err.text);
    cr_assert_eq(cut.clip->track_count, 2);
    const struct track *sound = cut.clip->tracks[1];
    /* Shown: 266.7 to 366.7 ms, media 367 to 467 behind the priming of 100: packets 3 and 4. The video's
     * hidden part is 130 ms, which leads to packet 2; one more settles the decoder. */
    cr_assert_eq(sound->samples, 4);
    cr_assert_eq(sound->edit.media_time, 267);
    cr_assert_eq(cut.clip->tracks[0]->edit.media_time, 50);
    cr_assert_eq(sound->edit.duration, 120, "100 ms of 1200 a second");
    cut_done(&cut);
    check_leaks();
}

Test(cut, sound_that_begins_late_is_preceded_by_a_pause_and_sound_elsewhere_left_out)
{
    struct build build = with_sound();
    struct error err = {0};
    struct cut cut;
    build.tracks[1].edits = (struct build_edit[]){{90, -1}, {0, 0}}; /* 300 ms */
    build.tracks[1].edit_count = 2;
    cr_assert_eq(make_cut(&build, 6, 6, MP4_SNAP_EXACT, &cut, &err), 0, "%s", err.text);
    cr_assert_eq(cut.clip->tracks[1]->edit.empty, 120, "of 1200 a second: frame 6 is at 200 ms");
    cr_assert_eq(cut.clip->tracks[1]->edit.media_time, 0);
    cut_done(&cut);
    cr_assert_eq(make_cut(&build, 0, 4, MP4_SNAP_EXACT, &cut, &err), 0, "%s", err.text);
    cr_assert_eq(cut.clip->track_count, 1);
    cut_done(&cut);
    check_leaks();
}

/* Pictures from 1 s on, beside sound from 0. */
static struct build late_pictures(void)
{
    static const struct build_edit edits[] = {{300, -1}, {130, 10}};
    struct build build = with_sound();
    build.tracks[0].edits = edits;
    build.tracks[0].edit_count = 2;
    return build;
}

Test(cut, a_window_that_begins_before_the_first_frame_begins_with_a_pause_and_its_sound)
{
    struct build build = late_pictures();
    struct mp4_window window = {.count = 6, .pause_ns = 500000000};
    struct error err = {0};
    struct cut cut;
    cr_assert_eq(make_window_cut(&build, &window, &cut, &err), 0, "%s", err.text);
    cr_assert_eq(cut.clip->frames, 6);
    cr_assert_eq(mp4_frame_time_ns(cut.clip, 0), 500000000);
    cr_assert_eq(cut.clip->tracks[0]->edit.empty, 600, "of 1200 a second");
    const struct track *sound = cut.clip->tracks[1];
    cr_assert_eq(sound->edit.empty, 0);
    cr_assert_eq(sound->edit.duration, 840, "500 ms of pause, 200 ms of pictures");
    cr_assert_eq(sound->edit.media_time, 100, "600 ms behind the priming, after a packet of lead-in");
    cr_assert_eq(sound->samples, 8, "media 500 to 1300 ms");
    cut_done(&cut);
    build.tracks[1].edits = (struct build_edit[]){{180, -1}, {0, 0}}; /* 600 ms */
    build.tracks[1].edit_count = 2;
    cr_assert_eq(make_window_cut(&build, &window, &cut, &err), 0, "%s", err.text);
    cr_assert_eq(cut.clip->tracks[1]->edit.empty, 120, "the sound begins 100 ms after the clip");
    cr_assert_eq(cut.clip->tracks[1]->edit.duration, 720);
    cut_done(&cut);
    check_leaks();
}

Test(cut, sound_stays_in_step_with_pictures_that_begin_late)
{
    struct build build = late_pictures();
    struct error err = {0};
    struct cut cut;
    cr_assert_eq(make_cut(&build, 6, 6, MP4_SNAP_EXACT, &cut, &err), 0, "%s", err.text);
    cr_assert_eq(mp4_frame_time_ns(cut.clip, 0), 0);
    const struct track *sound = cut.clip->tracks[1];
    /* Shown: 1200 to 1400 ms, media 1300 to 1500; frame 6 is decoded from 1130 ms on: packets 11 to 14. */
    cr_assert_eq(sound->edit.empty, 0);
    cr_assert_eq(cut.clip_bytes.data[track_offset(sound, sound->samples - 1)], 13 + 2 * 14);
    cr_assert_eq(sound->edit.media_time + 100 * (14 - (sound->samples - 1)), 1300);
    cut_done(&cut);
    check_leaks();
}

Test(cut, a_pause_where_there_is_none_is_refused)
{
    struct build build = late_pictures();
    struct error err = {0};
    struct cut cut;
    static const struct mp4_window windows[] = {{1, 4, MP4_SNAP_EXACT, 1},
                                                {0, 4, MP4_SNAP_EXACT, 1000000001},
                                                {0, 4, MP4_SNAP_EXACT, -1},
                                                {0, 4, MP4_SNAP_EXACT, INT64_MAX}};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        cr_assert_eq(make_window_cut(&build, &windows[i], &cut, &err), -EINVAL, "%zu", i);
        cr_assert(strstr(err.text, "no pause of "), "%s", err.text);
        cut_done(&cut);
    }
    check_leaks();
}

Test(cut, near_ranges_are_joined_and_far_ones_stay_apart)
{
    static uint8_t content[30000];
    static const uint64_t offsets[] = {1000, 1500, 9000, 20000};
    struct build build = open_gops();
    struct error err = {0};
    struct cut cut;
    for (uint32_t i = 0; i < 13; i++)
        content[i] = 0xff;
    build.samples = content;
    build.samples_len = sizeof content;
    build.tracks[0].chunk_offsets = offsets;
    build.tracks[0].chunk_count = 4;
    build.tracks[0].chunk_samples = 4;
    cr_assert_eq(make_cut(&build, 0, 13, MP4_SNAP_EXACT, &cut, &err), 0, "%s", err.text);
    cr_assert_eq(cut.slice.count, 4, "%zu pieces", cut.slice.count);
    cr_assert_eq(cut.slice.pieces[1].offset, 1000);
    cr_assert_eq(cut.slice.pieces[1].len, 504);
    cr_assert_eq(cut.slice.pieces[2].len, 4);
    cr_assert_eq(cut.slice.pieces[3].len, 1);
    cr_assert_eq(cut.clip->tracks[0]->chunk_count, 2,
                 "what the gap parts is not one chunk, what is put side by side is");
    cut_done(&cut);
    check_leaks();
}

Test(cut, sample_groups_are_cropped)
{
    struct build build = open_gops();
    struct error err = {0};
    struct cut cut;
    build.tracks[0].groups = (struct build_pair[]){{5, 1}, {3, 0}, {5, 2}};
    build.tracks[0].group_count = 3;
    cr_assert_eq(make_cut(&build, 6, 6, MP4_SNAP_EXACT, &cut, &err), 0, "%s", err.text);
    const struct track *video = cut.clip->tracks[0];
    cr_assert_eq(video->group_count, 1);
    const struct track_group *group = &video->groups[0];
    cr_assert_eq(group->run_count, 3);
    cr_assert_eq(group->runs[0].count, 1);
    cr_assert_eq(group->runs[1].count, 3);
    cr_assert_eq(group->runs[2].count, video->samples - 4);
    cr_assert_eq(group->runs[2].index, 2);
    cut_done(&cut);
    check_leaks();
}

/* A recording or clip whose header is in memory and whose samples are nothing but zeros. */
struct hollow {
    const struct buf *header;
    struct recording recording;
};

static int read_hollow(void *ctx, uint64_t offset, size_t len, void *to, struct error *err)
{
    const struct hollow *hollow = ctx;
    memset(to, 0, len);
    if (offset < hollow->header->len) {
        size_t there = hollow->header->len - (size_t)offset;
        memcpy(to, hollow->header->data + offset, there < len ? there : len);
    }
    return 0;
}

Test(cut, clips_of_more_than_4_gib_have_wide_offsets_and_a_wide_mdat)
{
    static const uint32_t big[] = {1u << 30, 1u << 30, 1u << 30, 1u << 30, 1u << 30, 1u << 30};
    struct build build = open_gops();
    build.tracks[0].sizes = big;
    build.tracks[0].samples = 6;
    build.tracks[0].shifts = NULL;
    build.tracks[0].edits = NULL;
    build.tracks[0].syncs = NULL;
    build.tracks[0].durations = (struct build_pair[]){{6, 10}};
    build.samples = bytes_of_samples;
    build.samples_len = 0;
    CLEANUP_BUF struct buf file = BUF_INIT;
    build_mp4(&build, &file);
    put_be32(find_box(&file, "mdat"), 0); /* up to the end */
    struct hollow hollow = {&file, {"big.mp4", file.len + (6ULL << 30), read_hollow, &hollow}};
    CLEANUP_MP4 struct mp4 *mp4 = NULL;
    struct error err = {0};
    cr_assert_eq(mp4_scan(&hollow.recording, &mp4, &err), 0, "%s", err.text);
    for (uint64_t count = 3; count < 6; count++) {
        struct slice slice = SLICE_INIT;
        struct mp4_window window = {.first = 1, .count = count};
        cr_assert_eq(mp4_slice(mp4, &window, &slice, &err), 0, "%s", err.text);
        size_t header = slice.inline_bytes.len;
        bool wide_mdat = !memcmp(slice.inline_bytes.data + header - 12, "mdat", 4);
        cr_assert_eq(wide_mdat, count > 3);
        struct hollow clip = {&slice.inline_bytes, {"clip.mp4", slice.size, read_hollow, &clip}};
        CLEANUP_MP4 struct mp4 *again = NULL;
        cr_assert_eq(mp4_scan(&clip.recording, &again, &err), 0, "%s", err.text);
        cr_assert_eq(again->frames, count);
        cr_assert_eq(track_offset(again->tracks[0], 0), header);
        bool wide_offsets = memmem(slice.inline_bytes.data, header, "co64", 4) != NULL;
        cr_assert_eq(wide_offsets, count > 3);
        slice_done(&slice);
    }
}
