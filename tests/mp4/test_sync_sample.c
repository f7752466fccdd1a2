// SPDX-License-Identifier: Apache-2.0
/* Which samples are key frames, told by their first bytes, and how few must be looked at. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/containers/mp4/movie.h"
#include "index/containers/mp4/nal.h"
#include "index/containers/mp4/sync_sample.h"
#include "tests/mp4/build_mp4.h"
#include "tests/test_leaks.h"

static enum nal_start look(enum nal_codec codec, size_t count, const char *const *units, const size_t *lens)
{
    struct nal_scan scan = {.codec = codec};
    enum nal_start start = NAL_MORE;
    for (size_t i = 0; i < count && start == NAL_MORE; i++)
        start = nal_look(&scan, (const uint8_t *)units[i], lens[i]);
    return start;
}

#define LOOK(codec, ...)                                                                                     \
    look(codec, sizeof(const char *[]){__VA_ARGS__} / sizeof(char *), (const char *const[]){__VA_ARGS__},    \
         (const size_t[]){8, 8, 8, 8})

/* Slice headers: first_mb 0 is "1"; slice_type 7 (I) is "0001000", 5 (P) "00110", 2 (I) "011". */
#define H264_I   "\x61\x88\x00\x00\x00\x00\x00\x00"
#define H264_P   "\x61\x98\x00\x00\x00\x00\x00\x00"
#define H264_I2  "\x61\xb0\x00\x00\x00\x00\x00\x00"
#define H264_IDR "\x65\x88\x00\x00\x00\x00\x00\x00"
#define H264_AUD "\x09\xf0\x00\x00\x00\x00\x00\x00"
/* Recovery points: payload 6 of 1 byte; recovery_frame_cnt 0 is "1", 2 is "011"; then exact_match_flag. */
#define SEI_AT_ONCE "\x06\x06\x01\xc4\x80\x00\x00\x00"
#define SEI_INEXACT "\x06\x06\x01\x84\x80\x00\x00\x00"
#define SEI_LATER   "\x06\x06\x01\x71\x80\x00\x00\x00"
#define SEI_BEHIND  "\x06\x05\x00\x06\x01\xc4\x80\x00"

Test(nal, an_idr_picture_is_a_key_frame_whatever_comes_before_it)
{
    cr_assert_eq(LOOK(NAL_H264, H264_IDR), NAL_KEY);
    cr_assert_eq(LOOK(NAL_H264, H264_AUD, SEI_LATER, H264_IDR), NAL_KEY);
}

Test(nal, an_i_picture_is_a_key_frame_only_with_an_exact_recovery_point_at_once)
{
    cr_assert_eq(LOOK(NAL_H264, SEI_AT_ONCE, H264_I), NAL_KEY);
    cr_assert_eq(LOOK(NAL_H264, SEI_BEHIND, H264_I2), NAL_KEY);
    cr_assert_eq(LOOK(NAL_H264, H264_I), NAL_INTRA);
    cr_assert_eq(LOOK(NAL_H264, SEI_INEXACT, H264_I), NAL_INTRA);
    cr_assert_eq(LOOK(NAL_H264, SEI_AT_ONCE, H264_P), NAL_OTHER);
    cr_assert_eq(LOOK(NAL_H264, SEI_LATER, H264_P), NAL_OTHER);
    cr_assert_eq(LOOK(NAL_H264, H264_P), NAL_OTHER);
    cr_assert_eq(LOOK(NAL_H264, H264_AUD), NAL_MORE);
}

