// SPDX-License-Identifier: Apache-2.0
/* Fields are written in the order of their numbers, so that each takes one byte. */
#include "index/containers/parquet/page_write.h"

#include "index/containers/parquet/footer.h"

/* PageHeader and what it holds; types of pages */
enum {
    PAGE_TYPE = 1,
    PAGE_BYTES = 2,
    PAGE_PACKED = 3,
    PAGE_DATA = 5,
    PAGE_DICTIONARY = 7,
    DATA_PAGE = 0,
    DICTIONARY_PAGE = 2,
};

/* Statistics */
enum { STATISTICS_NULLS = 3, STATISTICS_MAX = 5, STATISTICS_MIN = 6 };

void parquet_put_integer(struct buf *buf, int16_t *last, int16_t field, enum thrift_type type, uint64_t value)
{
    thrift_write_field(buf, last, field, type);
    thrift_write_integer(buf, (int64_t)value);
}

void parquet_put_binary(struct buf *out, const void *bytes, size_t len)
{
    buf_varint(out, len);
    buf_append(out, bytes, len);
}

/* ---- pages ---- */

/* Of one byte each: levels are below 256. */
static void put_run(struct buf *runs, uint8_t level, uint64_t n)
{
    buf_varint(runs, n << 1);
    buf_u8(runs, level);
}

void parquet_put_levels(struct buf *page, const uint8_t *levels, uint64_t n)
{
    CLEANUP_BUF struct buf runs = BUF_INIT;
    for (uint64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && levels[end] == levels[i];)
            end++;
        put_run(&runs, levels[i], end - i);
    }
    buf_le32(page, (uint32_t)runs.len);
    buf_append(page, runs.data, runs.len);
}

void parquet_put_levels_alike(struct buf *page, uint8_t level, uint64_t n)
{
    CLEANUP_BUF struct buf runs = BUF_INIT;
    put_run(&runs, level, n);
    buf_le32(page, (uint32_t)runs.len);
    buf_append(page, runs.data, runs.len);
}

static void put_header(struct buf *out, uint64_t type, uint64_t bytes, uint64_t packed, int16_t *last)
{
    parquet_put_integer(out, last, PAGE_TYPE, THRIFT_I32, type);
    parquet_put_integer(out, last, PAGE_BYTES, THRIFT_I32, bytes);
    parquet_put_integer(out, last, PAGE_PACKED, THRIFT_I32, packed);
}

void parquet_put_page_header(struct buf *out, enum parquet_encoding encoding, uint64_t bytes, uint64_t packed,
                             uint64_t entries)
{
    int16_t last = 0, inner = 0;
    put_header(out, DATA_PAGE, bytes, packed, &last);
    thrift_write_field(out, &last, PAGE_DATA, THRIFT_STRUCT);
    parquet_put_integer(out, &inner, 1, THRIFT_I32, entries);
    parquet_put_integer(out, &inner, 2, THRIFT_I32, encoding);
    parquet_put_integer(out, &inner, 3, THRIFT_I32, PARQUET_RLE);
    parquet_put_integer(out, &inner, 4, THRIFT_I32, PARQUET_RLE);
    buf_u8(out, THRIFT_NONE);
    buf_u8(out, THRIFT_NONE);
}

void parquet_put_dictionary_header(struct buf *out, uint64_t bytes, uint64_t packed, uint64_t values)
{
    int16_t last = 0, inner = 0;
    put_header(out, DICTIONARY_PAGE, bytes, packed, &last);
    thrift_write_field(out, &last, PAGE_DICTIONARY, THRIFT_STRUCT);
    parquet_put_integer(out, &inner, 1, THRIFT_I32, values);
    parquet_put_integer(out, &inner, 2, THRIFT_I32, PARQUET_PLAIN);
    buf_u8(out, THRIFT_NONE);
    buf_u8(out, THRIFT_NONE);
}

/* ---- the footer ---- */

static void put_encodings(struct buf *out, uint32_t encodings)
{
    thrift_write_list(out, THRIFT_I32, (uint32_t)__builtin_popcount(encodings));
    for (unsigned i = 0; i < 32; i++)
        if (encodings >> i & 1)
            thrift_write_integer(out, i);
}

static void put_statistics(struct buf *out, const struct parquet_put_chunk *chunk, int16_t *meta)
{
    int16_t last = 0;
    if (!chunk->has_nulls && !chunk->has_bounds)
        return;
    thrift_write_field(out, meta, META_STATISTICS, THRIFT_STRUCT);
    if (chunk->has_nulls)
        parquet_put_integer(out, &last, STATISTICS_NULLS, THRIFT_I64, chunk->nulls);
    if (chunk->has_bounds) {
        thrift_write_field(out, &last, STATISTICS_MAX, THRIFT_BINARY);
        parquet_put_binary(out, chunk->max, chunk->max_len);
        thrift_write_field(out, &last, STATISTICS_MIN, THRIFT_BINARY);
        parquet_put_binary(out, chunk->min, chunk->min_len);
    }
    buf_u8(out, THRIFT_NONE);
}

void parquet_put_chunk(struct buf *out, const struct parquet_put_chunk *chunk, uint64_t at)
{
    int16_t last = 0, meta = 0;
    parquet_put_integer(out, &last, CHUNK_OFFSET, THRIFT_I64, at);
    thrift_write_field(out, &last, CHUNK_META, THRIFT_STRUCT);
    parquet_put_integer(out, &meta, META_TYPE, THRIFT_I32, chunk->physical);
    thrift_write_field(out, &meta, META_ENCODINGS, THRIFT_LIST);
    put_encodings(out, chunk->encodings);
    thrift_write_field(out, &meta, META_PATH, THRIFT_LIST);
    buf_append(out, chunk->path->data, chunk->path->len);
    parquet_put_integer(out, &meta, META_CODEC, THRIFT_I32, (uint64_t)chunk->codec);
    parquet_put_integer(out, &meta, META_VALUES, THRIFT_I64, chunk->values);
    parquet_put_integer(out, &meta, META_UNPACKED, THRIFT_I64, chunk->unpacked);
    parquet_put_integer(out, &meta, META_COMPRESSED, THRIFT_I64, chunk->packed);
    parquet_put_integer(out, &meta, META_DATA_PAGE, THRIFT_I64, chunk->data_page);
    if (chunk->dictionary_page)
        parquet_put_integer(out, &meta, META_DICTIONARY_PAGE, THRIFT_I64, chunk->dictionary_page);
    put_statistics(out, chunk, &meta);
    buf_u8(out, THRIFT_NONE);
    buf_u8(out, THRIFT_NONE);
}
