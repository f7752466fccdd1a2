// SPDX-License-Identifier: Apache-2.0
/* No table is allocated before its entry count was checked against the bytes that are there. */
#include "index/containers/mp4/stbl.h"

#include <errno.h>
#include <inttypes.h>

enum { GROUPS_MAX = 16, SGPD_MAX_BYTES = 64 << 10, STSD_MAX_BYTES = 1 << 20 };

/* Reads version, flags and an entry count, and checks that the entries fit. */
static int open_table(struct box *box, unsigned version_max, size_t entry_len, uint32_t *ret_count,
                      struct error *err)
{
    int version = box_version(box, version_max, NULL, err);
    if (version < 0)
        return version;
    uint32_t count = cursor_be32(&box->body);
    if (!box->body.failed && count > cursor_left(&box->body) / entry_len)
        return box_fail(box, EINVAL, err, "truncated: claims %" PRIu32 " entries, has room for %zu", count,
                        cursor_left(&box->body) / entry_len);
    *ret_count = count;
    int rc = box_check_read(box, err);
    return rc ? rc : version;
}

static int read_stsd(const struct box *stsd, struct track *track, struct error *err)
{
    if (stsd->header.len > STSD_MAX_BYTES)
        return box_fail(stsd, ENOTSUP, err, "is larger than %d bytes", STSD_MAX_BYTES);
    buf_append(&track->stsd, stsd->bytes, (size_t)stsd->header.len);
    return sample_entries_read(stsd, track->kind == TRACK_VIDEO, &track->entries, &track->entry_count, err);
}

static uint32_t read_size(struct cursor *c, unsigned bits, uint32_t i)
{
    if (bits == 32)
        return cursor_be32(c);
    if (bits == 16)
        return cursor_be16(c);
    if (bits == 8)
        return cursor_u8(c);
    /* Two to a byte, the upper half first: the byte is consumed with its lower half. */
    uint8_t byte = cursor_u8(c);
    if (i % 2 == 0 && !c->failed)
        c->at--;
    return i % 2 ? byte & 15 : byte >> 4;
}

static int read_size_list(struct box *box, unsigned bits, struct track *track, struct error *err)
{
    if (track->samples > (uint64_t)cursor_left(&box->body) * 8 / bits)
        return box_fail(box, EINVAL, err, "truncated: claims %" PRIu32 " samples", track->samples);
    track->sums = mem_alloc(((size_t)track->samples + 1) * sizeof *track->sums);
    track->sums[0] = 0;
    for (uint32_t i = 0; i < track->samples; i++)
        track->sums[i + 1] = track->sums[i] + read_size(&box->body, bits, i);
    return box_check_read(box, err);
}

static int read_stsz(struct box *box, struct track *track, struct error *err)
{
    int rc = box_version(box, 0, NULL, err);
    if (rc < 0)
        return rc;
    track->size_each = cursor_be32(&box->body);
    track->samples = cursor_be32(&box->body);
    return track->size_each ? box_check_read(box, err) : read_size_list(box, 32, track, err);
}

static int read_stz2(struct box *box, struct track *track, struct error *err)
{
    int rc = box_version(box, 0, NULL, err);
    if (rc < 0)
        return rc;
    uint32_t bits = cursor_be32(&box->body);
    track->samples = cursor_be32(&box->body);
    if (bits != 4 && bits != 8 && bits != 16)
        return box_fail(box, EINVAL, err, "has sizes of %" PRIu32 " bits", bits);
    return read_size_list(box, bits, track, err);
}

static int read_stts(struct box *box, struct track *track, struct error *err)
{
    uint32_t count = 0;
    int rc = open_table(box, 0, 8, &count, err);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t samples = cursor_be32(&box->body);
        uint32_t delta = cursor_be32(&box->body);
        if (!track_add_run(track, samples, delta))
            return box_fail(box, EINVAL, err,
                            "entry %" PRIu32 " (%" PRIu32 " samples of %" PRIu32
                            " ticks) goes beyond the %" PRIu32 " samples of the track or its time",
                            i, samples, delta, track->samples);
    }
    return box_check_read(box, err);
}

