// SPDX-License-Identifier: Apache-2.0
/*
 * How the values of a page are written. PLAIN, dictionaries and runs are decoded where they are needed; the
 * others are written anew as PLAIN first, so that nobody else need know them:
 *
 *     DELTA_BINARY_PACKED         integers: differences, packed (delta.h)
 *     DELTA_LENGTH_BYTE_ARRAY     lengths as above, then all bytes
 *     DELTA_BYTE_ARRAY            how many bytes are the value's before it, then the rest as above
 *     BYTE_STREAM_SPLIT           the first byte of each value, then the second of each ...
 *
 * Source of the format: apache/parquet-format, Encodings.md. Any thread.
 */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/cursor.h"
#include "index/containers/parquet/schema.h"

enum parquet_encoding {
    PARQUET_PLAIN = 0,
    PARQUET_PLAIN_DICTIONARY = 2,
    PARQUET_RLE = 3,
    PARQUET_BIT_PACKED = 4, /* of levels only */
    PARQUET_DELTA_BINARY_PACKED = 5,
    PARQUET_DELTA_LENGTH_BYTE_ARRAY = 6,
    PARQUET_DELTA_BYTE_ARRAY = 7,
    PARQUET_RLE_DICTIONARY = 8,
    PARQUET_BYTE_STREAM_SPLIT = 9,
};

/* Whether a column chunk that lists this encoding can be read. */
bool parquet_encoding_known(int64_t encoding);

struct parquet_coded { /* values of a page */
    int64_t encoding;
    struct cursor data;
    uint64_t count;
};
/* Appends values in one of the four encodings above as PLAIN. `bytes_max`: of what is appended. -EINVAL,
 * -EFBIG, -ENOTSUP where the type has no such encoding. */
int parquet_encoding_to_plain(const struct parquet_layout *layout, const struct parquet_coded *coded,
                              uint64_t bytes_max, struct buf *to, struct error *err);
