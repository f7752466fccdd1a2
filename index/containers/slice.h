// SPDX-License-Identifier: Apache-2.0
/*
 * What a container's slicer makes: a virtual file as an ordered list of pieces, each inline bytes or a byte
 * range of the one recording it was cut from. Change sets carry slices; the catalog turns them into extents
 * (cache/extent.h).
 *
 *     piece:   | header (inline) | samples (recording [a, b)) | trailer (inline) |
 *
 * Thread rule: one thread at a time. Ownership: slice_done() frees.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/buf.h"

enum slice_kind {
    SLICE_INLINE = 1,    /* `offset` into slice.inline_bytes */
    SLICE_RECORDING = 2, /* `offset` into the recording */
};

struct slice_piece {
    enum slice_kind kind;
    uint64_t offset; /* bytes */
    uint64_t len;    /* bytes, > 0 */
};

enum { SLICE_REASON_BYTES = 256 };

struct slice {
    struct slice_piece *pieces;
    size_t count, cap;
    struct buf inline_bytes;
    uint64_t size;      /* sum of the pieces' lengths */
    int64_t preroll_ns; /* decoded but hidden by the edit list before the first displayed frame; 0: none */
    char *reason;       /* why the file was passed through whole instead of cut, of less than
                           SLICE_REASON_BYTES; NULL if it was cut */
};

#define SLICE_INIT    ((struct slice){0})
#define CLEANUP_SLICE CLEANUP(slice_done)

void slice_done(struct slice *slice);
void slice_add_inline(struct slice *slice, const void *bytes,
                      size_t len); /* merges with an inline piece before it */
void slice_add_range(struct slice *slice, uint64_t offset,
                     uint64_t len); /* merges with a touching range before it */
void slice_whole(struct slice *slice, uint64_t size, const char *reason); /* the recording as it is */
void slice_set_reason(struct slice *slice, const char *reason); /* copies as much as fits; NULL or "": none */