/* Version 0 says unsigned, but writers put signed offsets there as well; real offsets are below 2^31. */
static int read_ctts(struct box *box, struct track *track, struct error *err)
{
    uint32_t count = 0;
    int rc = open_table(box, 1, 8, &count, err);
    if (rc < 0)
        return rc;
    if (track->samples > TRACK_SAMPLES_MAX)
        return box_fail(box, ENOTSUP, err, "a track of %" PRIu32 " samples is not cut", track->samples);
    CLEANUP_FREE int32_t *shifts = mem_alloc(((size_t)track->samples + 1) * sizeof *shifts);
    uint32_t covered = 0;
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t samples = cursor_be32(&box->body);
        int32_t shift = (int32_t)cursor_be32(&box->body);
        if (samples > track->samples - covered)
            return box_fail(box, EINVAL, err, "covers more than the %" PRIu32 " samples of the track",
                            track->samples);
        for (uint32_t end = covered + samples; covered < end; covered++)
            shifts[covered] = shift;
        any = any || (samples && shift);
    }
    if (covered != track->samples)
        return box_fail(box, EINVAL, err, "covers %" PRIu32 " of %" PRIu32 " samples", covered,
                        track->samples);
    track->shifts = any ? STEAL(shifts) : NULL;
    return box_check_read(box, err);
}

static int read_stss(struct box *box, struct track *track, struct error *err)
{
    track->all_sync = !box_present(box);
    if (track->all_sync)
        return 0;
    uint32_t count = 0;
    int rc = open_table(box, 0, 4, &count, err);
    if (rc < 0)
        return rc;
    track->syncs = mem_alloc(count * sizeof *track->syncs);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = cursor_be32(&box->body);
        if (!number)
            return box_fail(box, EINVAL, err, "entry %" PRIu32 " is sample number 0", i);
        track->syncs[track->sync_count++] = number - 1;
    }
    return box_check_read(box, err);
}

struct chunk_table {
    struct box *stsc, *offsets; /* both stand at their first entry */
    uint32_t entries, chunks;   /* of stsc; of stco / co64 */
    bool wide;                  /* co64 */
};

static int add_chunks(struct chunk_table *t, uint32_t count, uint32_t samples, uint32_t entry,
                      struct track *track)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t offset = t->wide ? cursor_be64(&t->offsets->body) : cursor_be32(&t->offsets->body);
        if (!track_add_chunk(track, offset, samples, entry))
            return -EINVAL;
    }
    return 0;
}

/* Each entry of stsc says how many samples the chunks from `first` on hold, up to the next entry's first. */
static int spread_chunks(struct chunk_table *t, struct track *track, struct error *err)
{
    uint32_t first = t->entries ? cursor_be32(&t->stsc->body) : 0;
    if (t->chunks && first != 1)
        return box_fail(t->stsc, EINVAL, err, "does not start at chunk 1");
    for (uint32_t i = 0; i < t->entries && t->chunks; i++) {
        uint32_t samples = cursor_be32(&t->stsc->body);
        uint32_t entry = cursor_be32(&t->stsc->body);
        uint32_t next = i + 1 < t->entries ? cursor_be32(&t->stsc->body) : t->chunks + 1;
        if (next <= first || next > (uint64_t)t->chunks + 1)
            return box_fail(t->stsc, EINVAL, err, "entry %" PRIu32 " names chunk %" PRIu32 " of %" PRIu32, i,
                            next, t->chunks);
        if (add_chunks(t, next - first, samples, entry, track))
            return box_fail(t->stsc, EINVAL, err, "holds more than the %" PRIu32 " samples of the track",
                            track->samples);
        first = next;
    }
    return 0;
}

static int read_chunks(struct box *stsc, struct box *stco, struct box *co64, struct track *track,
                       struct error *err)
{
    if (box_present(stco) == box_present(co64))
        return box_fail(stsc, EINVAL, err, "has not one table of chunk offsets beside it");
    struct chunk_table t = {
        .stsc = stsc, .offsets = box_present(co64) ? co64 : stco, .wide = box_present(co64)};
    int rc = open_table(stsc, 0, 12, &t.entries, err);
    if (rc >= 0)
        rc = open_table(t.offsets, 0, t.wide ? 8 : 4, &t.chunks, err);
    if (rc < 0)
        return rc;
    if (t.chunks == UINT32_MAX)
        return box_fail(t.offsets, EINVAL, err, "has too many chunks");
    return spread_chunks(&t, track, err);
}

