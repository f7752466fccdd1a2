// SPDX-License-Identifier: Apache-2.0
/* Columns, because zstd finds the patterns of one kind of number better than of rows; sizes as byte planes,
 * because their high bytes repeat and their low bytes are noise. Measured on LeRobot AV1: 1.19 bytes a frame,
 * against 1.54 for varints. */
#include "index/containers/mp4/sample_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "cache/base/cursor.h"
#include "index/containers/mp4/box.h"

/* One table a recording, thousands of them in an import: level 19 saves 3 to 4 % over this one and takes 20
 * times as long, more than all else that an import does about a recording. */
enum { LEVEL = 6 };

enum { HEAD_BYTES = 5, VERSION = 1, CONTENT_MAX_BYTES = 256 << 20, PLANES = 4 };

static const uint8_t magic[4] = {'e', 'm', 'p', '4'};

static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

static void write_bytes(struct buf *buf, const struct buf *bytes)
{
    buf_varint(buf, bytes->len);
    buf_append(buf, bytes->data, bytes->len);
}

static void write_runs(struct buf *buf, const struct track *track)
{
    buf_varint(buf, track->run_count);
    for (size_t i = 0; i < track->run_count; i++) {
        uint32_t end = i + 1 < track->run_count ? track->runs[i + 1].first : track->samples;
        buf_varint(buf, end - track->runs[i].first);
    }
    for (size_t i = 0; i < track->run_count; i++)
        buf_varint(buf, track->runs[i].delta);
}

/* The first sample behind the run of equal offsets that starts at `first`. */
static uint32_t shift_run_end(const struct track *track, uint32_t first)
{
    uint32_t end = first + 1;
    while (end < track->samples && track->shifts[end] == track->shifts[first])
        end++;
    return end;
}

static void write_shifts(struct buf *buf, const struct track *track)
{
    uint32_t count = 0;
    for (uint32_t i = 0; track->shifts && i < track->samples; i = shift_run_end(track, i))
        count++;
    buf_varint(buf, count);
    for (uint32_t i = 0, end; count && i < track->samples; i = end) {
        end = shift_run_end(track, i);
        buf_varint(buf, end - i);
    }
    for (uint32_t i = 0; count && i < track->samples; i = shift_run_end(track, i))
        buf_varint(buf, zigzag(track->shifts[i]));
}

static void write_sizes(struct buf *buf, const struct track *track)
{
    buf_varint(buf, track->size_each);
    for (unsigned plane = 0; plane < PLANES && !track->size_each; plane++)
        for (uint32_t i = 0; i < track->samples; i++)
            buf_u8(buf, (uint8_t)(track_size(track, i) >> (8 * plane)));
}

static void write_chunks(struct buf *buf, const struct track *track)
{
    buf_varint(buf, track->chunk_count);
    for (size_t i = 0; i < track->chunk_count; i++)
        buf_varint(buf, track_chunk_end(track, i) - track->chunks[i].first);
    uint64_t end = 0;
    for (size_t i = 0; i < track->chunk_count; i++) {
        const struct track_chunk *chunk = &track->chunks[i];
        buf_varint(buf, zigzag((int64_t)(chunk->offset - end)));
        end = chunk->offset + track_bytes_before(track, track_chunk_end(track, i)) -
              track_bytes_before(track, chunk->first);
    }
    for (size_t i = 0; i < track->chunk_count; i++)
        buf_varint(buf, track->chunks[i].entry);
}

static void write_syncs(struct buf *buf, const struct track *track)
{
    buf_u8(buf, track->all_sync);
    buf_varint(buf, track->sync_count);
    for (size_t i = 0; i < track->sync_count; i++)
        buf_varint(buf, track->syncs[i] - (i ? track->syncs[i - 1] : 0));
    buf_u8(buf, track->false_syncs != NULL);
    for (size_t i = 0; track->false_syncs && i < track->sync_count; i++)
        buf_u8(buf, track->false_syncs[i]);
}

static void write_groups(struct buf *buf, const struct track *track)
{
    buf_varint(buf, track->group_count);
    for (size_t g = 0; g < track->group_count; g++) {
        const struct track_group *group = &track->groups[g];
        buf_varint(buf, group->type);
        buf_u8(buf, group->has_parameter);
        buf_varint(buf, group->parameter);
        buf_varint(buf, group->run_count);
        for (size_t i = 0; i < group->run_count; i++)
            buf_varint(buf, group->runs[i].count);
        for (size_t i = 0; i < group->run_count; i++)
            buf_varint(buf, group->runs[i].index);
    }
}

