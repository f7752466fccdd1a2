// SPDX-License-Identifier: Apache-2.0
/*
 * How long the files of clips are, and which version last changed them, 256 rows together:
 *
 *     sizes   := varint(newest version in it) section*
 *     section := varint(rows) varint(streams) numbers(json) numbers(json changed)
 *                (numbers(size) numbers(changed)){streams}
 *
 * A section is of neighbours with equally many streams. `json` is the length of a clip's JSON without what
 * labels have added since (json_growth.h): it may be below zero. Written when rows come or are replaced,
 * never by labels. Bytes are hostile: 0 or -EUCLEAN. Any thread.
 */
#pragma once

#include "cache/base/buf.h"
#include "index/catalog/catalog.h"

enum { SIZES_ROW_BITS = 8, SIZES_ROWS = 1 << SIZES_ROW_BITS };

struct sizes_row {
    int64_t json;
    uint32_t json_changed;
    uint32_t count;
    struct catalog_file *files; /* of which only sizes and versions are of interest here */
};

/* Row i of the group, into ret->files, which the caller gives (CLIP_STREAMS_MAX of them; NULL: not asked
 * for). -EUCLEAN also where the group has no such row. */
int sizes_decode(const void *bytes, size_t len, uint32_t i, struct sizes_row *ret);
void sizes_encode(const struct sizes_row *list, uint32_t rows, struct buf *buf);
/* The newest version that a row says. */
int sizes_newest(const void *bytes, size_t len, uint32_t *ret);
/* Sets changed[i] to the newest version of row i's json, or of all its files; *ret_rows of them. */
int sizes_changed(const void *bytes, size_t len, bool json_only, uint32_t changed[SIZES_ROWS],
                  uint32_t *ret_rows);
