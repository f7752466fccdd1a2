// SPDX-License-Identifier: Apache-2.0
/* Built twice: chunk offsets depend on the header's length, which does not depend on their values. */
#include "index/containers/mp4/cut_header.h"

#include "index/containers/mp4/box.h"
#include "index/containers/mp4/edit_list.h"

enum { RATE_1 = 0x00010000 };

struct writer {
    struct buf *buf;
    const struct mp4 *mp4;
    const struct cut_window *window;
    const struct cut_layout *layout;
    uint64_t base; /* offset of the first byte behind the mdat header */
    bool wide;     /* co64 */
};

/* Ticks of the clip's movie that a track's shown part lasts. */
static int64_t shown_len(const struct writer *w, const struct cut_track *cut)
{
    return edit_list_rescale(cut->end - cut->start, w->window->timescale, cut->track->timescale);
}

static int64_t movie_len(const struct writer *w)
{
    int64_t longest = 0;
    for (size_t i = 0; i < w->window->count; i++) {
        const struct cut_track *cut = &w->window->tracks[i];
        int64_t len = cut->pause + shown_len(w, cut);
        longest = len > longest ? len : longest;
    }
    return longest;
}

static void write_ftyp(const struct writer *w)
{
    if (w->mp4->ftyp.len) {
        buf_append(w->buf, w->mp4->ftyp.data, w->mp4->ftyp.len);
        return;
    }
    size_t ftyp = box_begin(w->buf, BOX_TYPE('f', 't', 'y', 'p'));
    buf_be32(w->buf, BOX_TYPE('q', 't', ' ', ' ')); /* only QuickTime files come without one */
    buf_be32(w->buf, 0x200);
    buf_be32(w->buf, BOX_TYPE('q', 't', ' ', ' '));
    box_end(w->buf, ftyp);
}

static void write_mvhd(const struct writer *w)
{
    size_t mvhd = box_begin_full(w->buf, BOX_TYPE('m', 'v', 'h', 'd'), 1, 0);
    buf_zero(w->buf, 16);
    buf_be32(w->buf, w->window->timescale);
    buf_be64(w->buf, (uint64_t)movie_len(w));
    buf_append(w->buf, w->mp4->mvhd_tail, sizeof w->mp4->mvhd_tail);
    box_end(w->buf, mvhd);
}

static void write_tkhd(const struct writer *w, const struct cut_track *cut)
{
    size_t tkhd = box_begin_full(w->buf, BOX_TYPE('t', 'k', 'h', 'd'), 1, cut->track->flags);
    buf_zero(w->buf, 16);
    buf_be32(w->buf, cut->track->id);
    buf_be32(w->buf, 0);
    buf_be64(w->buf, (uint64_t)(cut->pause + shown_len(w, cut)));
    buf_append(w->buf, cut->track->tkhd_tail, sizeof cut->track->tkhd_tail);
    box_end(w->buf, tkhd);
}

static void write_edit(struct buf *buf, int64_t len, int64_t media_time)
{
    buf_be64(buf, (uint64_t)len);
    buf_be64(buf, (uint64_t)media_time);
    buf_be32(buf, RATE_1);
}

static void write_edts(const struct writer *w, const struct cut_track *cut)
{
    size_t edts = box_begin(w->buf, BOX_TYPE('e', 'd', 't', 's'));
    size_t elst = box_begin_full(w->buf, BOX_TYPE('e', 'l', 's', 't'), 1, 0);
    buf_be32(w->buf, cut->pause ? 2 : 1);
    if (cut->pause)
        write_edit(w->buf, cut->pause, -1);
    write_edit(w->buf, shown_len(w, cut), cut->start - cut->shift - track_dts(cut->track, cut->first));
    box_end(w->buf, elst);
    box_end(w->buf, edts);
}

static void write_mdhd(const struct writer *w, const struct cut_track *cut)
{
    const struct track *track = cut->track;
    size_t mdhd = box_begin_full(w->buf, BOX_TYPE('m', 'd', 'h', 'd'), 1, 0);
    buf_zero(w->buf, 16);
    buf_be32(w->buf, track->timescale);
    buf_be64(w->buf, (uint64_t)(track_dts(track, cut->last + 1) - track_dts(track, cut->first)));
    buf_be16(w->buf, track->language);
    buf_be16(w->buf, 0);
    box_end(w->buf, mdhd);
}

