// SPDX-License-Identifier: Apache-2.0
/* Scanning reads the headers of the top-level boxes up to the moov, the moov, and a few sync samples. */
#include "index/containers/mp4/mp4.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "index/containers/mp4/box.h"
#include "index/containers/mp4/cut_header.h"
#include "index/containers/mp4/cut_layout.h"
#include "index/containers/mp4/cut_window.h"
#include "index/containers/mp4/edit_list.h"
#include "index/containers/mp4/moov.h"
#include "index/containers/mp4/movie.h"
#include "index/containers/mp4/sample_table.h"
#include "index/containers/mp4/sync_sample.h"

#define SECOND_NS 1000000000LL

enum { HEAD_BYTES = 128, TOP_BOXES_MAX = 4096, MOOV_MAX_BYTES = 512 << 20 };

bool mp4_probe(const uint8_t *head, size_t len)
{
    static const uint32_t types[] = {
        BOX_TYPE('f', 't', 'y', 'p'), BOX_TYPE('m', 'o', 'o', 'v'), BOX_TYPE('m', 'd', 'a', 't'),
        BOX_TYPE('f', 'r', 'e', 'e'), BOX_TYPE('s', 'k', 'i', 'p'), BOX_TYPE('w', 'i', 'd', 'e'),
        BOX_TYPE('p', 'n', 'o', 't'),
    };
    struct box_header header;
    if (box_header_read("", head, len, 0, UINT64_MAX, &header, NULL))
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (header.type == types[i])
            return true;
    return false;
}

void mp4_free(struct mp4 *mp4)
{
    if (!mp4)
        return;
    for (size_t i = 0; i < mp4->track_count; i++) {
        track_done(mp4->tracks[i]);
        free(mp4->tracks[i]);
    }
    buf_done(&mp4->ftyp);
    free(mp4->order);
    free(mp4->name);
    free(mp4);
}

/* The start of a file holds its first few box headers: one read gives them all. */
struct head {
    const struct recording *recording;
    uint8_t bytes[HEAD_BYTES];
    size_t len;
};

static int read_header(const struct head *head, uint64_t at, struct box_header *ret, struct error *err)
{
    const struct recording *recording = head->recording;
    uint8_t bytes[BOX_HEADER_MAX_BYTES];
    uint64_t left = recording->size - at;
    size_t len = left < sizeof bytes ? (size_t)left : sizeof bytes;
    if (at + len <= head->len)
        return box_header_read(recording->name, head->bytes + at, len, at, left, ret, err);
    int rc = recording_read(recording, at, len, bytes, err);
    return rc ? rc : box_header_read(recording->name, bytes, len, at, left, ret, err);
}

static int read_box(const struct recording *recording, const struct box_header *header, struct buf *ret,
                    struct error *err)
{
    int rc =
        recording_read(recording, header->at, (size_t)header->len, buf_room(ret, (size_t)header->len), err);
    if (!rc)
        ret->len += (size_t)header->len;
    return rc;
}

static int read_ftyp(const struct head *head, const struct box_header *header, struct mp4 *mp4,
                     struct error *err)
{
    if (header->len > MOVIE_FTYP_MAX_BYTES)
        return error_set(err, ENOTSUP, "%s: box 'ftyp' at offset %" PRIu64 ": is larger than %d bytes",
                         head->recording->name, header->at, MOVIE_FTYP_MAX_BYTES);
    buf_clear(&mp4->ftyp);
    if (header->at + header->len > head->len)
        return read_box(head->recording, header, &mp4->ftyp, err);
    buf_append(&mp4->ftyp, head->bytes + header->at, (size_t)header->len);
    return 0;
}

/* May it become an MP4, when its writer goes on? */
static bool begins_well(const struct head *head)
{
    return head->len < BOX_HEADER_BYTES || mp4_probe(head->bytes, head->len);
}

/* Finds the moov, keeping the ftyp on the way. */
static int find_moov(const struct recording *recording, struct mp4 *mp4, struct box_header *ret,
                     struct error *err)
{
    struct head head = {.recording = recording};
    head.len = recording->size < HEAD_BYTES ? (size_t)recording->size : HEAD_BYTES;
    uint64_t at = 0;
    int rc = recording_read(recording, 0, head.len, head.bytes, err);
    if (rc)
        return rc;
    for (unsigned i = 0; at < recording->size && i < TOP_BOXES_MAX; i++) {
        struct box_header header;
        rc = read_header(&head, at, &header, err);
        if (rc)
            return rc == -ENODATA && !begins_well(&head) ? error_recode(err, EINVAL) : rc;
        if (header.type == BOX_TYPE('m', 'o', 'o', 'f'))
            return error_set(err, ENOTSUP, "%s: box 'moof' at offset %" PRIu64 ": the file is fragmented",
                             recording->name, at);
        if (header.type == BOX_TYPE('f', 't', 'y', 'p') && (rc = read_ftyp(&head, &header, mp4, err)))
            return rc;
        if (header.type == BOX_TYPE('m', 'o', 'o', 'v')) {
            *ret = header;
            return 0;
        }
        at += header.len;
    }
    return error_set(err, begins_well(&head) ? ENODATA : EINVAL,
                     "%s: it has no box 'moov': not an MP4, or not finished", recording->name);
}

