// SPDX-License-Identifier: Apache-2.0
/* Lookups are binary searches over runs: a constant frame rate is one run, a LeRobot file one chunk. */
#include "index/containers/mp4/track.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define TICKS_MAX   ((int64_t)1 << 62)
#define SECONDS_MAX ((int64_t)1 << 33)

void track_done(struct track *track)
{
    buf_done(&track->hdlr);
    buf_done(&track->media_header);
    buf_done(&track->dinf);
    buf_done(&track->stsd);
    buf_done(&track->sgpd);
    for (size_t i = 0; i < track->group_count; i++)
        free(track->groups[i].runs);
    free(track->groups);
    free(track->entries);
    free(track->runs);
    free(track->shifts);
    free(track->sums);
    free(track->chunks);
    free(track->syncs);
    free(track->false_syncs);
    *track = (struct track){0};
}

static int64_t run_end_dts(const struct track *track, size_t run, uint64_t end)
{
    return track->runs[run].dts + (int64_t)((end - track->runs[run].first) * track->runs[run].delta);
}

bool track_add_run(struct track *track, uint64_t count, uint32_t delta)
{
    if (count > track->samples - track->timed || delta > INT32_MAX || count * delta >= TICKS_MAX)
        return false;
    if (!count)
        return true;
    struct track_run *last = track->run_count ? &track->runs[track->run_count - 1] : NULL;
    if (!last || last->delta != delta) {
        int64_t dts = last ? run_end_dts(track, track->run_count - 1, track->timed) : 0;
        mem_grow(&track->runs, &track->run_cap, track->run_count + 1, sizeof *track->runs);
        track->runs[track->run_count++] = (struct track_run){(uint32_t)track->timed, delta, dts};
    }
    track->timed += count;
    return run_end_dts(track, track->run_count - 1, track->timed) < TICKS_MAX;
}

static bool continues(const struct track *track, uint64_t offset, uint32_t entry)
{
    if (!track->chunk_count)
        return false;
    const struct track_chunk *last = &track->chunks[track->chunk_count - 1];
    uint64_t len =
        track_bytes_before(track, (uint32_t)track->placed) - track_bytes_before(track, last->first);
    return last->entry == entry && offset - last->offset == len;
}

bool track_add_chunk(struct track *track, uint64_t offset, uint64_t count, uint32_t entry)
{
    if (count > track->samples - track->placed)
        return false;
    if (count && !continues(track, offset, entry)) {
        mem_grow(&track->chunks, &track->chunk_cap, track->chunk_count + 1, sizeof *track->chunks);
        track->chunks[track->chunk_count++] = (struct track_chunk){offset, (uint32_t)track->placed, entry};
    }
    track->placed += count;
    return true;
}

