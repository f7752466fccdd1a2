// SPDX-License-Identifier: Apache-2.0
/*
 * Stored values of one column: PLAIN, dictionary and RLE booleans (encoding.h has the others). Source of the
 * format: apache/parquet-format, Encodings.md. One thread at a time.
 */
#pragma once

#include "cache/base/cursor.h"
#include "index/containers/parquet/parquet.h"
#include "index/containers/parquet/schema.h"

/* Values of one chunk as they are gathered. */
struct parquet_store {
    struct parquet_values values;
    size_t cap;         /* entries there is room for */
    uint64_t bytes_max; /* of values.bytes */
};

void parquet_store_init(struct parquet_store *store, enum parquet_kind kind, uint64_t bytes_max);
/* Room for `more` entries behind values.count. */
void parquet_store_reserve(struct parquet_store *store, uint64_t more);

/* Decoders put n values behind values.count, for which there is room, and leave `count` as it is: the caller
 * spreads them over the nulls. -EINVAL, -ERANGE, -EFBIG; the text says which value. */
int parquet_decode_plain(const struct parquet_layout *layout, struct cursor *data, uint64_t n,
                         struct parquet_store *store, struct error *err);
int parquet_decode_rle_bool(struct cursor *data, uint64_t n, struct parquet_store *store, struct error *err);
int parquet_decode_dictionary(struct cursor *data, uint64_t n, const struct parquet_values *dictionary,
                              struct parquet_store *store, struct error *err);

/* Moves the `present` values decoded last to the places where valid[count ...] is true, out of `slots`, and
 * counts the slots in. */
void parquet_store_spread(struct parquet_store *store, uint64_t slots, uint64_t present);
