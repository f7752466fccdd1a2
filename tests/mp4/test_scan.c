// SPDX-License-Identifier: Apache-2.0
/* Small files built box by box: what is read of each table, which times frames have, and what is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/containers/mp4/edit_list.h"
#include "index/containers/mp4/movie.h"
#include "tests/mp4/build_mp4.h"
#include "tests/test_leaks.h"

static const uint32_t sizes[] = {9, 3, 4, 5, 9, 2, 2, 1};
static const struct build_pair durations[] = {{8, 512}};
static const uint32_t syncs[] = {1, 5};

static struct build plain(void)
{
    return (struct build){.tracks = {{.codec = "av01",
                                      .timescale = 15360,
                                      .sizes = sizes,
                                      .samples = 8,
                                      .durations = durations,
                                      .duration_count = 1,
                                      .syncs = syncs,
                                      .sync_count = 2}}};
}

static struct mp4 *scan_build(const struct build *build)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct mp4 *mp4 = NULL;
    struct error err = {0};
    build_mp4(build, &bytes);
    cr_assert_eq(scan_bytes(&bytes, &mp4, &err), 0, "%s", err.text);
    return mp4;
}

Test(scan, a_plain_file_is_described)
{
    struct build build = plain();
    CLEANUP_MP4 struct mp4 *mp4 = scan_build(&build);
    struct mp4_info info;
    mp4_describe(mp4, &info);
    cr_assert_eq(info.frames, 8);
    cr_assert_eq(info.timescale, 15360);
    cr_assert_eq(info.start_ns, 0);
    cr_assert_eq(info.end_ns, 266666667);
    cr_assert_str_eq(info.codec, "av01");
    cr_assert_eq(info.width, 64);
    cr_assert_eq(info.height, 48);
    cr_assert_not(info.has_audio);
    mp4_free(STEAL(mp4));
    check_leaks();
}

Test(scan, a_frame_is_found_by_its_time_within_half_a_tick)
{
    struct build build = plain();
    CLEANUP_MP4 struct mp4 *mp4 = scan_build(&build);
    int64_t tick = 1000000000 / 15360;
    for (uint64_t i = 0; i < 8; i++) {
        int64_t time = mp4_frame_time_ns(mp4, i);
        cr_assert_eq(time, (int64_t)((i * 512 * 1000000000 * 2 + 15360) / (2 * 15360)));
        cr_assert_eq(mp4_frame_at(mp4, time), i);
        cr_assert_eq(mp4_frame_at(mp4, time + tick / 3), i, "a little late");
        cr_assert_eq(mp4_frame_at(mp4, time - tick / 3), i, "a little early");
        cr_assert_eq(mp4_frame_at(mp4, time + tick), i + 1, "behind the frame");
    }
    cr_assert_eq(mp4_frame_at(mp4, INT64_MIN), 0);
    cr_assert_eq(mp4_frame_at(mp4, INT64_MAX), 8);
}

Test(scan, the_edit_list_decides_which_frames_there_are)
{
    static const struct {
        struct build_edit edits[2];
        size_t count;
        uint64_t frames;
        uint32_t hidden;
    } cases[] = {
        {{{0, 1024}}, 1, 6, 2},          /* to the end */
        {{{1000, 512}}, 1, 7, 1},        /* longer than the media */
        {{{100, 0}}, 1, 3, 0},           /* 100 ms are three frames of 33 ms */
        {{{101, 0}}, 1, 4, 0},           /* and the beginning of a fourth */
        {{{500, -1}, {34, 1}}, 2, 1, 1}, /* a pause; a start within the first frame */
        {{{0, 0}}, 1, 8, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct build build = plain();
        build.tracks[0].edits = cases[i].edits;
        build.tracks[0].edit_count = cases[i].count;
        CLEANUP_MP4 struct mp4 *mp4 = scan_build(&build);
        cr_assert_eq(mp4->frames, cases[i].frames, "case %zu: %u frames", i, mp4->frames);
        cr_assert_eq(mp4->hidden, cases[i].hidden, "case %zu: %u hidden", i, mp4->hidden);
    }
}

