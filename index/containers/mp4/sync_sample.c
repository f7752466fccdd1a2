// SPDX-License-Identifier: Apache-2.0
/* The first sample needs no look: a clip from there on decodes as the recording itself does. */
#include "index/containers/mp4/sync_sample.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "index/containers/mp4/nal.h"

enum { PROBE_BYTES = 2048, UNIT_BYTES = 64, REFILLS_MAX = 16, EVEN_PROBES = SYNC_SAMPLE_PROBES / 2 };

static enum nal_codec codec_of(uint32_t type)
{
    switch (type) {
    case BOX_TYPE('a', 'v', 'c', '1'):
    case BOX_TYPE('a', 'v', 'c', '3'):
        return NAL_H264;
    case BOX_TYPE('h', 'v', 'c', '1'):
    case BOX_TYPE('h', 'e', 'v', '1'):
    case BOX_TYPE('d', 'v', 'h', '1'):
    case BOX_TYPE('d', 'v', 'h', 'e'):
        return NAL_HEVC;
    default:
        return NAL_NONE;
    }
}

/* A sample's bytes through a small window, moved as NAL units are skipped. */
struct peek {
    const struct recording *recording;
    uint64_t offset; /* of the sample */
    uint32_t size;
    uint64_t start; /* of the window, in the sample */
    size_t len;
    unsigned refills;
    uint8_t bytes[PROBE_BYTES];
};

/* Makes [at, at + want), or what the sample has of it, lie in the window; *ret_len tells how much is there.
 */
static int peek_at(struct peek *peek, uint64_t at, size_t want, const uint8_t **ret, size_t *ret_len,
                   struct error *err)
{
    uint64_t left = peek->size - at;
    if (want > left)
        want = (size_t)left;
    if (at < peek->start || at + want > peek->start + peek->len) {
        size_t len = left < PROBE_BYTES ? (size_t)left : PROBE_BYTES;
        int rc = recording_read(peek->recording, peek->offset + at, len, peek->bytes, err);
        if (rc)
            return rc;
        peek->start = at;
        peek->len = len;
        peek->refills++;
    }
    *ret = peek->bytes + (at - peek->start);
    *ret_len = (size_t)(peek->start + peek->len - at);
    return 0;
}

static int look_at_units(struct peek *peek, size_t length_bytes, struct nal_scan *scan, enum nal_start *ret,
                         struct error *err)
{
    *ret = NAL_MORE;
    for (uint64_t at = 0;
         at + length_bytes < peek->size && *ret == NAL_MORE && peek->refills <= REFILLS_MAX;) {
        const uint8_t *bytes;
        size_t len;
        int rc = peek_at(peek, at, length_bytes + UNIT_BYTES, &bytes, &len, err);
        if (rc)
            return rc;
        uint64_t unit = 0;
        for (size_t i = 0; i < length_bytes; i++)
            unit = unit << 8 | bytes[i];
        size_t there = len - length_bytes;
        *ret = nal_look(scan, bytes + length_bytes, unit < there ? (size_t)unit : there);
        at += length_bytes + unit;
    }
    return 0;
}

static int probe(const struct recording *recording, const struct track *video, uint32_t sample,
                 enum nal_start *ret, struct error *err)
{
    uint32_t entry = video->chunks[track_chunk_of(video, sample)].entry;
    const struct sample_entry *described = &video->entries[entry - 1];
    struct nal_scan scan = {.codec = codec_of(described->type)};
    *ret = NAL_KEY;
    if (scan.codec == NAL_NONE)
        return 0;
    if (!described->nal_length)
        return error_set(err, EINVAL, "%s: sample entry %" PRIu32 " has no codec configuration",
                         recording->name, entry);
    struct peek peek = {
        .recording = recording, .offset = track_offset(video, sample), .size = track_size(video, sample)};
    return look_at_units(&peek, described->nal_length, &scan, ret, err);
}

/* A key frame's size over the average of the samples up to the next one, in 1/256. Refreshed pictures have
 * about 256, key frames a multiple. */
static uint64_t relative_size(const struct track *video, size_t sync)
{
    uint32_t first = video->syncs[sync];
    uint32_t end = sync + 1 < video->sync_count ? video->syncs[sync + 1] : video->samples;
    uint64_t own = track_size(video, first);
    uint64_t others = track_bytes_before(video, end) - track_bytes_before(video, first + 1);
    uint64_t average = others ? others / (end - first - 1) : 0;
    return own * 256 / (average ? average : 1);
}