static void write_track(struct buf *buf, const struct track *track)
{
    buf_u8(buf, (uint8_t)track->kind);
    buf_varint(buf, track->id);
    buf_varint(buf, track->flags);
    buf_varint(buf, track->timescale);
    buf_varint(buf, track->language);
    buf_append(buf, track->tkhd_tail, sizeof track->tkhd_tail);
    write_bytes(buf, &track->hdlr);
    write_bytes(buf, &track->media_header);
    write_bytes(buf, &track->dinf);
    write_bytes(buf, &track->stsd);
    write_bytes(buf, &track->sgpd);
    buf_varint(buf, (uint64_t)track->edit.empty);
    buf_varint(buf, (uint64_t)track->edit.media_time);
    buf_varint(buf, (uint64_t)track->edit.duration);
    buf_varint(buf, track->samples);
    write_runs(buf, track);
    write_shifts(buf, track);
    write_sizes(buf, track);
    write_chunks(buf, track);
    write_syncs(buf, track);
    write_groups(buf, track);
}

void sample_table_write(const struct mp4 *mp4, struct buf *ret)
{
    buf_varint(ret, mp4->size);
    buf_varint(ret, mp4->timescale);
    write_bytes(ret, &mp4->ftyp);
    buf_append(ret, mp4->mvhd_tail, sizeof mp4->mvhd_tail);
    buf_varint(ret, mp4->track_count);
    for (size_t i = 0; i < mp4->track_count; i++)
        write_track(ret, mp4->tracks[i]);
}

void sample_table_pack(const struct mp4 *mp4, struct buf *ret)
{
    CLEANUP_BUF struct buf content = BUF_INIT;
    sample_table_write(mp4, &content);
    buf_append(ret, magic, sizeof magic);
    buf_u8(ret, VERSION);
    size_t room = ZSTD_compressBound(content.len);
    size_t len = ZSTD_compress(buf_room(ret, room), room, content.data, content.len, LEVEL);
    if (ZSTD_isError(len))
        abort(); /* the room always suffices */
    ret->len += len;
}

/* A count of entries that take at least one byte each, so that nothing is allocated for what is not there. */
static size_t read_count(struct cursor *c)
{
    uint64_t count = cursor_varint(c);
    if (count > cursor_left(c))
        c->failed = true;
    return c->failed ? 0 : (size_t)count;
}

static uint32_t read_u32(struct cursor *c)
{
    uint64_t value = cursor_varint(c);
    if (value > UINT32_MAX)
        c->failed = true;
    return c->failed ? 0 : (uint32_t)value;
}

static int64_t read_time(struct cursor *c)
{
    uint64_t value = cursor_varint(c);
    if (value > INT64_MAX)
        c->failed = true;
    return c->failed ? 0 : (int64_t)value;
}

static bool read_flag(struct cursor *c)
{
    uint8_t value = cursor_u8(c);
    if (value > 1)
        c->failed = true;
    return value;
}

static void read_fixed(struct cursor *c, void *to, size_t len)
{
    const uint8_t *bytes = cursor_bytes(c, len);
    if (bytes)
        memcpy(to, bytes, len);
}

/* Whole boxes of one type, at most `count_max` of them, at least `count_min`. */
static void read_boxes(struct cursor *c, uint32_t type, size_t count_min, size_t count_max, struct buf *ret)
{
    size_t len = read_count(c);
    struct cursor bytes = cursor_sub(c, len);
    struct boxes boxes = {.name = "", .at = bytes};
    struct box box;
    size_t count = 0;
    while (!bytes.failed && boxes_next(&boxes, &box, NULL) > 0 && box.header.type == type)
        count++;
    if (bytes.failed || boxes.at.at != len || count < count_min || count > count_max)
        c->failed = true;
    else
        buf_append(ret, bytes.data, len);
}

/* A column of varints, kept until the columns beside it are read. */
static uint64_t *read_column(struct cursor *c, size_t count)
{
    uint64_t *column = mem_alloc(count * sizeof *column);
    for (size_t i = 0; i < count; i++)
        column[i] = cursor_varint(c);
    return column;
}

static void read_runs(struct cursor *c, struct track *track)
{
    size_t count = read_count(c);
    CLEANUP_FREE uint64_t *samples = read_column(c, count);
    for (size_t i = 0; i < count && !c->failed; i++)
        if (!track_add_run(track, samples[i], read_u32(c)))
            c->failed = true;
}

