// SPDX-License-Identifier: Apache-2.0
/* Spans are running sums of float durations, off by their rounding, which is far below the tolerance. */
#include "tools/import/lerobot_span.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cache/base/memory.h"

/* `tolerance_s` of LeRobotDataset. */
#define TOLERANCE_S 1e-4

static int check_time(const struct lerobot_span *span, int64_t k, double shown_s, double fps,
                      struct error *err)
{
    double wanted_s = span->from_s + (double)k / fps;
    if (fabs(shown_s - wanted_s) <= TOLERANCE_S)
        return 0;
    if (!k)
        return error_set(err, EINVAL,
                         "episode %lld begins at %.6f s there, but the nearest frame is shown at %.6f s "
                         "(LeRobot allows %g s)",
                         (long long)span->episode, wanted_s, shown_s, TOLERANCE_S);
    return error_set(
        err, EINVAL,
        "frame %lld of episode %lld is to be shown at %.6f s there, at %g frames a second, but is "
        "at %.6f s (LeRobot allows %g s)",
        (long long)k, (long long)span->episode, wanted_s, fps, shown_s, TOLERANCE_S);
}

int lerobot_span_find(const struct lerobot_span *span, const struct mp4 *mp4, double fps, uint64_t *ret_first,
                      struct error *err)
{
    struct mp4_info info;
    mp4_describe(mp4, &info);
    uint64_t first = mp4_frame_at(mp4, llround((span->from_s - 0.5 / fps) * 1e9));
    uint64_t count = (uint64_t)span->length;
    unsigned long long end = first + count;
    if (first > info.frames || count > info.frames - first)
        return error_set(
            err, EINVAL, "episode %lld is frames %llu to %llu there, but the video has %llu frames",
            (long long)span->episode, (unsigned long long)first, end, (unsigned long long)info.frames);
    int rc = 0;
    for (uint64_t k = 0; !rc && k < count; k++)
        rc = check_time(span, (int64_t)k, (double)mp4_frame_time_ns(mp4, first + k) / 1e9, fps, err);
    if (!rc)
        *ret_first = first;
    return rc;
}

/* ---- frames of two episodes ---- */

static int compare_starts(const void *a, const void *b)
{
    const struct lerobot_span *x = *(struct lerobot_span *const *)a, *y = *(struct lerobot_span *const *)b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    if (x->from_s != y->from_s)
        return x->from_s < y->from_s ? -1 : 1;
    return (x->episode > y->episode) - (x->episode < y->episode);
}

static double end_of(const struct lerobot_span *span, double fps)
{
    return span->from_s + (double)span->length / fps;
}

/* Whoever shares frames with one that began before shares some with the one of these that ends last. */
static void sweep(struct lerobot_span *const *order, size_t count, double fps)
{
    struct lerobot_span *last = NULL;
    for (size_t i = 0; i < count; i++) {
        struct lerobot_span *span = order[i];
        bool same_file = last && last->file == span->file;
        if (same_file && span->from_s < end_of(last, fps) - 0.5 / fps) {
            span->rival = last->episode;
            last->rival = last->rival < 0 ? span->episode : last->rival;
        }
        if (!same_file || end_of(span, fps) > end_of(last, fps))
            last = span;
    }
}

void lerobot_span_compare(struct lerobot_span *spans, size_t count, double fps)
{
    CLEANUP_FREE struct lerobot_span **order = mem_alloc(count * sizeof *order);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        spans[i].rival = -1;
        if (isfinite(spans[i].from_s) && spans[i].length > 0)
            order[used++] = &spans[i];
    }
    qsort(order, used, sizeof *order, compare_starts);
    sweep(order, used, fps);
}
