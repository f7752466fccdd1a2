// SPDX-License-Identifier: Apache-2.0
/*
 * Boxes are written inside out: sizes are patched when a box ends, offsets once the moov's length is known.
 */
#include "tests/mp4/build_mp4.h"

#include <stdio.h>
#include <string.h>

#include "index/containers/mp4/box.h"

static uint32_t type_of(const char *text)
{
    return BOX_TYPE((uint8_t)text[0], (uint8_t)text[1], (uint8_t)text[2], (uint8_t)text[3]);
}

static bool is_audio(const struct build_track *t)
{
    return !strcmp(t->codec, "mp4a");
}

static uint32_t size_of(const struct build_track *t, uint32_t i)
{
    return t->sizes ? t->sizes[i] : t->size_each;
}

static size_t full(struct buf *b, const char *type, uint8_t version, uint32_t flags)
{
    return box_begin_full(b, type_of(type), version, flags);
}

static void write_entry(struct buf *b, const struct build_track *t)
{
    size_t entry = box_begin(b, type_of(t->codec));
    buf_zero(b, 6);
    buf_be16(b, 1);
    if (is_audio(t)) {
        buf_zero(b, 20);
    } else {
        buf_zero(b, 16);
        buf_be16(b, 64), buf_be16(b, 48);
        buf_zero(b, 50);
    }
    bool avc = !strcmp(t->codec, "avc1"), hevc = !strcmp(t->codec, "hvc1");
    if (avc || hevc) {
        size_t config = box_begin(b, type_of(avc ? "avcC" : "hvcC"));
        buf_zero(b, avc ? 4 : 21);
        buf_u8(b, 0xff); /* lengths of four bytes */
        box_end(b, config);
    }
    box_end(b, entry);
}

static void write_sizes(struct buf *b, const struct build_track *t)
{
    size_t box = full(b, t->size_bits ? "stz2" : "stsz", 0, 0);
    buf_be32(b, t->size_bits ? t->size_bits : t->size_each);
    buf_be32(b, t->samples);
    for (uint32_t i = 0; t->sizes && i < t->samples; i++) {
        if (!t->size_bits)
            buf_be32(b, t->sizes[i]);
        else if (t->size_bits == 16)
            buf_be16(b, (uint16_t)t->sizes[i]);
        else if (t->size_bits == 8)
            buf_u8(b, (uint8_t)t->sizes[i]);
        else if (i % 2)
            b->data[b->len - 1] |= (uint8_t)t->sizes[i];
        else
            buf_u8(b, (uint8_t)(t->sizes[i] << 4));
    }
    box_end(b, box);
}

static void write_pairs(struct buf *b, const char *type, uint8_t version, const struct build_pair *pairs,
                        size_t count)
{
    size_t box = full(b, type, version, 0);
    if (!strcmp(type, "sbgp"))
        buf_be32(b, type_of("roll"));
    buf_be32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        buf_be32(b, pairs[i].count), buf_be32(b, (uint32_t)pairs[i].value);
    box_end(b, box);
}

static void write_syncs(struct buf *b, const struct build_track *t)
{
    size_t box = full(b, "stss", 0, 0);
    buf_be32(b, (uint32_t)t->sync_count);
    for (size_t i = 0; i < t->sync_count; i++)
        buf_be32(b, t->syncs[i]);
    box_end(b, box);
}

static uint32_t chunk_samples(const struct build_track *t, size_t chunk)
{
    if (t->chunk_entries)
        return t->chunk_entries[chunk].count;
    return t->chunk_samples ? t->chunk_samples : t->samples;
}

static size_t chunk_count(const struct build_track *t)
{
    if (t->chunk_count)
        return t->chunk_count;
    uint32_t each = t->chunk_samples ? t->chunk_samples : t->samples;
    return each ? (t->samples + each - 1) / each : 0;
}

static void write_stsc(struct buf *b, const struct build_track *t)
{
    size_t box = full(b, "stsc", 0, 0);
    size_t chunks = chunk_count(t);
    uint32_t left = t->samples;
    buf_be32(b, (uint32_t)chunks);
    for (size_t i = 0; i < chunks; i++) {
        uint32_t samples = chunk_samples(t, i) < left ? chunk_samples(t, i) : left;
        left -= samples;
        buf_be32(b, (uint32_t)i + 1);
        buf_be32(b, samples);
        buf_be32(b, t->chunk_entries ? (uint32_t)t->chunk_entries[i].value : 1);
    }
    box_end(b, box);
}

/* Advances *offset behind the track's samples. */
static void write_offsets(struct buf *b, const struct build_track *t, uint64_t *offset)
{
    size_t box = full(b, t->wide ? "co64" : "stco", 0, 0);
    size_t chunks = chunk_count(t);
    buf_be32(b, (uint32_t)chunks);
    uint32_t sample = 0;
    for (size_t i = 0; i < chunks; i++) {
        uint64_t at = t->chunk_offsets ? t->chunk_offsets[i] : *offset;
        if (t->wide)
            buf_be64(b, at);
        else
            buf_be32(b, (uint32_t)at);
        for (uint32_t k = 0; k < chunk_samples(t, i) && sample < t->samples; k++)
            *offset += size_of(t, sample++);
    }
    box_end(b, box);
}

