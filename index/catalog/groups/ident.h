// SPDX-License-Identifier: Apache-2.0
/*
 * When clips were recorded and what content they have, 128 rows together:
 *
 *     ident := varint(rows) times times u8[rows][16]
 *     times := u8 which [u8[(rows + 7) / 8]] numbers     which: 0 no row has one (and no numbers follow),
 *                                                         1 all have, 2 those whose bit is set, lowest first
 *
 * The first times are t0, the second t1 from t0 on (from 0, where a row has no t0). A row without a time has
 * some number. Then the first 16 bytes of each fingerprint: of a SHA-256, that many tell contents apart.
 * Bytes are hostile: 0 or -EUCLEAN. Any thread.
 */
#pragma once

#include "cache/base/buf.h"
#include "index/base/clip.h"

enum { IDENT_ROW_BITS = 7, IDENT_ROWS = 1 << IDENT_ROW_BITS };

struct ident_row {
    int64_t t0_ns, t1_ns; /* CLIP_NO_TIME */
    uint8_t print[CLIP_PRINT_BYTES];
};
/* Row i of the group; -EUCLEAN also where it has none. */
int ident_decode(const void *bytes, size_t len, uint32_t i, struct ident_row *ret);
void ident_encode(const struct ident_row *list, uint32_t rows, struct buf *buf);