/* Run-length tables: the number of entries is filled in at the end. */
struct table {
    struct buf *buf;
    size_t box, count_at;
    uint32_t count;
};

static struct table table_begin(struct buf *buf, uint32_t type)
{
    struct table table = {.buf = buf, .box = box_begin_full(buf, type, 0, 0), .count_at = buf->len};
    buf_be32(buf, 0);
    return table;
}

static void table_end(struct table *table)
{
    for (unsigned i = 0; i < 4; i++)
        table->buf->data[table->count_at + i] = (uint8_t)(table->count >> (24 - 8 * i));
    box_end(table->buf, table->box);
}

static void table_add(struct table *table, uint32_t a, uint32_t b)
{
    buf_be32(table->buf, a);
    buf_be32(table->buf, b);
    table->count++;
}

static void write_stts(struct buf *buf, const struct cut_track *cut)
{
    const struct track *track = cut->track;
    struct table stts = table_begin(buf, BOX_TYPE('s', 't', 't', 's'));
    size_t last = track_run_of(track, cut->last);
    for (size_t i = track_run_of(track, cut->first); i <= last; i++) {
        uint32_t first = track->runs[i].first > cut->first ? track->runs[i].first : cut->first;
        uint32_t end = i < last ? track->runs[i + 1].first : cut->last + 1;
        table_add(&stts, end - first, track->runs[i].delta);
    }
    table_end(&stts);
}

/* Left out where every offset is the same: then `shift` has made all of them 0. */
static void write_ctts(struct buf *buf, const struct cut_track *cut)
{
    const int32_t *shifts = cut->track->shifts;
    bool any = false;
    for (uint32_t i = cut->first; shifts && i <= cut->last; i++)
        any = any || shifts[i] != cut->shift;
    if (!any)
        return;
    struct table ctts = table_begin(buf, BOX_TYPE('c', 't', 't', 's'));
    for (uint32_t i = cut->first, end; i <= cut->last; i = end) {
        for (end = i + 1; end <= cut->last && shifts[end] == shifts[i];)
            end++;
        table_add(&ctts, end - i, (uint32_t)((int64_t)shifts[i] - cut->shift));
    }
    table_end(&ctts);
}

static void write_stss(struct buf *buf, const struct cut_track *cut)
{
    const struct track *track = cut->track;
    if (track->all_sync)
        return;
    struct table stss = table_begin(buf, BOX_TYPE('s', 't', 's', 's'));
    int64_t before = track_sync_before(track, cut->first);
    size_t i = before < 0 ? 0 : (size_t)before + (track->syncs[before] < cut->first);
    for (; i < track->sync_count && track->syncs[i] <= cut->last; i++) {
        if (track->false_syncs && track->false_syncs[i])
            continue;
        buf_be32(buf, track->syncs[i] - cut->first + 1);
        stss.count++;
    }
    table_end(&stss);
}

static void write_stsz(struct buf *buf, const struct cut_track *cut)
{
    const struct track *track = cut->track;
    size_t stsz = box_begin_full(buf, BOX_TYPE('s', 't', 's', 'z'), 0, 0);
    buf_be32(buf, track->size_each);
    buf_be32(buf, cut->last - cut->first + 1);
    for (uint32_t i = cut->first; !track->size_each && i <= cut->last; i++)
        buf_be32(buf, track_size(track, i));
    box_end(buf, stsz);
}

static void write_chunks(const struct writer *w, const struct cut_chunks *chunks)
{
    struct table stsc = table_begin(w->buf, BOX_TYPE('s', 't', 's', 'c'));
    for (size_t i = 0; i < chunks->count; i++) {
        const struct cut_chunk *chunk = &chunks->chunks[i], *before = i ? chunk - 1 : NULL;
        if (before && before->samples == chunk->samples && before->entry == chunk->entry)
            continue;
        buf_be32(w->buf, (uint32_t)i + 1);
        table_add(&stsc, chunk->samples, chunk->entry);
    }
    table_end(&stsc);
    struct table stco =
        table_begin(w->buf, w->wide ? BOX_TYPE('c', 'o', '6', '4') : BOX_TYPE('s', 't', 'c', 'o'));
    for (size_t i = 0; i < chunks->count; i++, stco.count++) {
        uint64_t offset = w->base + chunks->chunks[i].at;
        if (w->wide)
            buf_be64(w->buf, offset);
        else
            buf_be32(w->buf, (uint32_t)offset);
    }
    table_end(&stco);
}