static void read_shifts(struct cursor *c, struct track *track)
{
    size_t count = read_count(c);
    CLEANUP_FREE uint64_t *samples = read_column(c, count);
    if (!count || track->samples > TRACK_SAMPLES_MAX) {
        c->failed = c->failed || count;
        return;
    }
    track->shifts = mem_alloc(((size_t)track->samples + 1) * sizeof *track->shifts);
    uint32_t covered = 0;
    for (size_t i = 0; i < count && !c->failed; i++) {
        int64_t shift = unzigzag(cursor_varint(c));
        if (samples[i] > track->samples - covered || shift > INT32_MAX || shift < INT32_MIN)
            c->failed = true;
        for (uint64_t k = 0; k < samples[i] && !c->failed; k++)
            track->shifts[covered++] = (int32_t)shift;
    }
    if (covered != track->samples)
        c->failed = true;
}

static void read_sizes(struct cursor *c, struct track *track)
{
    track->size_each = read_u32(c);
    if (track->size_each)
        return;
    const uint8_t *planes = cursor_bytes(c, (uint64_t)track->samples * PLANES);
    if (!planes)
        return;
    track->sums = mem_alloc(((size_t)track->samples + 1) * sizeof *track->sums);
    track->sums[0] = 0;
    for (uint32_t i = 0; i < track->samples; i++) {
        uint32_t size = 0;
        for (unsigned plane = 0; plane < PLANES; plane++)
            size |= (uint32_t)planes[(size_t)plane * track->samples + i] << (8 * plane);
        track->sums[i + 1] = track->sums[i] + size;
    }
}

static void read_chunks(struct cursor *c, struct track *track)
{
    size_t count = read_count(c);
    CLEANUP_FREE uint64_t *samples = read_column(c, count);
    CLEANUP_FREE uint64_t *offsets = read_column(c, count);
    uint64_t end = 0;
    for (size_t i = 0; i < count && !c->failed; i++) {
        uint64_t offset = end + (uint64_t)unzigzag(offsets[i]);
        uint64_t first = track->placed;
        uint32_t entry = read_u32(c);
        if (c->failed || !samples[i] || !track_add_chunk(track, offset, samples[i], entry)) {
            c->failed = true;
            return;
        }
        end = offset + track_bytes_before(track, (uint32_t)track->placed) -
              track_bytes_before(track, (uint32_t)first);
    }
}

static void read_syncs(struct cursor *c, struct track *track)
{
    track->all_sync = read_flag(c);
    size_t count = read_count(c);
    track->syncs = mem_alloc(count * sizeof *track->syncs);
    uint64_t sync = 0;
    for (size_t i = 0; i < count && !c->failed; i++) {
        sync += read_u32(c);
        if (sync > UINT32_MAX)
            c->failed = true;
        track->syncs[track->sync_count++] = (uint32_t)sync;
    }
    if (!read_flag(c) || c->failed)
        return;
    track->false_syncs = mem_alloc(count * sizeof *track->false_syncs);
    for (size_t i = 0; i < count; i++)
        track->false_syncs[i] = read_flag(c);
}

static void read_group(struct cursor *c, struct track_group *group)
{
    group->type = read_u32(c);
    group->has_parameter = read_flag(c);
    group->parameter = read_u32(c);
    size_t count = read_count(c);
    mem_grow(&group->runs, &group->run_cap, count, sizeof *group->runs);
    for (size_t i = 0; i < count; i++)
        group->runs[group->run_count++] = (struct track_group_run){.count = read_u32(c)};
    for (size_t i = 0; i < count; i++)
        group->runs[i].index = read_u32(c);
}

static void read_groups(struct cursor *c, struct track *track)
{
    size_t count = read_count(c);
    for (size_t i = 0; i < count && !c->failed; i++) {
        mem_grow(&track->groups, &track->group_cap, track->group_count + 1, sizeof *track->groups);
        struct track_group *group = &track->groups[track->group_count++];
        *group = (struct track_group){0};
        read_group(c, group);
    }
}

static int read_entries(const char *name, struct track *track, struct error *err)
{
    struct boxes boxes = {.name = name, .at = cursor_of(track->stsd.data, track->stsd.len)};
    struct box stsd;
    int rc = boxes_next(&boxes, &stsd, err);
    if (rc <= 0)
        return rc;
    return sample_entries_read(&stsd, track->kind == TRACK_VIDEO, &track->entries, &track->entry_count, err);
}

