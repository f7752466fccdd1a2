// SPDX-License-Identifier: Apache-2.0
/*
 * What was read of one recording to learn what is in it: its header, footer and indices, as pieces of its
 * bytes. With them it can be looked into again with no read of it. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"

enum { SCAN_BYTES_MAX = 32 << 20, SCAN_PIECES_MAX = 1 << 16 };

struct scan_piece {
    uint64_t offset; /* in the recording */
    size_t at, len;  /* in `bytes` */
};

struct scan {
    struct scan_piece *pieces; /* in the order they were read */
    size_t count, cap;
    struct buf bytes;
    bool too_large; /* more than the above: not worth keeping */
    bool grown;     /* since it was decoded */
};

#define SCAN_INIT    ((struct scan){0})
#define CLEANUP_SCAN CLEANUP(scan_done)
void scan_done(struct scan *scan);

/* The bytes at [offset, offset + len), if one piece has all of them; else NULL. */
const uint8_t *scan_find(const struct scan *scan, uint64_t offset, size_t len);
void scan_add(struct scan *scan, uint64_t offset, const void *bytes, size_t len);

/* Format: tools/FORMAT.md. */
void scan_encode(const struct scan *scan, struct buf *buf);
/* Of hostile bytes about a recording of `size` bytes; false: they are no scan of it. `ret` is empty before.
 */
bool scan_decode(const void *bytes, size_t len, uint64_t size, struct scan *ret);
