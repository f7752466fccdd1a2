// SPDX-License-Identifier: Apache-2.0
/*
 * Where a clip's samples lie: as byte ranges of the recording, one behind the other in the clip's mdat.
 *
 *     recording:   ....[ v v v a a v v ]......[ v v a ]....      ranges, sorted, merged
 *     mdat:            [ v v v a a v v ][ v v a ]                0 = first byte behind the mdat header
 *     chunks:          | v     | a | v         | a |             of each track; what touches is one chunk
 *
 * Any thread. cut_layout_done() frees.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "index/containers/mp4/cut_window.h"

/* Ranges this close are one: the cache transfers whole blocks of 4 KiB, so nothing is saved by leaving out
 * less. */
enum { CUT_LAYOUT_GAP_BYTES = 4096 };

struct cut_range {
    uint64_t offset, len; /* in the recording */
    uint64_t at;          /* in the mdat */
};

struct cut_chunk {
    uint64_t at; /* in the mdat */
    uint32_t samples, entry;
};

struct cut_chunks {
    struct cut_chunk *chunks;
    size_t count, cap;
};

struct cut_layout {
    struct cut_range *ranges;
    size_t count, cap;
    uint64_t size; /* of all ranges */
    struct cut_chunks tracks[MOVIE_TRACKS_MAX];
};

void cut_layout_make(const struct cut_window *window, struct cut_layout *ret);
void cut_layout_done(struct cut_layout *layout);
#define CLEANUP_CUT_LAYOUT CLEANUP(cut_layout_done)