static void read_track(struct cursor *c, struct track *track)
{
    track->kind = cursor_u8(c);
    track->id = read_u32(c);
    track->flags = read_u32(c) & 0xffffff;
    track->timescale = read_u32(c);
    track->language = (uint16_t)read_u32(c);
    read_fixed(c, track->tkhd_tail, sizeof track->tkhd_tail);
    read_boxes(c, BOX_TYPE('h', 'd', 'l', 'r'), 1, 1, &track->hdlr);
    uint32_t header =
        track->kind == TRACK_VIDEO ? BOX_TYPE('v', 'm', 'h', 'd') : BOX_TYPE('s', 'm', 'h', 'd');
    read_boxes(c, header, 0, 1, &track->media_header);
    read_boxes(c, BOX_TYPE('d', 'i', 'n', 'f'), 1, 1, &track->dinf);
    read_boxes(c, BOX_TYPE('s', 't', 's', 'd'), 1, 1, &track->stsd);
    read_boxes(c, BOX_TYPE('s', 'g', 'p', 'd'), 0, SIZE_MAX, &track->sgpd);
    track->edit.empty = read_time(c);
    track->edit.media_time = read_time(c);
    track->edit.duration = read_time(c);
    track->samples = read_u32(c);
    if (!track->samples || track->samples == UINT32_MAX)
        c->failed = true;
    read_runs(c, track);
    read_shifts(c, track);
    read_sizes(c, track);
    if (!c->failed) /* chunks stand on sizes */
        read_chunks(c, track);
    read_syncs(c, track);
    read_groups(c, track);
}

static int read_tracks(struct cursor *c, struct mp4 *mp4, struct error *err)
{
    size_t count = read_count(c);
    for (size_t i = 0; i < count && !c->failed; i++) {
        struct track *track = MEM_NEW(struct track);
        int rc = movie_add_track(mp4, track, err);
        if (rc) {
            free(track);
            return rc;
        }
        read_track(c, track);
        if (!c->failed && (rc = read_entries(mp4->name, track, err)) < 0)
            return rc;
    }
    return 0;
}

int sample_table_read(const char *name, const void *bytes, size_t len, struct mp4 **ret, struct error *err)
{
    CLEANUP_MP4 struct mp4 *mp4 = MEM_NEW(struct mp4);
    struct cursor c = cursor_of(bytes, len);
    mp4->name = mem_text(name);
    mp4->size = cursor_varint(&c);
    mp4->timescale = read_u32(&c);
    read_boxes(&c, BOX_TYPE('f', 't', 'y', 'p'), 0, 1, &mp4->ftyp);
    read_fixed(&c, mp4->mvhd_tail, sizeof mp4->mvhd_tail);
    int rc = read_tracks(&c, mp4, err);
    if (rc)
        return rc;
    if (c.failed || cursor_left(&c))
        return error_set(err, EINVAL, "%s: sample table damaged near byte %zu of %zu", name, c.at, c.len);
    rc = movie_complete(mp4, err);
    if (rc)
        return rc;
    *ret = STEAL(mp4);
    return 0;
}

int sample_table_unpack(const char *name, const void *bytes, size_t len, struct mp4 **ret, struct error *err)
{
    const uint8_t *head = bytes;
    if (len < HEAD_BYTES || memcmp(head, magic, sizeof magic) != 0)
        return error_set(err, EINVAL, "%s: this is no MP4 sample table", name);
    if (head[sizeof magic] != VERSION)
        return error_set(err, ENOTSUP, "%s: sample table version %u, known is %d", name, head[sizeof magic],
                         VERSION);
    unsigned long long size = ZSTD_getFrameContentSize(head + HEAD_BYTES, len - HEAD_BYTES);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > CONTENT_MAX_BYTES)
        return error_set(err, EINVAL, "%s: sample table damaged: no frame of at most %d bytes", name,
                         CONTENT_MAX_BYTES);
    CLEANUP_FREE uint8_t *content = mem_alloc((size_t)size);
    size_t got = ZSTD_decompress(content, (size_t)size, head + HEAD_BYTES, len - HEAD_BYTES);
    if (ZSTD_isError(got) || got != size)
        return error_set(err, EINVAL, "%s: sample table damaged: %s", name,
                         ZSTD_isError(got) ? ZSTD_getErrorName(got) : "cut short");
    return sample_table_read(name, content, got, ret, err);
}