Test(nal, hevc_is_told_by_the_unit_type)
{
    static const struct {
        unsigned type;
        enum nal_start start;
    } cases[] = {{0, NAL_OTHER}, {1, NAL_OTHER}, {9, NAL_OTHER},  {16, NAL_KEY},  {19, NAL_KEY},
                 {20, NAL_KEY},  {21, NAL_KEY},  {22, NAL_OTHER}, {32, NAL_MORE}, {39, NAL_MORE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nal_scan scan = {.codec = NAL_HEVC};
        uint8_t unit[2] = {(uint8_t)(cases[i].type << 1), 1};
        cr_assert_eq(nal_look(&scan, unit, 2), cases[i].start, "type %u", cases[i].type);
    }
}

Test(nal, units_cut_short_anywhere_are_read_no_further)
{
    static const char *const units[] = {SEI_AT_ONCE, H264_I, "\x06\xff\xff\xff\xff\xff\xff\xff",
                                        "\x61\0\0\0\0\0\0\0"};
    for (size_t u = 0; u < 4; u++)
        for (size_t len = 0; len <= 8; len++) {
            uint8_t *exact = mem_alloc(len);
            memcpy(exact, units[u], len);
            struct nal_scan scan = {.codec = NAL_H264};
            enum nal_start start = nal_look(&scan, exact, len);
            cr_assert(start == NAL_MORE || start == NAL_OTHER || start == NAL_INTRA);
            free(exact);
        }
}

enum { SAMPLES = 300, SAMPLE_BYTES = 12 };

/* A recording whose every `every`-th sample is a sync sample; `kind` says what each is. */
struct stream {
    struct buf file;
    uint64_t reads;
};

static int read_stream(void *ctx, uint64_t offset, size_t len, void *to, struct error *err)
{
    struct stream *stream = ctx;
    stream->reads++;
    memcpy(to, stream->file.data + offset, len);
    return 0;
}

static int scan_stream(struct stream *stream, uint32_t every, const char *(*kind)(uint32_t sample),
                       struct mp4 **ret, struct error *err)
{
    static uint8_t content[SAMPLES * SAMPLE_BYTES];
    uint32_t syncs[SAMPLES], count = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        put_be32(content + i * SAMPLE_BYTES, 8);
        memcpy(content + i * SAMPLE_BYTES + 4, kind(i), 8);
        if (every && i % every == 0)
            syncs[count++] = i + 1;
    }
    struct build build = {.samples = content,
                          .samples_len = sizeof content,
                          .tracks = {{.codec = "avc1",
                                      .timescale = 30,
                                      .size_each = SAMPLE_BYTES,
                                      .samples = SAMPLES,
                                      .durations = (struct build_pair[]){{SAMPLES, 1}},
                                      .duration_count = 1,
                                      .syncs = every ? syncs : NULL,
                                      .sync_count = count}}};
    *stream = (struct stream){0};
    build_mp4(&build, &stream->file);
    struct recording recording = {"clip.mp4", stream->file.len, read_stream, stream};
    return mp4_scan(&recording, ret, err);
}

static const char *idr_each_second(uint32_t sample)
{
    return sample % 2 ? H264_P : H264_IDR;
}

static const char *p_in_the_middle(uint32_t sample)
{
    return sample % 2 || sample == 298 ? H264_P : H264_IDR;
}

static const char *all_intra(uint32_t sample)
{
    return sample ? H264_I : H264_IDR;
}

static const char *all_predicted(uint32_t sample)
{
    return sample ? H264_P : H264_IDR;
}

Test(sync_sample, many_sound_key_frames_cost_few_reads)
{
    struct stream stream;
    struct mp4 *mp4 = NULL;
    struct error err = {0};
    cr_assert_eq(scan_stream(&stream, 2, idr_each_second, &mp4, &err), 0, "%s", err.text);
    cr_assert_null(mp4->tracks[0]->false_syncs);
    cr_assert(stream.reads <= SYNC_SAMPLE_PROBES + 3, "%d reads", (int)stream.reads);
    mp4_free(mp4);
    buf_done(&stream.file);
    check_leaks();
}

Test(sync_sample, one_false_key_frame_among_those_looked_at_makes_all_be_looked_at)
{
    struct stream stream;
    struct mp4 *mp4 = NULL;
    struct error err = {0};
    cr_assert_eq(scan_stream(&stream, 2, p_in_the_middle, &mp4, &err), 0, "%s", err.text);
    cr_assert_not_null(mp4->tracks[0]->false_syncs);
    for (size_t i = 0; i < 150; i++)
        cr_assert_eq(mp4->tracks[0]->false_syncs[i], i == 149, "sync sample %zu", i);
    mp4_free(mp4);
    buf_done(&stream.file);
    check_leaks();
}

Test(sync_sample, a_recording_without_a_table_must_be_all_key_frames)
{
    struct stream stream;
    struct mp4 *mp4 = NULL;
    struct error err = {0};
    cr_assert_eq(scan_stream(&stream, 0, all_intra, &mp4, &err), 0, "%s", err.text);
    mp4_free(STEAL(mp4));
    buf_done(&stream.file);
    cr_assert_eq(scan_stream(&stream, 0, all_predicted, &mp4, &err), -ENOTSUP);
    cr_assert_str_eq(err.text, "clip.mp4: it has no sync sample table, but sample 74 is no key frame");
    buf_done(&stream.file);
    check_leaks();
}
