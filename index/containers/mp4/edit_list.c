// SPDX-License-Identifier: Apache-2.0
/* An edit's start is exact (ticks of the track), its length is rounded (ticks of the movie, often
 * milliseconds): the length is rescaled to the nearest tick, as players do, so that a last frame is neither
 * lost nor won. */
#include "index/containers/mp4/edit_list.h"

#include <errno.h>
#include <inttypes.h>

#define TIME_MAX          ((int64_t)1 << 61)
#define PAUSE_SECONDS_MAX ((int64_t)1 << 29)

__extension__ typedef __int128 wide;

int64_t edit_list_rescale(int64_t value, uint64_t to, uint64_t from)
{
    wide product = (wide)value * to * 2 + from;
    wide divisor = (wide)from * 2;
    wide result = product / divisor - (product % divisor < 0);
    return result > INT64_MAX ? INT64_MAX : result < INT64_MIN ? INT64_MIN : (int64_t)result;
}

struct entry {
    int64_t duration, media_time;
    uint16_t rate, fraction;
};

static struct entry read_entry(struct cursor *c, int version)
{
    struct entry e = {0};
    e.duration = version ? (int64_t)cursor_be64(c) : (int64_t)cursor_be32(c);
    e.media_time = version ? (int64_t)cursor_be64(c) : (int32_t)cursor_be32(c);
    e.rate = cursor_be16(c);
    e.fraction = cursor_be16(c);
    return e;
}

int edit_list_read(struct box *elst, struct track_edit *ret, struct error *err)
{
    *ret = (struct track_edit){0};
    if (!box_present(elst))
        return 0;
    int version = box_version(elst, 1, NULL, err);
    if (version < 0)
        return version;
    uint32_t count = cursor_be32(&elst->body);
    bool media = false;
    for (uint32_t i = 0; i < count && !elst->body.failed; i++) {
        struct entry e = read_entry(&elst->body, version);
        if (elst->body.failed)
            break;
        if (e.duration < 0 || e.duration > TIME_MAX || e.media_time < -1 || e.media_time > TIME_MAX)
            return box_fail(elst, EINVAL, err, "entry %" PRIu32 " has times out of range", i);
        if (media)
            return box_fail(elst, ENOTSUP, err, "has several edit segments");
        if (e.media_time == -1) {
            if (e.duration > TIME_MAX - ret->empty)
                return box_fail(elst, EINVAL, err, "entry %" PRIu32 " has times out of range", i);
            ret->empty += e.duration;
            continue;
        }
        if (e.rate != 1 || e.fraction)
            return box_fail(elst, ENOTSUP, err, "plays at %u.%u times the speed", e.rate, e.fraction);
        ret->media_time = e.media_time;
        ret->duration = e.duration;
        media = true;
    }
    if (count && !media && !elst->body.failed)
        return box_fail(elst, ENOTSUP, err, "shows nothing of the media");
    return box_check_read(elst, err);
}

int edit_list_check(const struct track_edit *edit, uint32_t movie_timescale, const char *where,
                    struct error *err)
{
    if (edit->empty < 0 || edit->empty / movie_timescale >= PAUSE_SECONDS_MAX || edit->media_time < 0 ||
        edit->media_time > TIME_MAX || edit->duration < 0 || edit->duration > TIME_MAX)
        return error_set(err, EINVAL, "%s: its edit list has times out of range", where);
    return 0;
}

bool edit_list_given(const struct track_edit *edit)
{
    return edit->empty || edit->media_time || edit->duration;
}

int64_t edit_list_pause(const struct track_edit *edit, uint32_t timescale, uint32_t movie_timescale)
{
    return edit_list_rescale(edit->empty, timescale, movie_timescale);
}

void edit_list_span(const struct track_edit *edit, uint32_t timescale, uint32_t movie_timescale,
                    int64_t *ret_start, int64_t *ret_end)
{
    int64_t len = edit->duration ? edit_list_rescale(edit->duration, timescale, movie_timescale) : INT64_MAX;
    *ret_start = edit->media_time;
    *ret_end = len > INT64_MAX - edit->media_time ? INT64_MAX : edit->media_time + len;
}
