// SPDX-License-Identifier: Apache-2.0
/* A list of pieces and their bytes, bounded in number and size; one that is not whole answers nothing. */
#include "tools/import/scan.h"

#include <string.h>

#include "cache/base/cursor.h"

void scan_done(struct scan *scan)
{
    free(scan->pieces);
    buf_done(&scan->bytes);
    *scan = SCAN_INIT;
}

const uint8_t *scan_find(const struct scan *scan, uint64_t offset, size_t len)
{
    for (size_t i = 0; i < scan->count; i++) {
        const struct scan_piece *piece = &scan->pieces[i];
        if (offset >= piece->offset && offset - piece->offset <= piece->len &&
            len <= piece->len - (offset - piece->offset))
            return scan->bytes.data + piece->at + (offset - piece->offset);
    }
    return NULL;
}

/* Parsers read on where they stopped: that is one piece. */
void scan_add(struct scan *scan, uint64_t offset, const void *bytes, size_t len)
{
    struct scan_piece *last = scan->count ? &scan->pieces[scan->count - 1] : NULL;
    bool goes_on = last && offset == last->offset + last->len;
    if (!len || scan->too_large)
        return;
    if (len > SCAN_BYTES_MAX - scan->bytes.len || (!goes_on && scan->count == SCAN_PIECES_MAX)) {
        scan->too_large = true;
        return;
    }
    if (goes_on) {
        last->len += len;
    } else {
        mem_grow(&scan->pieces, &scan->cap, scan->count + 1, sizeof *scan->pieces);
        scan->pieces[scan->count++] =
            (struct scan_piece){.offset = offset, .at = scan->bytes.len, .len = len};
    }
    buf_append(&scan->bytes, bytes, len);
    scan->grown = true;
}

void scan_encode(const struct scan *scan, struct buf *buf)
{
    buf_varint(buf, scan->count);
    for (size_t i = 0; i < scan->count; i++) {
        buf_varint(buf, scan->pieces[i].offset);
        buf_varint(buf, scan->pieces[i].len);
    }
    buf_append(buf, scan->bytes.data, scan->bytes.len);
}

static bool decode(struct cursor *c, uint64_t size, struct scan *ret)
{
    uint64_t count = cursor_varint(c), total = 0;
    if (count > SCAN_PIECES_MAX)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t offset = cursor_varint(c), len = cursor_varint(c);
        if (c->failed || offset > size || len > size - offset || len > SCAN_BYTES_MAX - total)
            return false;
        mem_grow(&ret->pieces, &ret->cap, ret->count + 1, sizeof *ret->pieces);
        ret->pieces[ret->count++] =
            (struct scan_piece){.offset = offset, .at = (size_t)total, .len = (size_t)len};
        total += len;
    }
    const uint8_t *bytes = cursor_left(c) == total ? cursor_bytes(c, total) : NULL;
    if (c->failed || (total && !bytes))
        return false;
    if (total)
        buf_append(&ret->bytes, bytes, (size_t)total);
    return true;
}

bool scan_decode(const void *bytes, size_t len, uint64_t size, struct scan *ret)
{
    struct cursor cursor = cursor_of(bytes, len);
    bool sound = decode(&cursor, size, ret) && !cursor_left(&cursor);
    if (!sound)
        scan_done(ret);
    return sound;
}