/* Times as FFmpeg 5.1 and PyAV 10 show these files; 512 ticks a frame. */
Test(scan, frames_have_the_times_that_players_show)
{
    static const struct {
        int32_t shift; /* of every composition time */
        struct build_edit edits[4];
        size_t count;
        int64_t first, ticks; /* the first frame's time; what is not of whole ticks is rounded to them */
    } cases[] = {
        {0, {{0, 0}}, 0, 0, 0},
        {1024, {{0, 0}}, 0, 0, 1024}, /* no edit list: composition times */
        {-700, {{0, 0}}, 0, 0, -700},
        {1024, {{2000, 1024}}, 1, 0, 0},
        {1024, {{2000, 0}}, 1, 0, 0}, /* the edit begins before the first picture */
        {0, {{2000, 100}}, 1, 1, 0},  /* and within one, which is not shown */
        {0, {{700, -1}, {2000, 0}}, 2, 0, 10752},
        {1024, {{33, -1}, {2000, 1024}}, 2, 0, 507},
        {1024, {{33, -1}, {2000, 0}}, 2, 0, 507},
        {1024, {{33, -1}, {2000, 1100}}, 2, 1, 507},
        {0, {{33, -1}, {33, -1}, {33, -1}, {2000, 0}}, 4, 0, 1521},
        {0, {{500, -1}, {0, 0}}, 2, 0, 7680},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct build build = plain();
        build.tracks[0].shifts = (struct build_pair[]){{8, cases[i].shift}};
        build.tracks[0].shift_count = 1;
        build.tracks[0].shift_version = 1;
        build.tracks[0].edits = cases[i].count ? cases[i].edits : NULL;
        build.tracks[0].edit_count = cases[i].count;
        CLEANUP_MP4 struct mp4 *mp4 = scan_build(&build);
        struct mp4_info info;
        mp4_describe(mp4, &info);
        cr_assert_eq(mp4->hidden, cases[i].first, "case %zu", i);
        cr_assert_eq(info.start_ns, edit_list_rescale(cases[i].ticks, 1000000000, 15360), "case %zu", i);
        int64_t end = cases[i].ticks + (int64_t)info.frames * 512;
        cr_assert_eq(info.end_ns, edit_list_rescale(end, 1000000000, 15360), "case %zu", i);
        for (uint64_t k = 0; k < info.frames; k++) {
            int64_t time = edit_list_rescale(cases[i].ticks + (int64_t)k * 512, 1000000000, 15360);
            cr_assert_eq(mp4_frame_time_ns(mp4, k), time, "case %zu, frame %d", i, (int)k);
            cr_assert_eq(mp4_frame_at(mp4, time), k, "case %zu, frame %d", i, (int)k);
        }
    }
}

Test(scan, a_pause_that_no_player_would_wait_for_is_refused)
{
    struct build build = plain();
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct mp4 *mp4 = NULL;
    struct error err = {0};
    build.tracks[0].edits = (struct build_edit[]){{1000ll << 29, -1}, {100, 0}};
    build.tracks[0].edit_count = 2;
    build_mp4(&build, &bytes);
    cr_assert_eq(scan_bytes(&bytes, &mp4, &err), -EINVAL);
    cr_assert_str_eq(err.text, "clip.mp4: track 1: its edit list has times out of range");
    buf_done(&bytes);
    check_leaks();
}

Test(scan, sizes_are_read_in_every_width)
{
    static const unsigned widths[] = {0, 4, 8, 16};
    for (size_t w = 0; w < 4; w++) {
        struct build build = plain();
        build.tracks[0].size_bits = widths[w];
        build.tracks[0].samples = 7;
        build.tracks[0].durations = (struct build_pair[]){{7, 512}};
        CLEANUP_MP4 struct mp4 *mp4 = scan_build(&build);
        for (uint32_t i = 0; i < 7; i++)
            cr_assert_eq(track_size(mp4->tracks[0], i), sizes[i], "%u bits, sample %u", widths[w], i);
    }
}

Test(scan, chunks_that_touch_are_one_and_others_keep_their_places)
{
    struct build build = plain();
    build.tracks[0].chunk_samples = 3;
    CLEANUP_MP4 struct mp4 *joined = scan_build(&build);
    cr_assert_eq(joined->tracks[0]->chunk_count, 1);
    static const uint64_t offsets[] = {600, 610, 633};
    build.tracks[0].chunk_offsets = offsets;
    build.tracks[0].chunk_count = 3;
    build.tracks[0].wide = true;
    build.samples = (const uint8_t[600]){0};
    build.samples_len = 600;
    CLEANUP_MP4 struct mp4 *apart = scan_build(&build);
    const struct track *track = apart->tracks[0];
    cr_assert_eq(track->chunk_count, 3);
    cr_assert_eq(track_offset(track, 2), 600 + 9 + 3);
    cr_assert_eq(track_offset(track, 3), 610);
    cr_assert_eq(track_offset(track, 7), 633 + 2);
}

Test(scan, a_change_of_sample_entry_parts_a_chunk)
{
    struct build build = plain();
    build.tracks[0].entries = 2;
    build.tracks[0].chunk_entries = (struct build_pair[]){{4, 1}, {4, 2}};
    build.tracks[0].chunk_samples = 4;
    CLEANUP_MP4 struct mp4 *mp4 = scan_build(&build);
    cr_assert_eq(mp4->tracks[0]->chunk_count, 2);
    cr_assert_eq(mp4->tracks[0]->chunks[1].entry, 2);
}

