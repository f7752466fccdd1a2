// SPDX-License-Identifier: Apache-2.0
/* Samples keep the order they have in the recording, so that nearly every clip is one range. */
#include "index/containers/mp4/cut_layout.h"

#include <assert.h>
#include <stdlib.h>

void cut_layout_done(struct cut_layout *layout)
{
    for (size_t i = 0; i < MOVIE_TRACKS_MAX; i++)
        free(layout->tracks[i].chunks);
    free(layout->ranges);
    *layout = (struct cut_layout){0};
}

/* The piece of chunk `index` that the window needs. */
struct part {
    uint64_t offset, len;
    uint32_t samples, entry;
};

static struct part part_of(const struct cut_track *cut, size_t index)
{
    const struct track *track = cut->track;
    const struct track_chunk *chunk = &track->chunks[index];
    uint32_t first = chunk->first > cut->first ? chunk->first : cut->first;
    uint32_t end = track_chunk_end(track, index);
    end = end < cut->last + 1 ? end : cut->last + 1;
    uint64_t before = track_bytes_before(track, first);
    return (struct part){.offset = chunk->offset + before - track_bytes_before(track, chunk->first),
                         .len = track_bytes_before(track, end) - before,
                         .samples = end - first,
                         .entry = chunk->entry};
}

static void add_ranges(const struct cut_track *cut, struct cut_layout *layout)
{
    size_t last = track_chunk_of(cut->track, cut->last);
    for (size_t i = track_chunk_of(cut->track, cut->first); i <= last; i++) {
        struct part part = part_of(cut, i);
        mem_grow(&layout->ranges, &layout->cap, layout->count + 1, sizeof *layout->ranges);
        layout->ranges[layout->count++] = (struct cut_range){.offset = part.offset, .len = part.len};
    }
}

static int compare_ranges(const void *a, const void *b)
{
    const struct cut_range *x = a, *y = b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return x->len < y->len ? -1 : x->len > y->len;
}

static void merge_ranges(struct cut_layout *layout)
{
    if (!layout->count)
        return;
    qsort(layout->ranges, layout->count, sizeof *layout->ranges, compare_ranges);
    size_t kept = 0;
    for (size_t i = 0; i < layout->count; i++) {
        struct cut_range next = layout->ranges[i];
        struct cut_range *last = kept ? &layout->ranges[kept - 1] : NULL;
        uint64_t end = next.offset + next.len;
        if (!last || next.offset > last->offset + last->len + CUT_LAYOUT_GAP_BYTES)
            layout->ranges[kept++] = next;
        else if (end > last->offset + last->len)
            last->len = end - last->offset;
    }
    layout->count = kept;
    for (size_t i = 0; i < kept; i++) {
        layout->ranges[i].at = layout->size;
        layout->size += layout->ranges[i].len;
    }
}

/* Where an offset of the recording lies in the mdat. */
static uint64_t place(const struct cut_layout *layout, uint64_t offset)
{
    assert(layout->ranges); /* only what went into a range is looked up */
    size_t low = 0, high = layout->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (layout->ranges[middle].offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return layout->ranges[low].at + (offset - layout->ranges[low].offset);
}

static void add_chunks(const struct cut_track *cut, const struct cut_layout *layout, struct cut_chunks *ret)
{
    size_t last = track_chunk_of(cut->track, cut->last);
    uint64_t end = 0; /* of the chunk before, in the mdat */
    for (size_t i = track_chunk_of(cut->track, cut->first); i <= last; i++) {
        struct part part = part_of(cut, i);
        uint64_t at = place(layout, part.offset);
        struct cut_chunk *before = ret->count ? &ret->chunks[ret->count - 1] : NULL;
        if (before && at == end && before->entry == part.entry) {
            before->samples += part.samples;
        } else {
            mem_grow(&ret->chunks, &ret->cap, ret->count + 1, sizeof *ret->chunks);
            ret->chunks[ret->count++] = (struct cut_chunk){at, part.samples, part.entry};
        }
        end = at + part.len;
    }
}

void cut_layout_make(const struct cut_window *window, struct cut_layout *ret)
{
    struct cut_layout layout = {0};
    for (size_t i = 0; i < window->count; i++)
        add_ranges(&window->tracks[i], &layout);
    merge_ranges(&layout);
    for (size_t i = 0; i < window->count; i++)
        add_chunks(&window->tracks[i], &layout, &layout.tracks[i]);
    *ret = layout;
}
