// SPDX-License-Identifier: Apache-2.0
/* The group that grows is in memory, a page a column; of those written, what the footer says of them. */
#include "index/containers/parquet/writer.h"

#include <errno.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/memory.h"
#include "index/containers/parquet/codec.h"
#include "index/containers/parquet/delta.h"
#include "index/containers/parquet/footer.h"
#include "index/containers/parquet/integers.h"
#include "index/containers/parquet/page_write.h"

struct growing {
    char *name;
    enum parquet_kind kind;
    unsigned depth;
    struct buf path;     /* in the schema, as Thrift */
    struct buf rep, def; /* a level each, a byte an entry; rep only of lists */
    struct buf values;   /* PLAIN, but booleans a byte each */
    uint64_t count;      /* of values */
};

struct parquet_writer {
    struct parquet_writer_to to;
    char *name;
    uint64_t at; /* bytes written */
    struct growing *columns;
    size_t count;
    struct buf metadata;       /* KeyValue, one behind the other */
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
    LOGICAL_LIST = 3,
    LOGICAL_TIMESTAMP = 8,
    TIMESTAMP_UTC = 1,
    TIMESTAMP_UNIT = 2,
    UNIT_NS = 3,
    OPTIONAL = 1,
    REPEATED = 2,
    CONVERTED_UTF8 = 0,
    CONVERTED_LIST = 3,
};

static enum parquet_physical physical(enum parquet_kind kind)
{
    return kind == PARQUET_TEXT     ? PARQUET_TYPE_BYTE_ARRAY
           : kind == PARQUET_DOUBLE ? PARQUET_TYPE_DOUBLE
           : kind == PARQUET_BOOL   ? PARQUET_TYPE_BOOLEAN
                                    : PARQUET_TYPE_INT64;
}

static int write_out(struct parquet_writer *writer, const struct buf *bytes, struct error *err)
{
    if (writer->to.buf) {
        buf_append(writer->to.buf, bytes->data, bytes->len);
    } else {
        int rc = file_write_all(writer->to.fd, bytes->data, bytes->len);
        if (rc < 0)
            return error_set(err, -rc, "%s: %s", writer->name, strerror(-rc));
    }
    writer->at += bytes->len;
    return 0;
}

static void put_text(struct buf *out, const char *text)
{
    parquet_put_binary(out, text, strlen(text));
}

static void begin_column(struct growing *column, const struct parquet_written *of)
{
    *column = (struct growing){.name = mem_text(of->name), .kind = of->kind, .depth = of->depth};
    thrift_write_list(&column->path, THRIFT_BINARY, 1 + 2 * of->depth);
    put_text(&column->path, of->name);
    for (unsigned i = 0; i < of->depth; i++) {
        put_text(&column->path, "list");
        put_text(&column->path, "element");
    }
}

static void put_metadata(struct parquet_writer *writer, const struct parquet_pair *pair)
{
    int16_t last = 0;
    thrift_write_field(&writer->metadata, &last, 1, THRIFT_BINARY);
    put_text(&writer->metadata, pair->key);
    thrift_write_field(&writer->metadata, &last, 2, THRIFT_BINARY);
    put_text(&writer->metadata, pair->value);
    buf_u8(&writer->metadata, THRIFT_NONE);
}

int parquet_writer_new(const struct parquet_writer_to *to, const struct parquet_written *columns,
                       size_t count, struct parquet_writer **ret, struct error *err)
{
    CLEANUP_BUF struct buf magic = BUF_INIT;
    struct parquet_writer *writer = MEM_NEW(struct parquet_writer);
    *writer = (struct parquet_writer){.to = *to, .name = mem_text(to->name), .count = count};
    writer->columns = mem_zero(count * sizeof *writer->columns);
    for (size_t i = 0; i < count; i++)
        begin_column(&writer->columns[i], &columns[i]);
    for (size_t i = 0; i < to->metadata_count; i++)
        put_metadata(writer, &to->metadata[i]);
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
        free(writer->columns[i].name);
        buf_done(&writer->columns[i].path);
        buf_done(&writer->columns[i].rep);
        buf_done(&writer->columns[i].def);
        buf_done(&writer->columns[i].values);
    }
    free(writer->columns);
    buf_done(&writer->metadata);
    buf_done(&writer->groups);
    free(writer->name);
    free(writer);
}

