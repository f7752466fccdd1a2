// SPDX-License-Identifier: Apache-2.0
/*
 * Where the bytes of streams lie, 128 rows together:
 *
 *     stream := numbers(streams)[128] varint(count of texts) (text NUL)* part*      a part a stream number
 *     part   := varint(length) numbers(container) numbers(reason) numbers(object + 1 or 0) numbers(preroll)
 *               numbers(shape) numbers(offset) numbers(inline) numbers(pieces) rest{}
 *     rest   := pieces, inline bytes if there are at most 64
 *
 * A part is of those rows that have so many streams, in their order; container and reason are numbers of
 * texts, `inline` and `pieces` lengths. Longer inline bytes stand in a table of their own. Most streams are
 * one range, or a header and one: these say where it starts, and the stream's size says the rest.
 *
 *     shape  := 0 no bytes | 1 a range | 2 all inline bytes | 3 these, then a range
 *             | 4 pieces := (u8 kind, varint offset, varint length)*
 *
 * A removed clip keeps its streams, which nobody reads. Bytes are hostile: 0 or -EUCLEAN. Any thread.
 */
#pragma once

#include "cache/base/buf.h"
#include "index/catalog/catalog.h"

enum { STREAMS_ROW_BITS = 7, STREAMS_ROWS = 1 << STREAMS_ROW_BITS, STREAMS_INLINE_MAX = 64 };
enum streams_shape { STREAMS_EMPTY, STREAMS_RANGE, STREAMS_INLINE, STREAMS_HEADED, STREAMS_PIECES };

struct streams_entry { /* texts and bytes are borrowed */
    const char *container, *reason;
    uint32_t object; /* CATALOG_NO_OBJECT */
    int64_t preroll_ns;
    enum streams_shape shape;
    uint64_t offset;       /* of the range */
    const uint8_t *pieces; /* of shape 4 */
    size_t pieces_len;
    const uint8_t *inline_bytes; /* NULL: not here */
    size_t inline_len;
};
struct streams_row {
    struct streams_entry *list;
    uint32_t count;
};

/* Stream `number` of row i. -EUCLEAN also where it has none. */
int streams_decode(const void *bytes, size_t len, uint32_t i, uint32_t number, struct streams_entry *ret);
/* All rows; the lists are the caller's, who ends with streams_rows_done(), the rest is borrowed. */
int streams_decode_all(const void *bytes, size_t len, struct streams_row ret_rows[STREAMS_ROWS]);
void streams_rows_done(struct streams_row rows[STREAMS_ROWS]);
void streams_encode(const struct streams_row rows[STREAMS_ROWS], struct buf *buf);

/* Shape, offset and pieces of an entry whose inline_len is set; it borrows `pieces`. */
void streams_take_pieces(struct streams_entry *entry, const uint8_t *pieces, size_t len);
/* The pieces of a stream of ret->size bytes, whose inline bytes are there; false: they do not fit. */
bool streams_give_pieces(const struct streams_entry *entry, struct catalog_stream *ret);
/* Does it read its object? An empty one does: it is read all the same. */
bool streams_reads(const struct streams_entry *entry);
