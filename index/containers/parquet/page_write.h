// SPDX-License-Identifier: Apache-2.0
/*
 * The bytes of pages that we write, v1, levels as runs; and of what a footer says of a column chunk.
 *
 * Source of the format: apache/parquet-format, parquet.thrift (PageHeader, ColumnChunk) and Encodings.md. Any
 * thread.
 */
#pragma once

#include <stdbool.h>

#include "index/containers/parquet/encoding.h"
#include "index/containers/parquet/thrift.h"

/* A field of a Thrift struct that is an integer of this type. */
void parquet_put_integer(struct buf *buf, int16_t *last, int16_t field, enum thrift_type type,
                         uint64_t value);
/* Levels below 256, behind how many bytes they take. */
void parquet_put_levels(struct buf *page, const uint8_t *levels, uint64_t n);
void parquet_put_levels_alike(struct buf *page, uint8_t level, uint64_t n);
/* The header of a data page of `entries` in this encoding, or of a dictionary of as many PLAIN values; the
 * page takes `bytes`, and `packed` in the file. */
void parquet_put_page_header(struct buf *out, enum parquet_encoding encoding, uint64_t bytes, uint64_t packed,
                             uint64_t entries);
void parquet_put_dictionary_header(struct buf *out, uint64_t bytes, uint64_t packed, uint64_t values);

struct parquet_put_chunk {
    enum parquet_physical physical;
    uint32_t encodings;     /* bit e: encoding e */
    const struct buf *path; /* a list, as Thrift */
    int64_t codec;
    uint64_t values; /* entries */
    uint64_t unpacked, packed;
    uint64_t data_page;
    uint64_t dictionary_page; /* 0: none */
    bool has_nulls, has_bounds;
    uint64_t nulls;
    const uint8_t *min, *max; /* as PLAIN, texts without a length */
    size_t min_len, max_len;
};
/* A ColumnChunk; `at`: its file_offset. */
void parquet_put_chunk(struct buf *out, const struct parquet_put_chunk *chunk, uint64_t at);
void parquet_put_binary(struct buf *out, const void *bytes, size_t len);