Test(scan, negative_offsets_put_frames_in_display_order_in_both_versions_of_ctts)
{
    for (uint8_t version = 0; version < 2; version++) {
        struct build build = plain();
        build.tracks[0].shifts =
            (struct build_pair[]){{1, 0}, {1, 1024}, {2, -512}, {1, 0}, {1, 1024}, {2, -512}};
        build.tracks[0].shift_count = 6;
        build.tracks[0].shift_version = version;
        CLEANUP_MP4 struct mp4 *mp4 = scan_build(&build);
        static const uint32_t order[] = {0, 2, 3, 1, 4, 6, 7, 5};
        for (uint32_t i = 0; i < 8; i++)
            cr_assert_eq(movie_sample_of(mp4, i), order[i], "version %u, frame %u", version, i);
    }
}

Test(scan, every_shortened_file_is_refused_and_said_to_be_truncated_or_unfinished)
{
    struct build build = plain();
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    build_mp4(&build, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        struct buf part = {.data = mem_copy(bytes.data, len), .len = len};
        struct mp4 *mp4 = NULL;
        struct error err = {0};
        cr_assert_eq(scan_bytes(&part, &mp4, &err), -ENODATA, "%zu bytes of %zu", len, bytes.len);
        cr_assert_eq(strncmp(err.text, "clip.mp4: ", 10), 0, "%s", err.text);
        cr_assert(strstr(err.text, "truncated") || strstr(err.text, "not finished"), "%zu: %s", len,
                  err.text);
        free(part.data);
    }
    buf_done(&bytes);
    check_leaks();
}

#define STBL "moov/trak/mdia/minf/stbl/"

/* One word of a sound file changed. `at` counts from the start of the box. */
static const struct {
    const char *path;
    size_t at;
    uint32_t value;
    int code;
    const char *says;
} damages[] = {
    {"moov", 0, 4, EINVAL, "no box at offset 24 (size 4, type 'moov')"},
    {"moov", 0, 0x7fffffff, ENODATA, "truncated: box 'moov' at offset 24 claims 2147483647 bytes"},
    {"moov/mvhd", 4, 0x6d766578, ENOTSUP, "box 'mvex' at offset 32: the file is fragmented"},
    {"moov/mvhd", 4, 0x636d6f76, ENOTSUP, "the moov is compressed"},
    {"moov/mvhd", 4, 0x66726565, EINVAL, "box 'moov' at offset 24: has no box 'mvhd'"},
    {"moov/mvhd", 8, 0x02000000, ENOTSUP, "has version 2, known up to 1"},
    {"moov/mvhd", 20, 0, EINVAL, "its movie timescale is 0"},
    {"moov/trak", 4, 0x66726565, ENOTSUP, "it has no video track"},
    {"moov/trak/tkhd", 4, 0x66726565, EINVAL, "box 'trak' at offset 140: has no box 'tkhd'"},
    {"moov/trak/mdia/mdhd", 20, 0, EINVAL, "track 1: its timescale is 0"},
    {"moov/trak/mdia/hdlr", 16, 0x736f756e, ENOTSUP, "it has no video track"},
    {"moov/trak/mdia/minf/dinf/dref", 24, 0, ENOTSUP, "the track's samples lie in another file"},
    {STBL "stsd", 12, 0, EINVAL, "has 0 sample entries"},
    {STBL "stsd", 12, 2, EINVAL, "has 1 of 2 sample entries"},
    {STBL "stsd", 20, 0x656e6376, ENOTSUP, "the track is encrypted"},
    {STBL "stts", 12, 2, EINVAL, "truncated: claims 2 entries, has room for 1"},
    {STBL "stts", 16, 7, EINVAL, "track 1: its times cover 7 of 8 samples"},
    {STBL "stts", 16, 9, EINVAL, "(9 samples of 512 ticks) goes beyond the 8 samples"},
    {STBL "stts", 20, 0xfffffe00, EINVAL, "(8 samples of 4294966784 ticks) goes beyond"},
    {STBL "stss", 16, 0, EINVAL, "entry 0 is sample number 0"},
    {STBL "stss", 16, 6, EINVAL, "track 1: its sync sample table is not in order at entry 1"},
    {STBL "stss", 20, 9, EINVAL, "track 1: its sync sample table is not in order at entry 1"},
    {STBL "stsz", 12, 6, ENODATA, "track 1: truncated: its samples are larger than the file"},
    {STBL "stsz", 16, 9, EINVAL, "truncated: claims 9 samples"},
    {STBL "stsz", 16, 0, EINVAL, "goes beyond the 0 samples"},
    {STBL "stsz", 4, 0x66726565, EINVAL, "has not one table of sample sizes"},
    {STBL "stsc", 16, 2, EINVAL, "does not start at chunk 1"},
    {STBL "stsc", 20, 9, EINVAL, "holds more than the 8 samples"},
    {STBL "stsc", 20, 7, EINVAL, "track 1: its chunks hold 7 of 8 samples"},
    {STBL "stsc", 24, 0, EINVAL, "track 1: sample 0 has sample entry 0 of 1"},
    {STBL "stsc", 24, 2, EINVAL, "track 1: sample 0 has sample entry 2 of 1"},
    {STBL "stco", 12, 0, EINVAL, "track 1: its chunks hold 0 of 8 samples"},
    {STBL "stco", 16, 0xffffff00, ENODATA, "truncated: samples from 0 on lie at offset 4294967040"},
    {STBL "stco", 4, 0x66726565, EINVAL, "has not one table of chunk offsets"},
};

