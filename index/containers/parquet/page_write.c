// SPDX-License-Identifier: Apache-2.0
/* DATA_PAGE and PLAIN are 0: a page has no dictionary. */
#include "index/containers/parquet/page_write.h"

void parquet_put_integer(struct buf *buf, int16_t *last, int16_t field, enum thrift_type type, uint64_t value)
{
    thrift_write_field(buf, last, field, type);
    thrift_write_integer(buf, (int64_t)value);
}

/* Runs of one byte each: levels are below 256. */
void parquet_put_levels(struct buf *page, const uint8_t *levels, uint64_t n)
{
    CLEANUP_BUF struct buf runs = BUF_INIT;
    for (uint64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && levels[end] == levels[i];)
            end++;
        buf_varint(&runs, (end - i) << 1);
        buf_u8(&runs, levels[i]);
    }
    buf_le32(page, (uint32_t)runs.len);
    buf_append(page, runs.data, runs.len);
}

void parquet_put_page_header(struct buf *out, uint64_t bytes, uint64_t packed, uint64_t entries)
{
    int16_t last = 0, inner = 0;
    parquet_put_integer(out, &last, 1, THRIFT_I32, 0);
    parquet_put_integer(out, &last, 2, THRIFT_I32, bytes);
    parquet_put_integer(out, &last, 3, THRIFT_I32, packed);
    thrift_write_field(out, &last, 5, THRIFT_STRUCT); /* DataPageHeader */
    parquet_put_integer(out, &inner, 1, THRIFT_I32, entries);
    parquet_put_integer(out, &inner, 2, THRIFT_I32, PARQUET_PLAIN);
    parquet_put_integer(out, &inner, 3, THRIFT_I32, PARQUET_RLE);
    parquet_put_integer(out, &inner, 4, THRIFT_I32, PARQUET_RLE);
    buf_u8(out, THRIFT_NONE);
    buf_u8(out, THRIFT_NONE);
}