size_t track_run_of(const struct track *track, uint32_t i)
{
    size_t low = 0, high = track->run_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (track->runs[middle].first <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t track_dts(const struct track *track, uint32_t i)
{
    return run_end_dts(track, track_run_of(track, i), i);
}

uint32_t track_delta(const struct track *track, uint32_t i)
{
    return track->runs[track_run_of(track, i)].delta;
}

int64_t track_cts(const struct track *track, uint32_t i)
{
    return track_dts(track, i) + (track->shifts ? track->shifts[i] : 0);
}

uint64_t track_bytes_before(const struct track *track, uint32_t i)
{
    return track->sums ? track->sums[i] : (uint64_t)track->size_each * i;
}

uint32_t track_size(const struct track *track, uint32_t i)
{
    return (uint32_t)(track_bytes_before(track, i + 1) - track_bytes_before(track, i));
}

size_t track_chunk_of(const struct track *track, uint32_t i)
{
    size_t low = 0, high = track->chunk_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (track->chunks[middle].first <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint64_t track_offset(const struct track *track, uint32_t i)
{
    const struct track_chunk *chunk = &track->chunks[track_chunk_of(track, i)];
    return chunk->offset + track_bytes_before(track, i) - track_bytes_before(track, chunk->first);
}

uint32_t track_chunk_end(const struct track *track, size_t chunk)
{
    return chunk + 1 < track->chunk_count ? track->chunks[chunk + 1].first : track->samples;
}

uint32_t track_sample_at(const struct track *track, int64_t dts)
{
    size_t low = 0, high = track->run_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (track->runs[middle].dts <= dts)
            low = middle;
        else
            high = middle;
    }
    const struct track_run *run = &track->runs[low];
    uint32_t end = low + 1 < track->run_count ? track->runs[low + 1].first : track->samples;
    if (dts <= run->dts || !run->delta)
        return run->first;
    uint64_t ahead = (uint64_t)(dts - run->dts) / run->delta;
    return ahead < end - run->first ? run->first + (uint32_t)ahead : end - 1;
}

int64_t track_sync_before(const struct track *track, uint32_t i)
{
    size_t low = 0, high = track->sync_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (track->syncs[middle] <= i)
            low = middle + 1;
        else
            high = middle;
    }
    return (int64_t)low - 1;
}

static int check_times(const struct track *track, const char *where, struct error *err)
{
    if (track->timed != track->samples)
        return error_set(err, EINVAL, "%s: its times cover %" PRIu64 " of %" PRIu32 " samples", where,
                         track->timed, track->samples);
    if (!track->timescale)
        return error_set(err, EINVAL, "%s: its timescale is 0", where);
    if (track_dts(track, track->samples) / track->timescale >= SECONDS_MAX)
        return error_set(err, EINVAL, "%s: it lasts longer than 2^33 seconds", where);
    return 0;
}

static int check_places(const struct track *track, uint64_t size, const char *where, struct error *err)
{
    if (track->placed != track->samples)
        return error_set(err, EINVAL, "%s: its chunks hold %" PRIu64 " of %" PRIu32 " samples", where,
                         track->placed, track->samples);
    if (track_bytes_before(track, track->samples) > size)
        return error_set(err, ENODATA, "%s: truncated: its samples are larger than the file", where);
    for (size_t i = 0; i < track->chunk_count; i++) {
        const struct track_chunk *chunk = &track->chunks[i];
        uint64_t len =
            track_bytes_before(track, track_chunk_end(track, i)) - track_bytes_before(track, chunk->first);
        if (chunk->offset > size || len > size - chunk->offset)
            return error_set(err, ENODATA,
                             "%s: truncated: samples from %" PRIu32 " on lie at offset %" PRIu64
                             ", but the file has %" PRIu64 " bytes",
                             where, chunk->first, chunk->offset, size);
        if (chunk->entry < 1 || chunk->entry > track->entry_count)
            return error_set(err, EINVAL, "%s: sample %" PRIu32 " has sample entry %" PRIu32 " of %zu", where,
                             chunk->first, chunk->entry, track->entry_count);
    }
    return 0;
}

static int check_syncs(const struct track *track, const char *where, struct error *err)
{
    for (size_t i = 0; i < track->sync_count; i++)
        if (track->syncs[i] >= track->samples || (i && track->syncs[i] <= track->syncs[i - 1]))
            return error_set(err, EINVAL, "%s: its sync sample table is not in order at entry %zu", where, i);
    for (size_t g = 0; g < track->group_count; g++) {
        uint64_t count = 0;
        for (size_t i = 0; i < track->groups[g].run_count; i++)
            count += track->groups[g].runs[i].count;
        if (count > track->samples)
            return error_set(err, EINVAL, "%s: a sample group covers more samples than there are", where);
    }
    return 0;
}

static int check_shifts(const struct track *track, const char *where, struct error *err)
{
    int64_t least = 0, most = 0;
    for (uint32_t i = 0; track->shifts && i < track->samples; i++) {
        least = i && least < track->shifts[i] ? least : track->shifts[i];
        most = i && most > track->shifts[i] ? most : track->shifts[i];
    }
    if (most - least <= INT32_MAX)
        return 0;
    return error_set(err, EINVAL, "%s: its composition offsets lie %" PRId64 " ticks apart", where,
                     most - least);
}

int track_check(const struct track *track, uint64_t recording_size, const char *where, struct error *err)
{
    if (!track->samples || track->samples == UINT32_MAX)
        return error_set(err, EINVAL, "%s: it has %" PRIu32 " samples", where, track->samples);
    if ((track->kind == TRACK_VIDEO || track->shifts) && track->samples > TRACK_SAMPLES_MAX)
        return error_set(err, ENOTSUP, "%s: it has %" PRIu32 " samples, at most %d are cut", where,
                         track->samples, TRACK_SAMPLES_MAX);
    if (track->kind == TRACK_AUDIO && track->shifts)
        return error_set(err, ENOTSUP, "%s: its audio is stored out of order", where);
    int rc = check_times(track, where, err);
    if (!rc)
        rc = check_shifts(track, where, err);
    if (!rc)
        rc = check_places(track, recording_size, where, err);
    return rc ? rc : check_syncs(track, where, err);
}