Test(scan, damage_in_any_table_is_refused_by_name_and_place)
{
    struct build build = plain();
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        CLEANUP_BUF struct buf bytes = BUF_INIT;
        struct mp4 *mp4 = NULL;
        struct error err = {0};
        build_mp4(&build, &bytes);
        if (!strcmp(damages[i].path, STBL "stsz") && damages[i].at == 12)
            put_be32(find_box(&bytes, STBL "stsz") + 16, 8);
        uint32_t value = damages[i].at == 12 && damages[i].value == 6 ? 0x10000000 : damages[i].value;
        put_be32(find_box(&bytes, damages[i].path) + damages[i].at, value);
        int rc = scan_bytes(&bytes, &mp4, &err);
        cr_assert(strstr(err.text, damages[i].says), "case %zu: '%s', not '%s'", i, err.text,
                  damages[i].says);
        cr_assert_eq(rc, -damages[i].code, "case %zu: %d, %s", i, rc, err.text);
    }
    check_leaks();
}

Test(scan, montages_and_odd_speeds_are_refused_with_the_reason)
{
    struct build build = plain();
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct mp4 *mp4 = NULL;
    struct error err = {0};
    build.tracks[0].edits = (struct build_edit[]){{100, 0}, {100, 2048}};
    build.tracks[0].edit_count = 2;
    build_mp4(&build, &bytes);
    cr_assert_eq(scan_bytes(&bytes, &mp4, &err), -ENOTSUP);
    cr_assert(strstr(err.text, "has several edit segments"), "%s", err.text);
    build.tracks[0].edit_count = 1;
    buf_clear(&bytes);
    build_mp4(&build, &bytes);
    put_be32(find_box(&bytes, "moov/trak/edts/elst") + 32, 0x20000);
    cr_assert_eq(scan_bytes(&bytes, &mp4, &err), -ENOTSUP);
    cr_assert(strstr(err.text, "plays at 2.0 times the speed"), "%s", err.text);
    build.tracks[0].edits = (struct build_edit[]){{100, 8 * 512}};
    buf_clear(&bytes);
    build_mp4(&build, &bytes);
    cr_assert_eq(scan_bytes(&bytes, &mp4, &err), -ENOTSUP);
    cr_assert(strstr(err.text, "its edit list shows no frame"), "%s", err.text);
    buf_done(&bytes);
    check_leaks();
}

Test(scan, a_second_video_track_is_refused_and_an_empty_audio_track_passed_over)
{
    struct build build = plain();
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct mp4 *mp4 = NULL;
    struct error err = {0};
    build.tracks[1] = build.tracks[0];
    build_mp4(&build, &bytes);
    cr_assert_eq(scan_bytes(&bytes, &mp4, &err), -ENOTSUP);
    cr_assert(strstr(err.text, "it has several video tracks"), "%s", err.text);
    build.tracks[1] = (struct build_track){.codec = "mp4a", .timescale = 44100};
    struct mp4 *silent = scan_build(&build);
    cr_assert_eq(silent->track_count, 1);
    mp4_free(silent);
    buf_done(&bytes);
    check_leaks();
}

Test(scan, an_mp4_is_known_by_its_first_bytes)
{
    cr_assert(mp4_probe((const uint8_t *)"\0\0\0\x20"
                                         "ftypisom",
                        12));
    cr_assert(mp4_probe((const uint8_t *)"\0\0\0\x08"
                                         "wide",
                        8));
    cr_assert(mp4_probe((const uint8_t *)"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0", 16));
    cr_assert_not(mp4_probe((const uint8_t *)"\0\0\0\x20"
                                             "ftyp",
                            7));
    cr_assert_not(mp4_probe((const uint8_t *)"\0\0\0\x02"
                                             "ftypisom",
                            12));
    cr_assert_not(mp4_probe((const uint8_t *)"hello, this is text", 19));
    cr_assert_not(mp4_probe((const uint8_t *)"", 0));
}
