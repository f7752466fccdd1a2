// SPDX-License-Identifier: Apache-2.0
/* The group that grows is in memory, a page a column; of those written, what the footer says of them. */
#include "index/containers/parquet/writer.h"

#include <errno.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/memory.h"
#include "index/containers/parquet/codec.h"
#include "index/containers/parquet/footer.h"
#include "index/containers/parquet/page_write.h"

struct growing {
    struct parquet_written of;
    struct buf levels; /* a byte a row: 1, or 0 for a null */
    struct buf values; /* PLAIN */
};

struct parquet_writer {
    char *name;
    int fd;
    uint64_t at; /* bytes written */
    size_t count;
    struct growing columns[PARQUET_WRITER_COLUMNS_MAX];
    uint64_t rows, group_rows; /* of the groups written, of the one that grows */
    struct buf groups;         /* RowGroup, one behind the other */
    uint32_t group_count;
};

/* SchemaElement and what it refers to */
enum {
    ELEMENT_TYPE = 1,
    ELEMENT_REPETITION = 3,
    ELEMENT_NAME = 4,
    ELEMENT_CHILDREN = 5,
    ELEMENT_CONVERTED = 6,
    ELEMENT_LOGICAL = 10,
    LOGICAL_STRING = 1,
    LOGICAL_TIMESTAMP = 8,
    TIMESTAMP_UTC = 1,
    TIMESTAMP_UNIT = 2,
    UNIT_NS = 3,
    OPTIONAL = 1,
    CONVERTED_UTF8 = 0,
};

static enum parquet_physical physical(enum parquet_kind kind)
{
    return kind == PARQUET_TEXT     ? PARQUET_TYPE_BYTE_ARRAY
           : kind == PARQUET_DOUBLE ? PARQUET_TYPE_DOUBLE
                                    : PARQUET_TYPE_INT64;
}

static int write_out(struct parquet_writer *writer, const struct buf *bytes, struct error *err)
{
    int rc = file_write_all(writer->fd, bytes->data, bytes->len);
    if (rc < 0)
        return error_set(err, -rc, "%s: %s", writer->name, strerror(-rc));
    writer->at += bytes->len;
    return 0;
}

int parquet_writer_new(const char *name, int fd, const struct parquet_written *columns, size_t count,
                       struct parquet_writer **ret, struct error *err)
{
    CLEANUP_BUF struct buf magic = BUF_INIT;
    struct parquet_writer *writer = MEM_NEW(struct parquet_writer);
    *writer = (struct parquet_writer){.name = mem_text(name), .fd = fd, .count = count};
    for (size_t i = 0; i < count; i++)
        writer->columns[i].of = columns[i];
    buf_text_append(&magic, "PAR1");
    int rc = write_out(writer, &magic, err);
    if (rc)
        parquet_writer_free(writer);
    else
        *ret = writer;
    return rc;
}

void parquet_writer_free(struct parquet_writer *writer)
{
    if (!writer)
        return;
    for (size_t i = 0; i < writer->count; i++) {
        buf_done(&writer->columns[i].levels);
        buf_done(&writer->columns[i].values);
    }
    buf_done(&writer->groups);
    free(writer->name);
    free(writer);
}

/* ---- a row group ---- */

/* One page: its header, and what it holds, packed. */
static int put_page(const struct growing *column, uint64_t rows, struct buf *out, uint64_t *ret_unpacked,
                    struct error *err)
{
    CLEANUP_BUF struct buf page = BUF_INIT, packed = BUF_INIT;
    parquet_put_levels(&page, column->levels.data, rows);
    buf_append(&page, column->values.data, column->values.len);
    int rc = parquet_codec_pack(page.data, page.len, &packed, err);
    if (rc)
        return rc;
    size_t start = out->len;
    parquet_put_page_header(out, PARQUET_PLAIN, page.len, packed.len, rows);
    *ret_unpacked = out->len - start + page.len;
    buf_append(out, packed.data, packed.len);
    return 0;
}

/* A ColumnChunk: its page lies at `at`. */
static void put_chunk(struct parquet_writer *writer, const struct growing *column, uint64_t at,
                      uint64_t packed, uint64_t unpacked)
{
    CLEANUP_BUF struct buf path = BUF_INIT;
    thrift_write_list(&path, THRIFT_BINARY, 1);
    parquet_put_binary(&path, column->of.name, strlen(column->of.name));
    const struct parquet_put_chunk chunk = {.physical = physical(column->of.kind),
                                            .encodings = 1u << PARQUET_PLAIN | 1u << PARQUET_RLE,
                                            .path = &path,
                                            .codec = PARQUET_CODEC_PACKED,
                                            .values = writer->group_rows,
                                            .unpacked = unpacked,
                                            .packed = packed,
                                            .data_page = at};
    parquet_put_chunk(&writer->groups, &chunk, at);
}

static int write_columns(struct parquet_writer *writer, uint64_t *ret_unpacked, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < writer->count; i++) {
        CLEANUP_BUF struct buf page = BUF_INIT;
        struct growing *column = &writer->columns[i];
        uint64_t unpacked, at = writer->at;
        rc = put_page(column, writer->group_rows, &page, &unpacked, err);
        if (!rc)
            rc = write_out(writer, &page, err);
        if (!rc)
            put_chunk(writer, column, at, page.len, unpacked);
        *ret_unpacked += rc ? 0 : unpacked;
        buf_clear(&column->levels);
        buf_clear(&column->values);
    }
    return rc;
}