/* ---- the values of a page ---- */

struct encoded {
    enum parquet_encoding encoding;
    struct buf values, dictionary;
    uint64_t distinct; /* in the dictionary */
};

static void encoded_done(struct encoded *encoded)
{
    buf_done(&encoded->values);
    buf_done(&encoded->dictionary);
}

static void put_bits(const struct growing *column, struct buf *out)
{
    for (uint64_t i = 0; i < column->count; i += 8) {
        uint8_t bits = 0;
        for (uint64_t k = i; k < column->count && k < i + 8; k++)
            bits |= (uint8_t)(column->values.data[k] << (k - i));
        buf_u8(out, bits);
    }
}

static void put_differences(const struct growing *column, struct buf *out)
{
    struct cursor c = cursor_of(column->values.data, column->values.len);
    struct delta_writer writer = delta_writer_of(out, column->count);
    for (uint64_t i = 0; i < column->count; i++)
        delta_writer_add(&writer, (int64_t)cursor_le64(&c));
    delta_writer_end(&writer);
}

/* Where a dictionary takes less than the values themselves. */
static bool put_by_dictionary(const struct growing *column, struct encoded *ret)
{
    struct cursor c = cursor_of(column->values.data, column->values.len);
    CLEANUP_FREE uint32_t *numbers = mem_alloc((size_t)column->count * sizeof *numbers);
    struct strmap *seen = strmap_new();
    for (uint64_t i = 0; i < column->count; i++) {
        struct cursor ahead = c;
        size_t len = column->kind == PARQUET_TEXT ? 4 + (size_t)cursor_le32(&ahead) : sizeof(uint64_t);
        const uint8_t *value = cursor_bytes(&c, len);
        bool is_new;
        struct strmap_entry *entry = strmap_put(seen, (const char *)value, len, &is_new);
        if (is_new) {
            entry->value = ret->distinct++;
            buf_append(&ret->dictionary, value, len);
        }
        numbers[i] = (uint32_t)entry->value;
    }
    strmap_free(seen);
    if (ret->distinct)
        parquet_put_numbers(&ret->values, numbers, column->count, ret->distinct);
    return ret->distinct && ret->dictionary.len + ret->values.len < column->values.len;
}

static struct encoded encode(const struct growing *column, bool alike)
{
    struct encoded encoded = {.encoding = PARQUET_PLAIN};
    if (column->kind == PARQUET_BOOL) {
        put_bits(column, &encoded.values);
        return encoded;
    }
    if (alike && physical(column->kind) == PARQUET_TYPE_INT64) {
        encoded.encoding = PARQUET_DELTA_BINARY_PACKED;
        put_differences(column, &encoded.values);
        return encoded;
    }
    if (alike && put_by_dictionary(column, &encoded)) {
        encoded.encoding = PARQUET_RLE_DICTIONARY;
        return encoded;
    }
    encoded_done(&encoded);
    encoded = (struct encoded){.encoding = PARQUET_PLAIN};
    buf_append(&encoded.values, column->values.data, column->values.len);
    return encoded;
}

/* ---- a row group ---- */

/* Its header, and what it holds, packed. */
static int put_page(const struct growing *column, const struct encoded *encoded, bool pack, struct buf *out,
                    uint64_t *ret_unpacked, struct error *err)
{
    CLEANUP_BUF struct buf page = BUF_INIT, packed = BUF_INIT;
    if (column->depth)
        parquet_put_levels(&page, column->rep.data, column->rep.len);
    parquet_put_levels(&page, column->def.data, column->def.len);
    buf_append(&page, encoded->values.data, encoded->values.len);
    int rc = pack ? parquet_codec_pack(page.data, page.len, &packed, err) : 0;
    if (rc)
        return rc;
    const struct buf *bytes = pack ? &packed : &page;
    size_t start = out->len;
    parquet_put_page_header(out, encoded->encoding, page.len, bytes->len, column->def.len);
    *ret_unpacked += out->len - start + page.len;
    buf_append(out, bytes->data, bytes->len);
    return 0;
}

