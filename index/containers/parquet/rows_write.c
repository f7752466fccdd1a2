// SPDX-License-Identifier: Apache-2.0
/* Any run of rows is one PLAIN page a leaf, so the same rows are the same bytes, however they were written.
 */
#include <errno.h>

#include "index/containers/parquet/page_write.h"
#include "index/containers/parquet/rows.h"

enum { PAGE_BYTES_MAX = 1 << 30 };

static void write_values(struct buf *page, const struct rows_leaf *leaf, uint64_t from, uint64_t end)
{
    if (leaf->schema->physical != PARQUET_TYPE_BOOLEAN) {
        buf_append(page, buf_text(&leaf->values) + from, (size_t)(end - from));
        return;
    }
    for (uint64_t i = from; i < end; i += 8) {
        uint8_t bits = 0;
        for (uint64_t k = i; k < end && k < i + 8; k++)
            bits |= (uint8_t)(leaf->values.data[k] << (k - i));
        buf_u8(page, bits);
    }
}

/* A data page, not packed. */
static void write_page(struct buf *out, const struct rows_leaf *leaf, uint64_t first, uint64_t count)
{
    CLEANUP_BUF struct buf page = BUF_INIT;
    uint64_t from = leaf->entry_at[first], n = leaf->entry_at[first + count] - from;
    if (leaf->schema->max_rep)
        parquet_put_levels(&page, leaf->rep.data + from, n);
    if (leaf->schema->max_def)
        parquet_put_levels(&page, leaf->def.data + from, n);
    write_values(&page, leaf, leaf->value_at[first], leaf->value_at[first + count]);
    parquet_put_page_header(out, PARQUET_PLAIN, page.len, page.len, n);
    buf_append(out, page.data, page.len);
}

/* A ColumnChunk: its one page lies at [at, at + len) of the new file. */
static void write_chunk(const struct parquet_rows *rows, size_t number, uint64_t entries, const uint64_t *at,
                        struct buf *out)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    parquet_footer_path(rows->parquet, rows->group, number, &path);
    const struct parquet_put_chunk chunk = {.physical = rows->leaves[number].schema->physical,
                                            .encodings = 1u << PARQUET_PLAIN | 1u << PARQUET_RLE,
                                            .path = &path,
                                            .values = entries,
                                            .unpacked = at[1] - at[0],
                                            .packed = at[1] - at[0],
                                            .data_page = at[0]};
    parquet_put_chunk(out, &chunk, at[0]);
}

/* `at`: where each leaf's page begins, and where the last one ends. */
static void write_group(const struct parquet_rows *rows, uint64_t first, uint64_t count, const uint64_t *at,
                        struct buf *out)
{
    size_t leaves = rows->parquet->schema.leaf_count;
    int16_t last = 0;
    thrift_write_field(out, &last, GROUP_CHUNKS, THRIFT_LIST);
    thrift_write_list(out, THRIFT_STRUCT, (uint32_t)leaves);
    for (size_t i = 0; i < leaves; i++) {
        const struct rows_leaf *leaf = &rows->leaves[i];
        write_chunk(rows, i, leaf->entry_at[first + count] - leaf->entry_at[first], at + i, out);
    }
    parquet_put_integer(out, &last, GROUP_BYTES, THRIFT_I64, at[leaves] - at[0]);
    parquet_put_integer(out, &last, GROUP_ROWS, THRIFT_I64, count);
    parquet_put_integer(out, &last, GROUP_OFFSET, THRIFT_I64, at[0]);
    buf_u8(out, THRIFT_NONE);
}

int parquet_rows_write(const struct parquet_part *part, struct slice *slice, struct buf *group,
                       struct error *err)
{
    const struct parquet_rows *rows = part->rows;
    size_t leaves = rows->parquet->schema.leaf_count;
    uint64_t first = part->first, count = part->count;
    if (count == 0 || first >= rows->rows || count > rows->rows - first)
        return error_set(err, EINVAL, "row group %zu: rows %llu to %llu of %llu", rows->group,
                         (unsigned long long)first, (unsigned long long)first + count,
                         (unsigned long long)rows->rows);
    for (size_t i = 0; i < rows->bad_count; i++)
        if (first < rows->bad[i].end && first + count > rows->bad[i].first)
            return error_copy(err, &rows->bad[i].why);
    CLEANUP_BUF struct buf out = BUF_INIT;
    CLEANUP_FREE uint64_t *at = mem_alloc((leaves + 1) * sizeof *at);
    if (parquet_rows_bytes(rows, first, count) > PAGE_BYTES_MAX)
        return error_set(err, ENOTSUP, "%llu rows are more than a page can hold", (unsigned long long)count);
    for (size_t i = 0; i < leaves; i++) {
        at[i] = slice->size + out.len;
        write_page(&out, &rows->leaves[i], first, count);
    }
    at[leaves] = slice->size + out.len;
    write_group(rows, first, count, at, group);
    slice_add_inline(slice, out.data, out.len);
    return 0;
}
