// SPDX-License-Identifier: Apache-2.0
/* What a clip's header repeats is kept as bytes (handler, media header, sample entries), what it changes as
 * numbers. */
#include "index/containers/mp4/moov.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "index/containers/mp4/edit_list.h"
#include "index/containers/mp4/stbl.h"

enum { COPIED_BOX_MAX_BYTES = 4096 };

static void free_track(struct track **track)
{
    if (*track)
        track_done(*track);
    free(*track);
}

static int copy_box(const struct box *box, struct buf *to, struct error *err)
{
    if (!box_present(box))
        return 0;
    if (box->header.len > COPIED_BOX_MAX_BYTES)
        return box_fail(box, ENOTSUP, err, "is larger than %d bytes", COPIED_BOX_MAX_BYTES);
    buf_append(to, box->bytes, (size_t)box->header.len);
    return 0;
}

static int copy_tail(struct box *box, void *to, size_t len, struct error *err)
{
    const uint8_t *bytes = cursor_bytes(&box->body, len);
    if (bytes)
        memcpy(to, bytes, len);
    return box_check_read(box, err);
}

static int read_mvhd(struct box *box, struct mp4 *mp4, struct error *err)
{
    int version = box_version(box, 1, NULL, err);
    if (version < 0)
        return version;
    cursor_skip(&box->body, version ? 16 : 8);
    mp4->timescale = cursor_be32(&box->body);
    cursor_skip(&box->body, version ? 8 : 4);
    return copy_tail(box, mp4->mvhd_tail, sizeof mp4->mvhd_tail, err);
}

static int read_tkhd(struct box *box, struct track *track, struct error *err)
{
    int version = box_version(box, 1, &track->flags, err);
    if (version < 0)
        return version;
    cursor_skip(&box->body, version ? 16 : 8);
    track->id = cursor_be32(&box->body);
    cursor_skip(&box->body, version ? 12 : 8);
    return copy_tail(box, track->tkhd_tail, sizeof track->tkhd_tail, err);
}

static int read_mdhd(struct box *box, struct track *track, struct error *err)
{
    int version = box_version(box, 1, NULL, err);
    if (version < 0)
        return version;
    cursor_skip(&box->body, version ? 16 : 8);
    track->timescale = cursor_be32(&box->body);
    cursor_skip(&box->body, version ? 8 : 4);
    track->language = cursor_be16(&box->body);
    return box_check_read(box, err);
}

/* 0 for the kinds of tracks that clips leave out. */
static enum track_kind kind_of(const struct box *hdlr)
{
    struct cursor c = hdlr->body;
    cursor_skip(&c, 8);
    uint32_t handler = cursor_be32(&c);
    if (handler == BOX_TYPE('v', 'i', 'd', 'e'))
        return TRACK_VIDEO;
    return handler == BOX_TYPE('s', 'o', 'u', 'n') ? TRACK_AUDIO : 0;
}

static int read_dinf(const struct box *dinf, struct track *track, struct error *err)
{
    struct box dref;
    const struct box_slot slots[] = {{BOX_TYPE('d', 'r', 'e', 'f'), true, &dref}};
    int rc = boxes_collect(dinf, slots, 1, err);
    if (!rc)
        rc = box_version(&dref, 0, NULL, err);
    if (rc < 0)
        return rc;
    cursor_skip(&dref.body, 4);
    if ((rc = box_check_read(&dref, err)))
        return rc;
    struct boxes boxes = boxes_in(&dref);
    struct box entry;
    while ((rc = boxes_next(&boxes, &entry, err)) > 0) {
        uint32_t flags;
        rc = box_version(&entry, 1, &flags, err);
        if (rc < 0)
            return rc;
        if (!(flags & 1))
            return box_fail(&entry, ENOTSUP, err, "the track's samples lie in another file");
    }
    return rc ? rc : copy_box(dinf, &track->dinf, err);
}