static void put_dictionary(const struct encoded *encoded, struct buf *out)
{
    const struct buf *bytes = &encoded->dictionary;
    parquet_put_dictionary_header(out, bytes->len, bytes->len, encoded->distinct);
    buf_append(out, bytes->data, bytes->len);
}

/* Its pages, and what the footer will say of them. */
static int write_column(struct parquet_writer *writer, struct growing *column, uint64_t *ret_unpacked,
                        struct error *err)
{
    CLEANUP_BUF struct buf pages = BUF_INIT;
    CLEANUP(encoded_done) struct encoded encoded = encode(column, writer->to.alike);
    bool by_number = encoded.encoding == PARQUET_RLE_DICTIONARY;
    if (by_number)
        put_dictionary(&encoded, &pages);
    uint64_t at = writer->at, dictionary = pages.len, unpacked = dictionary;
    int rc = put_page(column, &encoded, !writer->to.alike, &pages, &unpacked, err);
    if (!rc)
        rc = write_out(writer, &pages, err);
    if (rc)
        return rc;
    const struct parquet_put_chunk chunk = {.physical = physical(column->kind),
                                            .encodings = 1u << encoded.encoding | 1u << PARQUET_RLE |
                                                         (uint32_t)by_number << PARQUET_PLAIN,
                                            .path = &column->path,
                                            .codec = writer->to.alike ? 0 : PARQUET_CODEC_PACKED,
                                            .values = column->def.len,
                                            .unpacked = unpacked,
                                            .packed = pages.len,
                                            .data_page = at + dictionary,
                                            .dictionary_page = by_number ? at : 0};
    parquet_put_chunk(&writer->groups, &chunk, at);
    *ret_unpacked += unpacked;
    return 0;
}

static int write_columns(struct parquet_writer *writer, uint64_t *ret_unpacked, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < writer->count; i++) {
        struct growing *column = &writer->columns[i];
        rc = write_column(writer, column, ret_unpacked, err);
        buf_clear(&column->rep);
        buf_clear(&column->def);
        buf_clear(&column->values);
        column->count = 0;
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

static void put_value(struct growing *column, const struct parquet_cell *cell)
{
    uint64_t bits = (uint64_t)cell->integer;
    column->count++;
    if (column->kind == PARQUET_TEXT) {
        buf_le32(&column->values, (uint32_t)cell->len);
        buf_append(&column->values, cell->text, cell->len);
        return;
    }
    if (column->kind == PARQUET_BOOL) {
        buf_u8(&column->values, cell->integer != 0);
        return;
    }
    if (column->kind == PARQUET_DOUBLE)
        memcpy(&bits, &cell->real, sizeof bits);
    buf_le64(&column->values, bits);
}

static void put_levels(struct growing *column, unsigned rep, unsigned def)
{
    if (column->depth)
        buf_u8(&column->rep, (uint8_t)rep);
    buf_u8(&column->def, (uint8_t)def);
}

/* A cell inside `lists` of its column's lists, which `rep` of them go on. */
static void put_cell(struct growing *column, const struct parquet_cell *cell, unsigned lists, unsigned rep)
{
    bool is_value = lists == column->depth;
    if (cell->null || is_value || !cell->count) {
        put_levels(column, rep, 2 * lists + !cell->null);
        if (is_value && !cell->null)
            put_value(column, cell);
        return;
    }
    for (size_t i = 0; i < cell->count; i++)
        put_cell(column, &cell->items[i], lists + 1, i ? lists + 1 : rep);
}

int parquet_writer_add(struct parquet_writer *writer, const struct parquet_cell *cells, struct error *err)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < writer->count; i++) {
        struct growing *column = &writer->columns[i];
        put_cell(column, &cells[i], 0, 0);
        bytes += column->rep.len + column->def.len + column->values.len;
    }
    writer->group_rows++;
    bool full = bytes >= PARQUET_WRITER_GROUP_BYTES || writer->group_rows >= PARQUET_WRITER_GROUP_ROWS;
    return full ? end_group(writer, err) : 0;
}