static int read_sbgp(struct box *box, struct track *track, struct error *err)
{
    int version = box_version(box, 1, NULL, err);
    if (version < 0)
        return version;
    if (track->group_count == GROUPS_MAX)
        return box_fail(box, ENOTSUP, err, "is one of more than %d sample groups", GROUPS_MAX);
    mem_grow(&track->groups, &track->group_cap, track->group_count + 1, sizeof *track->groups);
    struct track_group *group = &track->groups[track->group_count++];
    *group = (struct track_group){.type = cursor_be32(&box->body), .has_parameter = version == 1};
    group->parameter = version == 1 ? cursor_be32(&box->body) : 0;
    uint32_t count = cursor_be32(&box->body);
    if (count > cursor_left(&box->body) / 8)
        return box_fail(box, EINVAL, err, "truncated: claims %" PRIu32 " entries", count);
    for (uint32_t i = 0; i < count; i++) {
        mem_grow(&group->runs, &group->run_cap, group->run_count + 1, sizeof *group->runs);
        struct track_group_run *run = &group->runs[group->run_count++];
        run->count = cursor_be32(&box->body);
        run->index = cursor_be32(&box->body);
    }
    return box_check_read(box, err);
}

static int read_groups(const struct box *stbl, struct track *track, struct error *err)
{
    struct boxes boxes = boxes_in(stbl);
    struct box box;
    int rc;
    while ((rc = boxes_next(&boxes, &box, err)) > 0) {
        if (box.header.type == BOX_TYPE('s', 'b', 'g', 'p') && (rc = read_sbgp(&box, track, err)))
            return rc;
        if (box.header.type != BOX_TYPE('s', 'g', 'p', 'd'))
            continue;
        if (box.header.len > SGPD_MAX_BYTES - track->sgpd.len)
            return box_fail(&box, ENOTSUP, err, "sample group descriptions exceed %d bytes", SGPD_MAX_BYTES);
        buf_append(&track->sgpd, box.bytes, (size_t)box.header.len);
    }
    return rc;
}

int stbl_read(const struct box *stbl, struct track *track, struct error *err)
{
    struct box stsd, stsz, stz2, stts, ctts, stss, stsc, stco, co64;
    const struct box_slot slots[] = {
        {BOX_TYPE('s', 't', 's', 'd'), true, &stsd},  {BOX_TYPE('s', 't', 's', 'z'), false, &stsz},
        {BOX_TYPE('s', 't', 'z', '2'), false, &stz2}, {BOX_TYPE('s', 't', 't', 's'), true, &stts},
        {BOX_TYPE('c', 't', 't', 's'), false, &ctts}, {BOX_TYPE('s', 't', 's', 's'), false, &stss},
        {BOX_TYPE('s', 't', 's', 'c'), true, &stsc},  {BOX_TYPE('s', 't', 'c', 'o'), false, &stco},
        {BOX_TYPE('c', 'o', '6', '4'), false, &co64},
    };
    int rc = boxes_collect(stbl, slots, sizeof slots / sizeof *slots, err);
    if (rc)
        return rc;
    if (box_present(&stsz) == box_present(&stz2))
        return box_fail(stbl, EINVAL, err, "has not one table of sample sizes");
    rc = read_stsd(&stsd, track, err);
    if (!rc)
        rc = box_present(&stsz) ? read_stsz(&stsz, track, err) : read_stz2(&stz2, track, err);
    if (!rc)
        rc = read_stts(&stts, track, err);
    if (!rc && box_present(&ctts))
        rc = read_ctts(&ctts, track, err);
    if (!rc)
        rc = read_stss(&stss, track, err);
    if (!rc)
        rc = read_chunks(&stsc, &stco, &co64, track, err);
    return rc ? rc : read_groups(stbl, track, err);
}