struct probes {
    size_t sync[SYNC_SAMPLE_PROBES]; /* indices into track.syncs */
    size_t count;
};

/* Keeps the EVEN_PROBES smallest by insertion. */
static void add_smallest(const struct track *video, size_t from, struct probes *probes)
{
    uint64_t sizes[EVEN_PROBES];
    size_t base = probes->count, kept = 0;
    for (size_t i = from; i < video->sync_count; i++) {
        uint64_t size = relative_size(video, i);
        size_t to = kept;
        while (to && sizes[to - 1] > size)
            to--;
        if (to == EVEN_PROBES)
            continue;
        kept += kept < EVEN_PROBES;
        memmove(sizes + to + 1, sizes + to, (kept - 1 - to) * sizeof *sizes);
        memmove(probes->sync + base + to + 1, probes->sync + base + to,
                (kept - 1 - to) * sizeof *probes->sync);
        sizes[to] = size;
        probes->sync[base + to] = i;
    }
    probes->count += kept;
}

static void choose_probes(const struct track *video, size_t from, struct probes *probes)
{
    size_t count = video->sync_count - from;
    if (count <= SYNC_SAMPLE_PROBES) {
        while (probes->count < count)
            probes->sync[probes->count++] = from++;
        return;
    }
    for (size_t i = 0; i < EVEN_PROBES; i++)
        probes->sync[probes->count++] = from + i * (count - 1) / (EVEN_PROBES - 1);
    add_smallest(video, from, probes);
}

static int check_probes(const struct recording *recording, const struct track *video,
                        const struct probes *probes, bool *ret_sound, struct error *err)
{
    *ret_sound = true;
    for (size_t i = 0; i < probes->count && *ret_sound; i++) {
        enum nal_start start;
        int rc = probe(recording, video, video->syncs[probes->sync[i]], &start, err);
        if (rc)
            return rc;
        *ret_sound = start == NAL_KEY;
    }
    return 0;
}

/* Sync samples beyond the limit are not trusted. */
static int classify_all(const struct recording *recording, struct track *video, struct error *err)
{
    video->false_syncs = mem_zero(video->sync_count * sizeof *video->false_syncs);
    for (size_t i = 0; i < video->sync_count; i++) {
        enum nal_start start = video->syncs[i] ? NAL_OTHER : NAL_KEY;
        int rc = video->syncs[i] && i < SYNC_SAMPLE_READS_MAX
                     ? probe(recording, video, video->syncs[i], &start, err)
                     : 0;
        if (rc)
            return rc;
        video->false_syncs[i] = start != NAL_KEY;
    }
    return 0;
}

/* Without a table every sample is said to be a key frame; a few, evenly spread, are looked at. */
static int check_all_sync(const struct recording *recording, const struct track *video, struct error *err)
{
    for (uint32_t i = 1; i <= SYNC_SAMPLE_PROBES; i++) {
        uint32_t sample = (uint32_t)((uint64_t)(video->samples - 1) * i / SYNC_SAMPLE_PROBES);
        enum nal_start start = NAL_KEY;
        int rc = sample ? probe(recording, video, sample, &start, err) : 0;
        if (rc)
            return rc;
        if (start != NAL_KEY && start != NAL_INTRA)
            return error_set(err, ENOTSUP,
                             "%s: it has no sync sample table, but sample %" PRIu32 " is no key frame",
                             recording->name, sample);
    }
    return 0;
}

int sync_sample_check(const struct recording *recording, struct mp4 *mp4, struct error *err)
{
    struct track *video = mp4->tracks[0];
    bool reads = false;
    for (size_t i = 0; i < video->entry_count; i++)
        reads = reads || codec_of(video->entries[i].type) != NAL_NONE;
    if (!reads)
        return 0;
    if (video->all_sync)
        return check_all_sync(recording, video, err);
    struct probes probes = {0};
    choose_probes(video, video->sync_count && !video->syncs[0], &probes);
    bool sound;
    int rc = check_probes(recording, video, &probes, &sound, err);
    return rc || sound ? rc : classify_all(recording, video, err);
}