static void write_group(struct buf *buf, const struct cut_track *cut, const struct track_group *group)
{
    size_t sbgp = box_begin_full(buf, BOX_TYPE('s', 'b', 'g', 'p'), group->has_parameter ? 1 : 0, 0);
    buf_be32(buf, group->type);
    if (group->has_parameter)
        buf_be32(buf, group->parameter);
    struct table runs = {.buf = buf, .box = sbgp, .count_at = buf->len};
    buf_be32(buf, 0);
    uint64_t first = 0, cut_end = (uint64_t)cut->last + 1;
    for (size_t i = 0; i < group->run_count; i++) {
        uint64_t end = first + group->runs[i].count;
        uint64_t from = first > cut->first ? first : cut->first, to = end < cut_end ? end : cut_end;
        if (from < to)
            table_add(&runs, (uint32_t)(to - from), group->runs[i].index);
        first = end;
    }
    table_end(&runs);
}

static void write_stbl(const struct writer *w, size_t i)
{
    const struct cut_track *cut = &w->window->tracks[i];
    size_t stbl = box_begin(w->buf, BOX_TYPE('s', 't', 'b', 'l'));
    buf_append(w->buf, cut->track->stsd.data, cut->track->stsd.len);
    write_stts(w->buf, cut);
    write_ctts(w->buf, cut);
    write_stss(w->buf, cut);
    write_stsz(w->buf, cut);
    write_chunks(w, &w->layout->tracks[i]);
    buf_append(w->buf, cut->track->sgpd.data, cut->track->sgpd.len);
    for (size_t g = 0; g < cut->track->group_count; g++)
        write_group(w->buf, cut, &cut->track->groups[g]);
    box_end(w->buf, stbl);
}

static void write_trak(const struct writer *w, size_t i)
{
    const struct cut_track *cut = &w->window->tracks[i];
    size_t trak = box_begin(w->buf, BOX_TYPE('t', 'r', 'a', 'k'));
    write_tkhd(w, cut);
    write_edts(w, cut);
    size_t mdia = box_begin(w->buf, BOX_TYPE('m', 'd', 'i', 'a'));
    write_mdhd(w, cut);
    buf_append(w->buf, cut->track->hdlr.data, cut->track->hdlr.len);
    size_t minf = box_begin(w->buf, BOX_TYPE('m', 'i', 'n', 'f'));
    buf_append(w->buf, cut->track->media_header.data, cut->track->media_header.len);
    buf_append(w->buf, cut->track->dinf.data, cut->track->dinf.len);
    write_stbl(w, i);
    box_end(w->buf, minf);
    box_end(w->buf, mdia);
    box_end(w->buf, trak);
}

static void write_mdat_header(const struct writer *w)
{
    uint64_t size = w->layout->size;
    if (size <= UINT32_MAX - BOX_HEADER_BYTES) {
        buf_be32(w->buf, (uint32_t)(size + BOX_HEADER_BYTES));
        buf_be32(w->buf, BOX_TYPE('m', 'd', 'a', 't'));
        return;
    }
    buf_be32(w->buf, 1);
    buf_be32(w->buf, BOX_TYPE('m', 'd', 'a', 't'));
    buf_be64(w->buf, size + BOX_HEADER_MAX_BYTES);
}

static void write_all(const struct writer *w)
{
    write_ftyp(w);
    size_t moov = box_begin(w->buf, BOX_TYPE('m', 'o', 'o', 'v'));
    write_mvhd(w);
    for (size_t i = 0; i < w->window->count; i++)
        write_trak(w, i);
    box_end(w->buf, moov);
    write_mdat_header(w);
}

void cut_header_build(const struct mp4 *mp4, const struct cut_window *window, const struct cut_layout *layout,
                      struct buf *ret)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    struct writer w = {.buf = &buf, .mp4 = mp4, .window = window, .layout = layout};
    write_all(&w);
    w.wide = layout->size > UINT32_MAX - buf.len;
    if (w.wide) {
        buf_clear(&buf);
        write_all(&w);
    }
    w.base = buf.len;
    buf_clear(&buf);
    write_all(&w);
    buf_append(ret, buf.data, buf.len);
}