/* ---- the footer ---- */

static void put_name(struct buf *out, int16_t *last, const char *name)
{
    thrift_write_field(out, last, ELEMENT_NAME, THRIFT_BINARY);
    put_text(out, name);
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

static void put_leaf(struct buf *out, enum parquet_kind kind, const char *name)
{
    int16_t last = 0;
    parquet_put_integer(out, &last, ELEMENT_TYPE, THRIFT_I32, physical(kind));
    parquet_put_integer(out, &last, ELEMENT_REPETITION, THRIFT_I32, OPTIONAL);
    put_name(out, &last, name);
    if (kind == PARQUET_TEXT)
        parquet_put_integer(out, &last, ELEMENT_CONVERTED, THRIFT_I32, CONVERTED_UTF8);
    if (kind == PARQUET_TEXT || kind == PARQUET_TIMESTAMP)
        put_logical(out, &last, kind);
    buf_u8(out, THRIFT_NONE);
}

/* A list: a group of one child, which is repeated and has one child itself. */
static void put_list(struct buf *out, const char *name)
{
    int16_t last = 0, logical = 0;
    parquet_put_integer(out, &last, ELEMENT_REPETITION, THRIFT_I32, OPTIONAL);
    put_name(out, &last, name);
    parquet_put_integer(out, &last, ELEMENT_CHILDREN, THRIFT_I32, 1);
    parquet_put_integer(out, &last, ELEMENT_CONVERTED, THRIFT_I32, CONVERTED_LIST);
    thrift_write_field(out, &last, ELEMENT_LOGICAL, THRIFT_STRUCT);
    thrift_write_field(out, &logical, LOGICAL_LIST, THRIFT_STRUCT);
    buf_u8(out, THRIFT_NONE);
    buf_u8(out, THRIFT_NONE);
    buf_u8(out, THRIFT_NONE);
    last = 0;
    parquet_put_integer(out, &last, ELEMENT_REPETITION, THRIFT_I32, REPEATED);
    put_name(out, &last, "list");
    parquet_put_integer(out, &last, ELEMENT_CHILDREN, THRIFT_I32, 1);
    buf_u8(out, THRIFT_NONE);
}

static void put_schema(struct buf *out, const struct parquet_writer *writer)
{
    int16_t last = 0;
    size_t elements = 1;
    for (size_t i = 0; i < writer->count; i++)
        elements += 1 + 2 * writer->columns[i].depth;
    thrift_write_list(out, THRIFT_STRUCT, (uint32_t)elements);
    put_name(out, &last, "schema");
    parquet_put_integer(out, &last, ELEMENT_CHILDREN, THRIFT_I32, writer->count);
    buf_u8(out, THRIFT_NONE);
    for (size_t i = 0; i < writer->count; i++) {
        const struct growing *column = &writer->columns[i];
        for (unsigned k = 0; k < column->depth; k++)
            put_list(out, k ? "element" : column->name);
        put_leaf(out, column->kind, column->depth ? "element" : column->name);
    }
}

int parquet_writer_finish(struct parquet_writer *writer, struct error *err)
{
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
    if (writer->to.metadata_count) {
        thrift_write_field(&out, &last, FILE_METADATA, THRIFT_LIST);
        thrift_write_list(&out, THRIFT_STRUCT, (uint32_t)writer->to.metadata_count);
        buf_append(&out, writer->metadata.data, writer->metadata.len);
    }
    thrift_write_field(&out, &last, FILE_CREATED_BY, THRIFT_BINARY);
    put_text(&out, writer->to.alike ? "elidefs" : "elidefs version " ELIDEFS_VERSION);
    buf_u8(&out, THRIFT_NONE);
    buf_le32(&out, (uint32_t)out.len);
    buf_text_append(&out, "PAR1");
    return write_out(writer, &out, err);
}