static int end_group(struct parquet_writer *writer, struct error *err)
{
    struct buf *out = &writer->groups;
    uint64_t at = writer->at, unpacked = 0;
    int16_t last = 0;
    if (!writer->group_rows)
        return 0;
    thrift_write_field(out, &last, GROUP_CHUNKS, THRIFT_LIST);
    thrift_write_list(out, THRIFT_STRUCT, (uint32_t)writer->count);
    int rc = write_columns(writer, &unpacked, err);
    if (rc)
        return rc;
    parquet_put_integer(out, &last, GROUP_BYTES, THRIFT_I64, unpacked);
    parquet_put_integer(out, &last, GROUP_ROWS, THRIFT_I64, writer->group_rows);
    parquet_put_integer(out, &last, GROUP_OFFSET, THRIFT_I64, at);
    buf_u8(out, THRIFT_NONE);
    writer->group_count++;
    writer->rows += writer->group_rows;
    writer->group_rows = 0;
    return 0;
}

static void put_cell(struct growing *column, const struct parquet_cell *cell)
{
    uint64_t bits = (uint64_t)cell->integer;
    buf_u8(&column->levels, !cell->null);
    if (cell->null)
        return;
    if (column->of.kind == PARQUET_TEXT) {
        buf_le32(&column->values, (uint32_t)cell->len);
        buf_append(&column->values, cell->text, cell->len);
        return;
    }
    if (column->of.kind == PARQUET_DOUBLE)
        memcpy(&bits, &cell->real, sizeof bits);
    buf_le64(&column->values, bits);
}

int parquet_writer_add(struct parquet_writer *writer, const struct parquet_cell *cells, struct error *err)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < writer->count; i++) {
        put_cell(&writer->columns[i], &cells[i]);
        bytes += writer->columns[i].levels.len + writer->columns[i].values.len;
    }
    writer->group_rows++;
    bool full = bytes >= PARQUET_WRITER_GROUP_BYTES || writer->group_rows >= PARQUET_WRITER_GROUP_ROWS;
    return full ? end_group(writer, err) : 0;
}

/* ---- the footer ---- */

static void put_name(struct buf *out, int16_t *last, const char *name)
{
    thrift_write_field(out, last, ELEMENT_NAME, THRIFT_BINARY);
    parquet_put_binary(out, name, strlen(name));
}

/* LogicalType, a union: the one field that is there says which. */
static void put_logical(struct buf *out, int16_t *last, enum parquet_kind kind)
{
    int16_t logical = 0, timestamp = 0, unit = 0;
    thrift_write_field(out, last, ELEMENT_LOGICAL, THRIFT_STRUCT);
    thrift_write_field(out, &logical, kind == PARQUET_TEXT ? LOGICAL_STRING : LOGICAL_TIMESTAMP,
                       THRIFT_STRUCT);
    if (kind == PARQUET_TIMESTAMP) {
        thrift_write_field(out, &timestamp, TIMESTAMP_UTC, THRIFT_TRUE);
        thrift_write_field(out, &timestamp, TIMESTAMP_UNIT, THRIFT_STRUCT);
        thrift_write_field(out, &unit, UNIT_NS, THRIFT_STRUCT);
        buf_u8(out, THRIFT_NONE);
        buf_u8(out, THRIFT_NONE);
    }
    buf_u8(out, THRIFT_NONE);
    buf_u8(out, THRIFT_NONE);
}

static void put_element(struct buf *out, const struct parquet_written *column)
{
    int16_t last = 0;
    parquet_put_integer(out, &last, ELEMENT_TYPE, THRIFT_I32, physical(column->kind));
    parquet_put_integer(out, &last, ELEMENT_REPETITION, THRIFT_I32, OPTIONAL);
    put_name(out, &last, column->name);
    if (column->kind == PARQUET_TEXT)
        parquet_put_integer(out, &last, ELEMENT_CONVERTED, THRIFT_I32, CONVERTED_UTF8);
    if (column->kind == PARQUET_TEXT || column->kind == PARQUET_TIMESTAMP)
        put_logical(out, &last, column->kind);
    buf_u8(out, THRIFT_NONE);
}

static void put_schema(struct buf *out, const struct parquet_writer *writer)
{
    int16_t last = 0;
    thrift_write_list(out, THRIFT_STRUCT, (uint32_t)writer->count + 1);
    put_name(out, &last, "schema");
    parquet_put_integer(out, &last, ELEMENT_CHILDREN, THRIFT_I32, writer->count);
    buf_u8(out, THRIFT_NONE);
    for (size_t i = 0; i < writer->count; i++)
        put_element(out, &writer->columns[i].of);
}

int parquet_writer_finish(struct parquet_writer *writer, struct error *err)
{
    static const char by[] = "elidefs version " ELIDEFS_VERSION;
    enum { FILE_VERSION = 1, FILE_CREATED_BY = 6 };
    CLEANUP_BUF struct buf out = BUF_INIT;
    int16_t last = 0;
    int rc = end_group(writer, err);
    if (rc)
        return rc;
    parquet_put_integer(&out, &last, FILE_VERSION, THRIFT_I32, 2);
    thrift_write_field(&out, &last, FILE_SCHEMA, THRIFT_LIST);
    put_schema(&out, writer);
    parquet_put_integer(&out, &last, FILE_ROWS, THRIFT_I64, writer->rows);
    thrift_write_field(&out, &last, FILE_GROUPS, THRIFT_LIST);
    thrift_write_list(&out, THRIFT_STRUCT, writer->group_count);
    buf_append(&out, writer->groups.data, writer->groups.len);
    thrift_write_field(&out, &last, FILE_CREATED_BY, THRIFT_BINARY);
    parquet_put_binary(&out, by, sizeof by - 1);
    buf_u8(&out, THRIFT_NONE);
    buf_le32(&out, (uint32_t)out.len);
    buf_text_append(&out, "PAR1");
    return write_out(writer, &out, err);
}