static int read_moov(const struct recording *recording, struct mp4 *mp4, struct error *err)
{
    struct box box = {.name = recording->name};
    int rc = find_moov(recording, mp4, &box.header, err);
    if (rc)
        return rc;
    if (box.header.len > MOOV_MAX_BYTES)
        return box_fail(&box, ENOTSUP, err, "is larger than %d MiB", MOOV_MAX_BYTES >> 20);
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    rc = read_box(recording, &box.header, &bytes, err);
    if (rc)
        return rc;
    box.bytes = bytes.data;
    box.body = cursor_of(bytes.data, bytes.len);
    cursor_skip(&box.body, box.header.header_len);
    return moov_read(&box, mp4, err);
}

int mp4_scan(const struct recording *recording, struct mp4 **ret, struct error *err)
{
    CLEANUP_MP4 struct mp4 *mp4 = MEM_NEW(struct mp4);
    mp4->name = mem_text(recording->name);
    mp4->size = recording->size;
    int rc = read_moov(recording, mp4, err);
    if (!rc)
        rc = movie_complete(mp4, err);
    if (!rc)
        rc = sync_sample_check(recording, mp4, err);
    if (rc)
        return rc;
    *ret = STEAL(mp4);
    return 0;
}

void mp4_describe(const struct mp4 *mp4, struct mp4_info *ret)
{
    const struct track *video = mp4->tracks[0];
    const struct sample_entry *entry = &video->entries[0];
    *ret = (struct mp4_info){.frames = mp4->frames,
                             .timescale = video->timescale,
                             .width = entry->width,
                             .height = entry->height,
                             .has_audio = mp4->track_count > 1};
    int64_t end = mp4->shift + movie_end_of(mp4, mp4->frames - 1);
    ret->start_ns = mp4_frame_time_ns(mp4, 0);
    ret->end_ns = edit_list_rescale(end, SECOND_NS, video->timescale);
    box_print_type(entry->type, ret->codec);
}

int64_t mp4_frame_time_ns(const struct mp4 *mp4, uint64_t i)
{
    int64_t ticks = mp4->shift + movie_cts_of(mp4, (uint32_t)i);
    return edit_list_rescale(ticks, SECOND_NS, mp4->tracks[0]->timescale);
}

uint64_t mp4_frame_at(const struct mp4 *mp4, int64_t time_ns)
{
    /* Rounding to the nearest tick is the tolerance of half a tick. */
    int64_t ticks = edit_list_rescale(time_ns, mp4->tracks[0]->timescale, SECOND_NS);
    int64_t cts;
    if (__builtin_sub_overflow(ticks, mp4->shift, &cts))
        cts = ticks < 0 ? INT64_MIN : INT64_MAX;
    return movie_frame_from(mp4, cts);
}

int mp4_slice(const struct mp4 *mp4, const struct mp4_window *asked, struct slice *slice, struct error *err)
{
    struct cut_window window;
    int rc = cut_window_choose(mp4, asked, &window, err);
    if (rc)
        return rc;
    CLEANUP_CUT_LAYOUT struct cut_layout layout;
    cut_layout_make(&window, &layout);
    CLEANUP_BUF struct buf header = BUF_INIT;
    cut_header_build(mp4, &window, &layout, &header);
    slice_add_inline(slice, header.data, header.len);
    for (size_t i = 0; i < layout.count; i++)
        slice_add_range(slice, layout.ranges[i].offset, layout.ranges[i].len);
    slice->preroll_ns = edit_list_rescale(window.preroll, SECOND_NS, window.tracks[0].track->timescale);
    return 0;
}

void mp4_table_encode(const struct mp4 *mp4, struct buf *buf)
{
    sample_table_pack(mp4, buf);
}

int mp4_table_decode(const char *name, const void *bytes, size_t len, struct mp4 **ret, struct error *err)
{
    return sample_table_unpack(name, bytes, len, ret, err);
}
