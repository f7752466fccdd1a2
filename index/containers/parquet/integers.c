// SPDX-License-Identifier: Apache-2.0
/* Numbers into a dictionary take runs where values repeat, else the bits they need: whichever is less. */
#include "index/containers/parquet/integers.h"

#include "index/containers/parquet/delta.h"
#include "index/containers/parquet/page_write.h"

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* ---- a dictionary ---- */

/* The values there are, in order. Returns their number. */
static uint64_t find_distinct(const struct parquet_integers *integers, int64_t **ret)
{
    uint64_t count = 0, n = integers->values ? integers->rows : 1;
    int64_t *sorted = mem_alloc((size_t)n * sizeof *sorted);
    memcpy(sorted, integers->values ? integers->values : &integers->first, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    for (uint64_t i = 0; i < n; i++)
        if (!count || sorted[i] != sorted[count - 1])
            sorted[count++] = sorted[i];
    *ret = sorted;
    return count;
}

static uint64_t number_of(const int64_t *distinct, uint64_t count, int64_t value)
{
    const int64_t *found = bsearch(&value, distinct, (size_t)count, sizeof *distinct, by_value);
    return (uint64_t)(found - distinct);
}

static void put_run(struct buf *out, uint64_t number, uint64_t n, unsigned width)
{
    buf_varint(out, n << 1);
    for (unsigned bit = 0; bit < width; bit += 8)
        buf_u8(out, (uint8_t)(number >> bit));
}

static void put_runs(struct buf *out, const uint32_t *numbers, uint64_t n, unsigned width)
{
    for (uint64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && numbers[end] == numbers[i];)
            end++;
        put_run(out, numbers[i], end - i, width);
    }
}

static void put_packed(struct buf *out, const uint32_t *numbers, uint64_t n, unsigned width)
{
    uint64_t groups = (n + 7) / 8, bits = 0;
    unsigned have = 0;
    buf_varint(out, groups << 1 | 1);
    for (uint64_t i = 0; i < groups * 8; i++) {
        bits |= (uint64_t)(i < n ? numbers[i] : 0) << have;
        for (have += width; have >= 8; have -= 8, bits >>= 8)
            buf_u8(out, (uint8_t)bits);
    }
}

/* Of one value there is one bit, too: some readers know no width of 0. */
static unsigned width_of(uint64_t distinct)
{
    unsigned width = 1;
    while ((distinct - 1) >> width)
        width++;
    return width;
}

void parquet_put_numbers(struct buf *out, const uint32_t *numbers, uint64_t n, uint64_t distinct)
{
    CLEANUP_BUF struct buf runs = BUF_INIT, packed = BUF_INIT;
    unsigned width = width_of(distinct);
    put_runs(&runs, numbers, n, width);
    put_packed(&packed, numbers, n, width);
    const struct buf *less = packed.len < runs.len ? &packed : &runs;
    buf_u8(out, (uint8_t)width);
    buf_append(out, less->data, less->len);
}

static void put_numbers(struct buf *out, const struct parquet_integers *integers, const int64_t *distinct,
                        uint64_t count)
{
    if (!integers->values) {
        buf_u8(out, 1);
        put_run(out, 0, integers->rows, 1);
        return;
    }
    CLEANUP_FREE uint32_t *numbers = mem_alloc((size_t)integers->rows * sizeof *numbers);
    for (uint64_t i = 0; i < integers->rows; i++)
        numbers[i] = (uint32_t)number_of(distinct, count, integers->values[i]);
    parquet_put_numbers(out, numbers, integers->rows, count);
}

/* ---- the pages ---- */

static void put_page(struct buf *out, const struct parquet_integers *integers, enum parquet_encoding encoding,
                     const struct buf *values)
{
    CLEANUP_BUF struct buf page = BUF_INIT;
    if (integers->optional)
        parquet_put_levels_alike(&page, 1, integers->rows);
    buf_append(&page, values->data, values->len);
    parquet_put_page_header(out, encoding, page.len, page.len, integers->rows);
    buf_append(out, page.data, page.len);
}

static struct parquet_integers_put put_rising(struct buf *out, const struct parquet_integers *integers)
{
    CLEANUP_BUF struct buf values = BUF_INIT;
    int64_t last = integers->first + (int64_t)(integers->rows - 1);
    struct delta_writer writer = delta_writer_of(&values, integers->rows);
    for (uint64_t i = 0; i < integers->rows; i++)
        delta_writer_add(&writer, integers->first + (int64_t)i);
    delta_writer_end(&writer);
    put_page(out, integers, PARQUET_DELTA_BINARY_PACKED, &values);
    return (struct parquet_integers_put){.encodings = 1u << PARQUET_DELTA_BINARY_PACKED | 1u << PARQUET_RLE,
                                         .min = integers->first,
                                         .max = last};
}

static struct parquet_integers_put put_by_dictionary(struct buf *out, const struct parquet_integers *integers)
{
    CLEANUP_BUF struct buf numbers = BUF_INIT;
    CLEANUP_FREE int64_t *distinct = NULL;
    uint64_t count = find_distinct(integers, &distinct);
    size_t start = out->len;
    parquet_put_dictionary_header(out, count * sizeof *distinct, count * sizeof *distinct, count);
    for (uint64_t i = 0; i < count; i++)
        buf_le64(out, (uint64_t)distinct[i]);
    struct parquet_integers_put put = {.data_page = out->len - start,
                                       .encodings = 1u << PARQUET_PLAIN | 1u << PARQUET_RLE |
                                                    1u << PARQUET_RLE_DICTIONARY,
                                       .min = distinct[0],
                                       .max = distinct[count - 1]};
    put_numbers(&numbers, integers, distinct, count);
    put_page(out, integers, PARQUET_RLE_DICTIONARY, &numbers);
    return put;
}

struct parquet_integers_put parquet_put_integers(struct buf *out, const struct parquet_integers *integers)
{
    if (!integers->values && integers->rising)
        return put_rising(out, integers);
    return put_by_dictionary(out, integers);
}
