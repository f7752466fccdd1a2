// SPDX-License-Identifier: Apache-2.0
/* Which frames of a video a stretch of time means, and who shares them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/mp4/build_mp4.h"
#include "tests/test_leaks.h"
#include "tools/import/lerobot_span.h"

#define FPS 30.0

static bool share(const struct lerobot_span *a, const struct lerobot_span *b)
{
    int64_t x = llround(a->from_s * FPS), y = llround(b->from_s * FPS);
    return a->file == b->file && x < y + b->length && y < x + a->length;
}

Test(lerobot_span, a_rival_is_found_where_frames_are_shared_and_nowhere_else)
{
    enum { ROUNDS = 2000, SPANS = 8 };
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        struct lerobot_span spans[SPANS];
        for (int i = 0; i < SPANS; i++)
            spans[i] = (struct lerobot_span){.from_s = rand() % 40 / FPS + (rand() % 3 - 1) * 9e-5,
                                             .length = rand() % 9,
                                             .episode = i,
                                             .file = (size_t)(rand() % 2)};
        lerobot_span_compare(spans, SPANS, FPS);
        for (int i = 0; i < SPANS; i++) {
            bool shares = false;
            for (int k = 0; k < SPANS; k++)
                shares |= k != i && spans[i].length && spans[k].length && share(&spans[i], &spans[k]);
            cr_assert_eq(spans[i].rival >= 0, shares, "round %d, span %d", round, i);
            cr_assert(!shares || share(&spans[i], &spans[spans[i].rival]), "round %d, span %d", round, i);
        }
    }
    check_leaks();
}

Test(lerobot_span, numbers_that_are_no_times_have_no_rivals)
{
    struct lerobot_span spans[] = {{NAN, 9, 0, 0, 0}, {INFINITY, 9, 1, 0, 0}, {-INFINITY, 9, 2, 0, 0},
                                   {0, 9, 3, 0, 0},   {0, 0, 4, 0, 0},        {1e300, INT64_MAX, 5, 0, 0}};
    lerobot_span_compare(spans, sizeof spans / sizeof *spans, FPS);
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        cr_assert_eq(spans[i].rival, -1, "%zu", i);
    lerobot_span_compare(NULL, 0, FPS);
    check_leaks();
}

/* Twelve frames at 30 a second, from 0.5 s on. */
static struct mp4 *late_video(void)
{
    static const struct build_pair durations[] = {{12, 512}};
    static const struct build_edit edits[] = {{500, -1}, {400, 0}};
    struct build build = {.tracks = {{.codec = "av01",
                                      .timescale = 15360,
                                      .size_each = 1,
                                      .samples = 12,
                                      .durations = durations,
                                      .duration_count = 1,
                                      .edits = edits,
                                      .edit_count = 2}}};
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct mp4 *mp4 = NULL;
    struct error err = {0};
    build_mp4(&build, &bytes);
    cr_assert_eq(scan_bytes(&bytes, &mp4, &err), 0, "%s", err.text);
    return mp4;
}

Test(lerobot_span, frames_are_found_within_lerobots_tolerance)
{
    static const struct {
        double from_s, fps;
        int64_t length;
        uint64_t first;
        const char *says; /* NULL: they are found */
    } cases[] = {
        {0.5, FPS, 12, 0, NULL},
        {0.5 + 3 / FPS, FPS, 9, 3, NULL},
        {0.5 + 3 / FPS + 9.9e-5, FPS, 9, 3, NULL},
        {0.5 + 3 / FPS - 9.9e-5, FPS, 9, 3, NULL},
        {0.5 + 3 / FPS + 1.1e-4, FPS, 9, 0, "episode 7 begins at 0.600110 s there"},
        {0.5 + 3 / FPS - 1.1e-4, FPS, 9, 0, "the nearest frame is shown at 0.600000 s"},
        {0.5 + 3 / FPS, FPS, 10, 0, "is frames 3 to 13 there, but the video has 12"},
        {0, FPS, 1, 0, "the nearest frame is shown at 0.500000 s"},
        {9, FPS, 1, 0, "is frames 12 to 13 there"},
        {0.5, 29.97, 3, 0, NULL}, /* 67 us behind the third */
        {0.5, 29.97, 5, 0, "frame 3 of episode 7 is to be shown at 0.600100 s there, at 29.97 frames"},
        {0.5, 15, 2, 0, "frame 1 of episode 7 is to be shown at 0.566667 s there"},
    };
    CLEANUP_MP4 struct mp4 *mp4 = late_video();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lerobot_span span = {.from_s = cases[i].from_s, .length = cases[i].length, .episode = 7};
        uint64_t first = 99;
        struct error err = {0};
        int rc = lerobot_span_find(&span, mp4, cases[i].fps, &first, &err);
        cr_assert_eq(rc, cases[i].says ? -EINVAL : 0, "case %zu: %s", i, err.text);
        cr_assert_eq(first, cases[i].says ? 99 : cases[i].first, "case %zu", i);
        cr_assert(!cases[i].says || strstr(err.text, cases[i].says), "case %zu: %s", i, err.text);
    }
    mp4_free(STEAL(mp4));
    check_leaks();
}