static int read_minf(const struct box *minf, struct track *track, struct error *err)
{
    struct box header, dinf, stbl;
    uint32_t header_type =
        track->kind == TRACK_VIDEO ? BOX_TYPE('v', 'm', 'h', 'd') : BOX_TYPE('s', 'm', 'h', 'd');
    const struct box_slot slots[] = {
        {header_type, false, &header},
        {BOX_TYPE('d', 'i', 'n', 'f'), true, &dinf},
        {BOX_TYPE('s', 't', 'b', 'l'), true, &stbl},
    };
    int rc = boxes_collect(minf, slots, sizeof slots / sizeof *slots, err);
    if (!rc)
        rc = copy_box(&header, &track->media_header, err);
    if (!rc)
        rc = read_dinf(&dinf, track, err);
    return rc ? rc : stbl_read(&stbl, track, err);
}

static int read_edts(const struct box *edts, struct track *track, struct error *err)
{
    struct box elst;
    const struct box_slot slots[] = {{BOX_TYPE('e', 'l', 's', 't'), false, &elst}};
    if (!box_present(edts))
        return 0;
    int rc = boxes_collect(edts, slots, 1, err);
    return rc ? rc : edit_list_read(&elst, &track->edit, err);
}

/* Leaves track->kind 0 where the track is to be left out. */
static int read_trak(const struct box *trak, struct track *track, struct error *err)
{
    struct box tkhd, edts, mdia, mdhd, hdlr, minf;
    const struct box_slot slots[] = {
        {BOX_TYPE('t', 'k', 'h', 'd'), true, &tkhd},
        {BOX_TYPE('e', 'd', 't', 's'), false, &edts},
        {BOX_TYPE('m', 'd', 'i', 'a'), true, &mdia},
    };
    const struct box_slot media_slots[] = {
        {BOX_TYPE('m', 'd', 'h', 'd'), true, &mdhd},
        {BOX_TYPE('h', 'd', 'l', 'r'), true, &hdlr},
        {BOX_TYPE('m', 'i', 'n', 'f'), true, &minf},
    };
    int rc = boxes_collect(trak, slots, sizeof slots / sizeof *slots, err);
    if (!rc)
        rc = boxes_collect(&mdia, media_slots, sizeof media_slots / sizeof *media_slots, err);
    if (rc || !(track->kind = kind_of(&hdlr)))
        return rc;
    rc = read_tkhd(&tkhd, track, err);
    if (!rc)
        rc = read_mdhd(&mdhd, track, err);
    if (!rc)
        rc = copy_box(&hdlr, &track->hdlr, err);
    if (!rc)
        rc = read_edts(&edts, track, err);
    return rc ? rc : read_minf(&minf, track, err);
}

static int add_track(const struct box *trak, struct mp4 *mp4, struct error *err)
{
    CLEANUP(free_track) struct track *track = MEM_NEW(struct track);
    int rc = read_trak(trak, track, err);
    /* Some recorders declare an audio track and never fill it. */
    bool wanted = track->kind == TRACK_VIDEO || (track->kind == TRACK_AUDIO && track->samples);
    if (rc || !wanted)
        return rc;
    rc = movie_add_track(mp4, track, err);
    track = rc ? track : NULL;
    return rc;
}

static int add_tracks(const struct box *moov, struct mp4 *mp4, struct error *err)
{
    struct boxes boxes = boxes_in(moov);
    struct box box;
    int rc;
    while ((rc = boxes_next(&boxes, &box, err)) > 0)
        if (box.header.type == BOX_TYPE('t', 'r', 'a', 'k') && (rc = add_track(&box, mp4, err)))
            return rc;
    return rc;
}

int moov_read(const struct box *moov, struct mp4 *mp4, struct error *err)
{
    struct box mvhd, mvex, cmov;
    const struct box_slot slots[] = {
        {BOX_TYPE('m', 'v', 'h', 'd'), false, &mvhd},
        {BOX_TYPE('m', 'v', 'e', 'x'), false, &mvex},
        {BOX_TYPE('c', 'm', 'o', 'v'), false, &cmov},
    };
    int rc = boxes_collect(moov, slots, sizeof slots / sizeof *slots, err);
    if (rc)
        return rc;
    if (box_present(&mvex))
        return box_fail(&mvex, ENOTSUP, err, "the file is fragmented");
    if (box_present(&cmov))
        return box_fail(&cmov, ENOTSUP, err, "the moov is compressed");
    if (!box_present(&mvhd))
        return box_fail(moov, EINVAL, err, "has no box 'mvhd'");
    rc = read_mvhd(&mvhd, mp4, err);
    return rc ? rc : add_tracks(moov, mp4, err);
}
