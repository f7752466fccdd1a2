// SPDX-License-Identifier: Apache-2.0
/* Pieces are merged as they are added: nearly every clip ends up as one header and one range. */
#include "index/containers/slice.h"

#include <stdlib.h>
#include <string.h>

static void add(struct slice *slice, enum slice_kind kind, uint64_t offset, uint64_t len)
{
    if (!len)
        return;
    slice->size += len;
    struct slice_piece *last = slice->count ? &slice->pieces[slice->count - 1] : NULL;
    if (last && last->kind == kind && last->offset + last->len == offset) {
        last->len += len;
        return;
    }
    mem_grow(&slice->pieces, &slice->cap, slice->count + 1, sizeof *slice->pieces);
    slice->pieces[slice->count++] = (struct slice_piece){kind, offset, len};
}

void slice_done(struct slice *slice)
{
    free(slice->pieces);
    buf_done(&slice->inline_bytes);
    free(slice->reason);
    *slice = SLICE_INIT;
}

void slice_add_inline(struct slice *slice, const void *bytes, size_t len)
{
    uint64_t offset = slice->inline_bytes.len;
    buf_append(&slice->inline_bytes, bytes, len);
    add(slice, SLICE_INLINE, offset, len);
}

void slice_add_range(struct slice *slice, uint64_t offset, uint64_t len)
{
    add(slice, SLICE_RECORDING, offset, len);
}

void slice_whole(struct slice *slice, uint64_t size, const char *reason)
{
    slice_done(slice);
    slice_add_range(slice, 0, size);
    slice_set_reason(slice, reason);
}

void slice_set_reason(struct slice *slice, const char *reason)
{
    char *copy = reason && *reason ? mem_copy(reason, strnlen(reason, SLICE_REASON_BYTES - 1)) : NULL;
    free(slice->reason);
    slice->reason = copy;
}
