// SPDX-License-Identifier: Apache-2.0
/*
 * One track's samples, kept compact: runs of equal durations, sums of sizes, runs of samples that lie side by
 * side. A day of PCM audio or a million frames cost a few bytes a sample at most.
 *
 *     sample i:   dts, delta     `runs`, by binary search          section 8.6.1.2, stts
 *                 cts - dts      `shifts[i]`, NULL: all 0          8.6.1.3, ctts
 *                 size           `sums` or `size_each`             8.7.3, stsz and stz2
 *                 offset, entry  `chunks`, by binary search        8.7.4 - 8.7.5, stsc, stco and co64
 *                 sync           `syncs`, ascending; `all_sync`    8.6.2, stss
 *
 * All times are ticks of `timescale`; dts of sample 0 is 0. Samples count from 0 in decode order; chunks that
 * touch in the recording and share a sample entry are one chunk.
 *
 * Invariants, checked by track_check() whatever the bytes came from:
 *   1. 0 < samples < 2^32 - 1; video and shifted tracks at most TRACK_SAMPLES_MAX
 *   2. runs, shifts, sizes and chunks each cover exactly `samples` samples
 *   3. every chunk lies inside the recording; all samples together are no larger than it
 *   4. every delta < 2^31; the track lasts less than 2^33 seconds and 2^62 ticks
 *   5. shifts lie less than 2^31 apart, so that a clip's, which count from the smallest, fit again
 *   6. syncs ascend and are < samples; every chunk's entry is one of `entries`
 *
 * Thread rule: one thread while it is built, then immutable.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/containers/mp4/sample_entry.h"

enum track_kind { TRACK_VIDEO = 1, TRACK_AUDIO = 2 };

enum { TRACK_TKHD_TAIL_BYTES = 60, TRACK_SAMPLES_MAX = 1 << 24 };

struct track_run {
    uint32_t first; /* sample */
    uint32_t delta;
    int64_t dts; /* of `first` */
};

struct track_chunk {
    uint64_t offset; /* in the recording */
    uint32_t first;  /* sample */
    uint32_t entry;  /* of stsd, from 1 */
};

/* The source's edit list: `empty`, then the media from `media_time` on. */
struct track_edit {
    int64_t empty;      /* ticks of the movie */
    int64_t media_time; /* ticks of the track */
    int64_t duration;   /* ticks of the movie; 0: to the end */
};

struct track_group_run {
    uint32_t count, index;
};

/* One sbgp box (section 8.9.2). */
struct track_group {
    uint32_t type, parameter;
    bool has_parameter;
    struct track_group_run *runs;
    size_t run_count, run_cap;
};

struct track {
    enum track_kind kind;
    uint32_t id, flags, timescale;
    uint16_t language;
    uint8_t tkhd_tail[TRACK_TKHD_TAIL_BYTES];        /* from behind the duration: layer ... height */
    struct buf hdlr, media_header, dinf, stsd, sgpd; /* whole boxes, copied into every clip; sgpd: several */
    struct sample_entry *entries;
    size_t entry_count;

    uint32_t samples;
    uint64_t timed; /* samples covered by runs so far */
    struct track_run *runs;
    size_t run_count, run_cap;
    int32_t *shifts;
    uint32_t size_each; /* 0: sums */
    uint64_t *sums;     /* samples + 1; sums[0] = 0 */
    uint64_t placed;    /* samples covered by chunks so far */
    struct track_chunk *chunks;
    size_t chunk_count, chunk_cap;
    bool all_sync;
    uint32_t *syncs;
    size_t sync_count;
    bool open_gops;    /* H.264: sync samples may be recovery points instead of IDR pictures */
    bool *false_syncs; /* a sync sample each: no decoder can start there, whatever stss says; NULL: none is */
    struct track_group *groups;
    size_t group_count, group_cap;
    struct track_edit edit;
};

void track_done(struct track *track);

/* Builders: append `count` samples, which cannot be undone. False where that makes more than `samples`, or
 * times beyond invariant 4. Sizes are set before the first chunk. */
bool track_add_run(struct track *track, uint64_t count, uint32_t delta);
bool track_add_chunk(struct track *track, uint64_t offset, uint64_t count, uint32_t entry);

/* The invariants above. `where` names recording and track for errors. -EINVAL, -ENOTSUP. */
int track_check(const struct track *track, uint64_t recording_size, const char *where, struct error *err);

int64_t track_dts(const struct track *track, uint32_t i); /* i == samples: the end of the last sample */
uint32_t track_delta(const struct track *track, uint32_t i);
int64_t track_cts(const struct track *track, uint32_t i);
uint64_t track_bytes_before(const struct track *track, uint32_t i); /* sizes of samples [0, i) */
uint32_t track_size(const struct track *track, uint32_t i);
size_t track_run_of(const struct track *track, uint32_t i);
size_t track_chunk_of(const struct track *track, uint32_t i);
uint64_t track_offset(const struct track *track, uint32_t i);
uint32_t track_chunk_end(const struct track *track, size_t chunk); /* the sample behind its last */
/* The sample whose [dts, dts + delta) holds `dts`; the first or last where it lies outside. */
uint32_t track_sample_at(const struct track *track, int64_t dts);
/* Index into `syncs` of the last sync sample <= i, or -1. Not for all_sync. */
int64_t track_sync_before(const struct track *track, uint32_t i);
