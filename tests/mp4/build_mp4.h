// SPDX-License-Identifier: Apache-2.0
/* Small MP4 files made by hand, so that each table can be what a test wants it to be. The moov comes first.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "index/containers/mp4/mp4.h"
#include "index/containers/recording.h"

struct build_pair {
    uint32_t count;
    int32_t value;
};

struct build_edit {
    int64_t duration, media_time;
};

/* Arrays end by their counts; what is NULL or 0 is left out or takes the plain choice. */
struct build_track {
    const char *codec; /* "av01", "avc1", "mp4a" ...; an audio track if it is "mp4a" */
    uint32_t timescale;
    const uint32_t *sizes;
    uint32_t samples;
    uint32_t size_each; /* instead of sizes */
    unsigned size_bits; /* 4, 8, 16: an stz2 box */
    const struct build_pair *durations;
    size_t duration_count;
    const struct build_pair *shifts; /* ctts */
    size_t shift_count;
    uint8_t shift_version;
    const uint32_t *syncs; /* from 1 */
    size_t sync_count;
    const struct build_edit *edits;
    size_t edit_count;
    uint32_t chunk_samples;                 /* 0: one chunk */
    const uint64_t *chunk_offsets;          /* NULL: one behind the other from the start of the mdat */
    size_t chunk_count;                     /* of chunk_offsets */
    bool wide;                              /* co64 */
    uint32_t entries;                       /* sample entries, 0: one */
    const struct build_pair *chunk_entries; /* stsc: samples a chunk, entry; one a chunk */
    const struct build_pair *groups;        /* sbgp 'roll': count, index */
    size_t group_count;
};

struct build {
    struct build_track tracks[2];
    uint32_t movie_timescale; /* 0: 1000 */
    const uint8_t *samples;   /* the mdat's content; NULL: bytes that count up */
    size_t samples_len;
};

void build_mp4(const struct build *build, struct buf *ret);

/* The first box of the path "moov/trak/mdia/..." in `bytes`; ends the test if it is not there. */
uint8_t *find_box(struct buf *bytes, const char *path);
void put_be32(uint8_t *to, uint32_t value);
uint32_t get_be32(const uint8_t *from);

/* Scans `bytes` as "clip.mp4". */
int scan_bytes(const struct buf *bytes, struct mp4 **ret, struct error *err);
/* The slice as the bytes of a file; `bytes` is the recording. */
void flatten(const struct slice *slice, const struct buf *bytes, struct buf *ret);