static void write_stbl(struct buf *b, const struct build_track *t, uint64_t *offset)
{
    size_t stbl = box_begin(b, type_of("stbl"));
    size_t stsd = full(b, "stsd", 0, 0);
    uint32_t entries = t->entries ? t->entries : 1;
    buf_be32(b, entries);
    for (uint32_t i = 0; i < entries; i++)
        write_entry(b, t);
    box_end(b, stsd);
    write_pairs(b, "stts", 0, t->durations, t->duration_count);
    if (t->shifts)
        write_pairs(b, "ctts", t->shift_version, t->shifts, t->shift_count);
    if (t->syncs)
        write_syncs(b, t);
    write_sizes(b, t);
    write_stsc(b, t);
    write_offsets(b, t, offset);
    if (t->groups)
        write_pairs(b, "sbgp", 0, t->groups, t->group_count);
    box_end(b, stbl);
}

static void write_minf(struct buf *b, const struct build_track *t, uint64_t *offset)
{
    size_t minf = box_begin(b, type_of("minf"));
    size_t header = full(b, is_audio(t) ? "smhd" : "vmhd", 0, is_audio(t) ? 0 : 1);
    buf_zero(b, is_audio(t) ? 4 : 8);
    box_end(b, header);
    size_t dinf = box_begin(b, type_of("dinf"));
    size_t dref = full(b, "dref", 0, 0);
    buf_be32(b, 1);
    box_end(b, full(b, "url ", 0, 1));
    box_end(b, dref);
    box_end(b, dinf);
    write_stbl(b, t, offset);
    box_end(b, minf);
}

static void write_edits(struct buf *b, const struct build_track *t)
{
    size_t edts = box_begin(b, type_of("edts"));
    size_t elst = full(b, "elst", 1, 0);
    buf_be32(b, (uint32_t)t->edit_count);
    for (size_t i = 0; i < t->edit_count; i++) {
        buf_be64(b, (uint64_t)t->edits[i].duration);
        buf_be64(b, (uint64_t)t->edits[i].media_time);
        buf_be32(b, 0x10000);
    }
    box_end(b, elst);
    box_end(b, edts);
}

static void write_trak(struct buf *b, const struct build_track *t, uint32_t id, uint64_t *offset)
{
    size_t trak = box_begin(b, type_of("trak"));
    size_t tkhd = full(b, "tkhd", 0, 3);
    buf_zero(b, 8);
    buf_be32(b, id);
    buf_zero(b, 8 + 60);
    box_end(b, tkhd);
    if (t->edits)
        write_edits(b, t);
    size_t mdia = box_begin(b, type_of("mdia"));
    size_t mdhd = full(b, "mdhd", 0, 0);
    buf_zero(b, 8);
    buf_be32(b, t->timescale);
    buf_be32(b, 0);
    buf_be32(b, 0x55c40000);
    box_end(b, mdhd);
    size_t hdlr = full(b, "hdlr", 0, 0);
    buf_be32(b, 0);
    buf_be32(b, type_of(is_audio(t) ? "soun" : "vide"));
    buf_zero(b, 13);
    box_end(b, hdlr);
    write_minf(b, t, offset);
    box_end(b, mdia);
    box_end(b, trak);
}

static void write_all(struct buf *b, const struct build *build, uint64_t offset)
{
    size_t ftyp = box_begin(b, type_of("ftyp"));
    buf_append(b, "isom\0\0\2\0isommp41", 16);
    box_end(b, ftyp);
    size_t moov = box_begin(b, type_of("moov"));
    size_t mvhd = full(b, "mvhd", 0, 0);
    buf_zero(b, 8);
    buf_be32(b, build->movie_timescale ? build->movie_timescale : 1000);
    buf_be32(b, 0);
    buf_zero(b, 76);
    buf_be32(b, 3);
    box_end(b, mvhd);
    for (uint32_t i = 0; i < 2; i++)
        if (build->tracks[i].codec)
            write_trak(b, &build->tracks[i], i + 1, &offset);
    box_end(b, moov);
}

static uint64_t total_size(const struct build *build)
{
    uint64_t total = 0;
    for (uint32_t k = 0; k < 2; k++)
        for (uint32_t i = 0; build->tracks[k].codec && i < build->tracks[k].samples; i++)
            total += size_of(&build->tracks[k], i);
    return total;
}

void build_mp4(const struct build *build, struct buf *ret)
{
    write_all(ret, build, 0);
    uint64_t offset = ret->len + 8;
    buf_clear(ret);
    write_all(ret, build, offset);
    size_t mdat = box_begin(ret, type_of("mdat"));
    size_t len = build->samples ? build->samples_len : (size_t)total_size(build);
    for (size_t i = 0; i < len; i++)
        buf_u8(ret, build->samples ? build->samples[i] : (uint8_t)i);
    box_end(ret, mdat);
}

uint32_t get_be32(const uint8_t *from)
{
    return BOX_TYPE(from[0], from[1], from[2], from[3]);
}

void put_be32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

uint8_t *find_box(struct buf *bytes, const char *path)
{
    uint8_t *at = bytes->data, *end = bytes->data + bytes->len;
    for (;;) {
        while (at < end && get_be32(at + 4) != type_of(path))
            at += get_be32(at);
        if (at >= end) {
            fprintf(stderr, "no box %s\n", path);
            abort();
        }
        if (!path[4])
            return at;
        end = at + get_be32(at);
        at += 8;
        path += 5;
    }
}

int scan_bytes(const struct buf *bytes, struct mp4 **ret, struct error *err)
{
    struct memory_recording memory;
    recording_of_memory(&memory, "clip.mp4", bytes->data, bytes->len);
    return mp4_scan(&memory.recording, ret, err);
}

void flatten(const struct slice *slice, const struct buf *bytes, struct buf *ret)
{
    for (size_t i = 0; i < slice->count; i++) {
        const struct slice_piece *piece = &slice->pieces[i];
        const struct buf *from = piece->kind == SLICE_INLINE ? &slice->inline_bytes : bytes;
        buf_append(ret, from->data + piece->offset, (size_t)piece->len);
    }
}
