// SPDX-License-Identifier: Apache-2.0
/*
 * Rows inside a row group. Pages hold rows of their neighbours, too, so nothing can be taken by range: the
 * group is unpacked once, a leaf at a time, into what is the same for every encoding, and any run of rows is
 * written as one PLAIN page a leaf.
 *
 *     row           0          1       2
 *     entry_at      0          2       3       4      of rep and def, a byte each
 *     rep           0 1        0       0
 *     def           3 3        1       3              row 1 is an empty list
 *     value_at      0          8       8       12     of values, PLAIN; booleans a byte each
 */
#include <errno.h>
#include <string.h>

#include "index/parquet/footer.h"
#include "index/parquet/hybrid.h"
#include "index/parquet/page.h"
#include "index/parquet/value.h"

enum { PAGE_BYTES_MAX = 1 << 30 };

struct leaf {
    const struct parquet_leaf *schema;
    struct buf rep, def; /* empty where such a level can only be 0 */
    struct buf values;
    uint64_t *entry_at, *value_at; /* rows + 1 */
};

struct parquet_rows {
    const struct parquet *parquet;
    size_t group;
    uint64_t rows;
    struct leaf *leaves;
};

/* ---- unpacking ---- */

struct dictionary {
    struct buf bytes; /* PLAIN, booleans a byte each */
    uint64_t *at;     /* count + 1 */
    uint64_t count;
    bool seen;
};

struct unpacking {
    struct leaf *leaf;
    struct parquet_layout layout; /* what pages ask for */
    uint64_t rows, left;          /* of the group; begun; entries still to come */
    uint64_t row;
    uint64_t bytes_max; /* of all that is unpacked */
    struct dictionary dictionary;
    struct buf levels; /* u32, of a page: rep, then def */
};

/* Where the values of a page come from, one at a time. */
struct values_of_page {
    enum { FROM_PLAIN, FROM_DICTIONARY, FROM_RUNS } from;
    struct cursor data;
    uint64_t bit; /* PLAIN booleans */
    struct hybrid hybrid;
};

static bool take_plain(const struct parquet_leaf *schema, struct values_of_page *page, struct buf *to)
{
    static const uint8_t widths[] = {[PARQUET_TYPE_INT32] = 4,
                                     [PARQUET_TYPE_INT64] = 8,
                                     [PARQUET_TYPE_INT96] = 12,
                                     [PARQUET_TYPE_FLOAT] = 4,
                                     [PARQUET_TYPE_DOUBLE] = 8};
    if (schema->physical == PARQUET_TYPE_BOOLEAN) {
        if (page->bit / 8 >= cursor_left(&page->data))
            return false;
        buf_u8(to, page->data.data[page->data.at + page->bit / 8] >> (page->bit % 8) & 1);
        page->bit++;
        return true;
    }
    size_t width = schema->physical == PARQUET_TYPE_FIXED ? schema->width : 0;
    if (schema->physical < PARQUET_TYPE_BYTE_ARRAY)
        width = widths[schema->physical];
    if (schema->physical == PARQUET_TYPE_BYTE_ARRAY) {
        struct cursor ahead = page->data;
        width = 4 + (size_t)cursor_le32(&ahead);
    }
    const uint8_t *bytes = cursor_bytes(&page->data, width);
    if (bytes)
        buf_append(to, bytes, width);
    return bytes != NULL;
}

static bool take_value(const struct unpacking *u, struct values_of_page *page, struct buf *to)
{
    uint32_t number;
    if (page->from == FROM_PLAIN)
        return take_plain(u->leaf->schema, page, to);
    if (!hybrid_read(&page->hybrid, &number, 1))
        return false;
    if (page->from == FROM_RUNS) {
        buf_u8(to, (uint8_t)number);
        return true;
    }
    const struct dictionary *d = &u->dictionary;
    if (number >= d->count)
        return false;
    buf_append(to, d->bytes.data + d->at[number], (size_t)(d->at[number + 1] - d->at[number]));
    return true;
}

static int too_large(const struct unpacking *u, struct error *err)
{
    return error_set(err, ENOTSUP, "it unpacks to more than %llu MiB",
                     (unsigned long long)u->bytes_max >> 20);
}

static int add_dictionary(struct unpacking *u, const struct parquet_page *page, struct error *err)
{
    struct dictionary *d = &u->dictionary;
    struct values_of_page from = {.from = FROM_PLAIN, .data = page->data};
    if (d->seen)
        return error_set(err, EINVAL, "a second dictionary");
    if (page->values > u->bytes_max / sizeof *d->at)
        return too_large(u, err);
    d->seen = true;
    d->at = mem_zero((size_t)(page->values + 1) * sizeof *d->at);
    for (; d->count < page->values; d->at[++d->count] = d->bytes.len)
        if (!take_plain(u->leaf->schema, &from, &d->bytes))
            return error_set(err, EINVAL, "the dictionary ends early");
    return 0;
}

static int open_values(const struct unpacking *u, const struct parquet_page *page, struct values_of_page *ret,
                       struct error *err)
{
    *ret = (struct values_of_page){.from = FROM_PLAIN, .data = page->data};
    bool indexes = page->encoding == PARQUET_PLAIN_DICTIONARY || page->encoding == PARQUET_RLE_DICTIONARY;
    if (page->encoding == PARQUET_PLAIN)
        return 0;
    if (page->encoding == PARQUET_RLE && u->leaf->schema->physical == PARQUET_TYPE_BOOLEAN) {
        uint32_t len = cursor_le32(&ret->data);
        ret->from = FROM_RUNS;
        ret->hybrid = hybrid_of(cursor_sub(&ret->data, len), 1);
        return 0;
    }
    if (!indexes)
        return error_set(err, ENOTSUP, "values in encoding %lld are not read", (long long)page->encoding);
    if (!u->dictionary.seen)
        return error_set(err, EINVAL, "a page uses a dictionary, but there is none");
    unsigned width = cursor_left(&ret->data) ? cursor_u8(&ret->data) : 0; /* a page of nulls may have none */
    if (width > 32)
        return error_set(err, EINVAL, "dictionary indexes of %u bits", width);
    ret->from = FROM_DICTIONARY;
    ret->hybrid = hybrid_of(ret->data, width);
    return 0;
}

static int read_levels(struct cursor runs, unsigned max, uint64_t n, uint32_t *to, struct error *err)
{
    if (!max) {
        memset(to, 0, (size_t)n * sizeof *to);
        return 0;
    }
    struct hybrid hybrid = hybrid_of(runs, 32 - (unsigned)__builtin_clz(max));
    bool sound = hybrid_read(&hybrid, to, n);
    for (uint64_t i = 0; sound && i < n; i++)
        sound = to[i] <= max;
    return sound ? 0 : error_set(err, EINVAL, "the levels are damaged");
}

static bool begin_row(struct unpacking *u, uint64_t entry)
{
    struct leaf *leaf = u->leaf;
    if (u->row == u->rows)
        return false;
    leaf->entry_at[u->row] = entry;
    leaf->value_at[u->row++] = leaf->values.len;
    return true;
}

static int add_entries(struct unpacking *u, const uint32_t *levels, uint64_t n, struct values_of_page *page,
                       uint64_t entry)
{
    const struct parquet_leaf *schema = u->leaf->schema;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t rep = levels[i], def = levels[n + i];
        if (rep == 0 ? !begin_row(u, entry + i) : u->row == 0)
            return -EINVAL;
        if (schema->max_rep)
            buf_u8(&u->leaf->rep, (uint8_t)rep);
        if (schema->max_def)
            buf_u8(&u->leaf->def, (uint8_t)def);
        if (def == schema->max_def && !take_value(u, page, &u->leaf->values))
            return -EINVAL;
        if (u->leaf->values.len + u->leaf->def.len > u->bytes_max)
            return -ENOTSUP;
    }
    return 0;
}

static int add_page(struct unpacking *u, const struct parquet_page *page, uint64_t entry, struct error *err)
{
    const struct parquet_leaf *schema = u->leaf->schema;
    struct values_of_page values;
    uint64_t n = page->values;
    if (page->dictionary)
        return add_dictionary(u, page, err);
    if (n > u->left)
        return error_set(err, EINVAL, "the pages have more values than the column chunk");
    u->left -= n;
    buf_clear(&u->levels);
    uint32_t *levels = (uint32_t *)(void *)buf_room(&u->levels, (size_t)n * 2 * sizeof *levels);
    int rc = read_levels(page->rep, schema->max_rep, n, levels, err);
    if (!rc)
        rc = read_levels(page->def, schema->max_def, n, levels + n, err);
    if (!rc)
        rc = open_values(u, page, &values, err);
    if (rc)
        return rc;
    rc = add_entries(u, levels, n, &values, entry);
    return rc == -ENOTSUP ? too_large(u, err)
           : rc           ? error_set(err, EINVAL, "its levels, values and rows do not fit each other")
                          : 0;
}

static int add_pages(struct unpacking *u, const struct parquet *parquet, const struct parquet_chunk *chunk,
                     struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (chunk->len > u->bytes_max || chunk->values > u->bytes_max / 8)
        return too_large(u, err);
    int rc = recording_read(parquet->recording, chunk->start, (size_t)chunk->len,
                            buf_room(&bytes, (size_t)chunk->len), err);
    if (rc)
        return rc;
    CLEANUP_PARQUET_PAGES struct parquet_pages pages;
    parquet_pages_init(&pages, &u->layout, chunk->codec, cursor_of(bytes.data, (size_t)chunk->len),
                       u->bytes_max);
    struct parquet_page page;
    while (!rc && u->left && (rc = parquet_pages_next(&pages, &page, err)) > 0)
        rc = add_page(u, &page, chunk->values - u->left, err);
    if (rc)
        return rc;
    if (u->left || u->row != u->rows)
        return error_set(err, EINVAL, "the column chunk ends early");
    u->leaf->entry_at[u->rows] = chunk->values;
    u->leaf->value_at[u->rows] = u->leaf->values.len;
    return 0;
}

static int unpack_leaf(struct parquet_rows *rows, size_t number, uint64_t *bytes_left, struct error *err)
{
    const struct parquet *parquet = rows->parquet;
    const struct parquet_chunk *chunk = parquet_chunk_of(parquet, rows->group, number);
    struct leaf *leaf = &rows->leaves[number];
    leaf->schema = &parquet->schema.leaves[number];
    leaf->entry_at = mem_zero((size_t)(rows->rows + 1) * sizeof *leaf->entry_at);
    leaf->value_at = mem_zero((size_t)(rows->rows + 1) * sizeof *leaf->value_at);
    struct unpacking u = {.leaf = leaf,
                          .layout = {.physical = leaf->schema->physical,
                                     .width = leaf->schema->width,
                                     .depth = leaf->schema->max_rep,
                                     .max_def = leaf->schema->max_def},
                          .rows = rows->rows,
                          .left = chunk->values,
                          .bytes_max = *bytes_left};
    int rc = add_pages(&u, parquet, chunk, err);
    buf_done(&u.levels);
    buf_done(&u.dictionary.bytes);
    free(u.dictionary.at);
    uint64_t taken = leaf->values.len + leaf->def.len + leaf->rep.len;
    *bytes_left -= taken < *bytes_left ? taken : *bytes_left;
    return rc;
}

int parquet_rows_new(const struct parquet *parquet, size_t group, struct parquet_rows **ret,
                     struct error *err)
{
    size_t leaves = parquet->schema.leaf_count;
    uint64_t bytes_left = parquet->limits.bytes;
    CLEANUP_PARQUET_ROWS struct parquet_rows *rows = MEM_NEW(struct parquet_rows);
    *rows = (struct parquet_rows){.parquet = parquet, .group = group, .rows = parquet->groups[group].rows};
    if (rows->rows > bytes_left / 16 / (leaves + 1))
        return error_set(err, ENOTSUP, "%s: row group %zu has too many rows to be unpacked",
                         parquet->recording->name, group);
    rows->leaves = mem_zero(leaves * sizeof *rows->leaves);
    for (size_t i = 0; i < leaves; i++) {
        int rc = unpack_leaf(rows, i, &bytes_left, err);
        if (rc)
            return error_within(err, rc, "%s: row group %zu, column '%s'", parquet->recording->name, group,
                                parquet->schema.columns[parquet->schema.leaves[i].column].name);
    }
    *ret = STEAL(rows);
    return 0;
}

void parquet_rows_free(struct parquet_rows *rows)
{
    for (size_t i = 0; rows->leaves && i < rows->parquet->schema.leaf_count; i++) {
        buf_done(&rows->leaves[i].rep);
        buf_done(&rows->leaves[i].def);
        buf_done(&rows->leaves[i].values);
        free(rows->leaves[i].entry_at);
        free(rows->leaves[i].value_at);
    }
    free(rows->leaves);
    free(rows);
}

/* ---- writing ---- */

static void put_integer(struct buf *buf, int16_t *last, int16_t field, enum thrift_type type, uint64_t value)
{
    thrift_write_field(buf, last, field, type);
    thrift_write_integer(buf, (int64_t)value);
}

/* Runs of one byte each: levels are below 256. */
static void write_levels(struct buf *page, const uint8_t *levels, uint64_t n)
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

static void write_values(struct buf *page, const struct leaf *leaf, uint64_t from, uint64_t end)
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

/* A data page, v1, neither packed nor with a dictionary: DATA_PAGE and PLAIN are 0. */
static void write_page(struct buf *out, const struct leaf *leaf, uint64_t first, uint64_t count)
{
    CLEANUP_BUF struct buf page = BUF_INIT;
    uint64_t from = leaf->entry_at[first], n = leaf->entry_at[first + count] - from;
    if (leaf->schema->max_rep)
        write_levels(&page, leaf->rep.data + from, n);
    if (leaf->schema->max_def)
        write_levels(&page, leaf->def.data + from, n);
    write_values(&page, leaf, leaf->value_at[first], leaf->value_at[first + count]);
    int16_t last = 0, inner = 0;
    put_integer(out, &last, 1, THRIFT_I32, 0);
    put_integer(out, &last, 2, THRIFT_I32, page.len);
    put_integer(out, &last, 3, THRIFT_I32, page.len);
    thrift_write_field(out, &last, 5, THRIFT_STRUCT); /* DataPageHeader */
    put_integer(out, &inner, 1, THRIFT_I32, n);
    put_integer(out, &inner, 2, THRIFT_I32, PARQUET_PLAIN);
    put_integer(out, &inner, 3, THRIFT_I32, PARQUET_RLE);
    put_integer(out, &inner, 4, THRIFT_I32, PARQUET_RLE);
    buf_u8(out, THRIFT_NONE);
    buf_u8(out, THRIFT_NONE);
    buf_append(out, page.data, page.len);
}

static void write_path(const struct parquet_rows *rows, size_t number, struct buf *out)
{
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    const struct parquet *parquet = rows->parquet;
    thrift_id chunk =
        parquet_footer_parse(parquet, parquet_chunk_of(parquet, rows->group, number)->footer_at, &tree);
    thrift_id path = thrift_path(&tree, chunk, CHUNK_META, META_PATH, 0);
    thrift_write_list(out, THRIFT_BINARY, (uint32_t)thrift_count(&tree, path));
    for (thrift_id part = thrift_first(&tree, path); part; part = thrift_next(&tree, part)) {
        const uint8_t *bytes = NULL;
        size_t len = 0;
        thrift_binary(&tree, part, &bytes, &len);
        buf_varint(out, len);
        buf_append(out, bytes, len);
    }
}

/* A ColumnChunk: its one page lies at [at, at + len) of the new file. */
static void write_chunk(const struct parquet_rows *rows, size_t number, uint64_t entries, const uint64_t *at,
                        struct buf *out)
{
    int16_t last = 0, meta = 0;
    put_integer(out, &last, CHUNK_OFFSET, THRIFT_I64, at[0]);
    thrift_write_field(out, &last, CHUNK_META, THRIFT_STRUCT);
    put_integer(out, &meta, META_TYPE, THRIFT_I32, rows->leaves[number].schema->physical);
    thrift_write_field(out, &meta, META_ENCODINGS, THRIFT_LIST);
    thrift_write_list(out, THRIFT_I32, 2);
    thrift_write_integer(out, PARQUET_PLAIN);
    thrift_write_integer(out, PARQUET_RLE);
    thrift_write_field(out, &meta, META_PATH, THRIFT_LIST);
    write_path(rows, number, out);
    put_integer(out, &meta, META_CODEC, THRIFT_I32, 0);
    put_integer(out, &meta, META_VALUES, THRIFT_I64, entries);
    put_integer(out, &meta, META_UNPACKED, THRIFT_I64, at[1] - at[0]);
    put_integer(out, &meta, META_COMPRESSED, THRIFT_I64, at[1] - at[0]);
    put_integer(out, &meta, META_DATA_PAGE, THRIFT_I64, at[0]);
    buf_u8(out, THRIFT_NONE);
    buf_u8(out, THRIFT_NONE);
}

/* The list of row groups: one. `at`: where each leaf's page begins, and where the last one ends. */
static void write_group(const struct parquet_rows *rows, uint64_t first, uint64_t count, const uint64_t *at,
                        struct buf *out)
{
    size_t leaves = rows->parquet->schema.leaf_count;
    int16_t last = 0;
    thrift_write_list(out, THRIFT_STRUCT, 1);
    thrift_write_field(out, &last, GROUP_CHUNKS, THRIFT_LIST);
    thrift_write_list(out, THRIFT_STRUCT, (uint32_t)leaves);
    for (size_t i = 0; i < leaves; i++) {
        const struct leaf *leaf = &rows->leaves[i];
        write_chunk(rows, i, leaf->entry_at[first + count] - leaf->entry_at[first], at + i, out);
    }
    put_integer(out, &last, GROUP_BYTES, THRIFT_I64, at[leaves] - at[0]);
    put_integer(out, &last, GROUP_ROWS, THRIFT_I64, count);
    put_integer(out, &last, GROUP_OFFSET, THRIFT_I64, at[0]);
    buf_u8(out, THRIFT_NONE);
}

uint64_t parquet_rows_bytes(const struct parquet_rows *rows, uint64_t first, uint64_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < rows->parquet->schema.leaf_count; i++)
        bytes += rows->leaves[i].value_at[first + count] - rows->leaves[i].value_at[first];
    return bytes;
}

int parquet_rows_slice(const struct parquet_rows *rows, uint64_t first, uint64_t count, struct slice *slice,
                       struct error *err)
{
    size_t leaves = rows->parquet->schema.leaf_count;
    const char *name = rows->parquet->recording->name;
    if (count == 0 || first >= rows->rows || count > rows->rows - first)
        return error_set(err, EINVAL, "%s: row group %zu: rows %llu to %llu of %llu", name, rows->group,
                         (unsigned long long)first, (unsigned long long)first + count,
                         (unsigned long long)rows->rows);
    CLEANUP_BUF struct buf out = BUF_INIT;
    CLEANUP_BUF struct buf groups = BUF_INIT;
    CLEANUP_FREE uint64_t *at = mem_alloc((leaves + 1) * sizeof *at);
    if (parquet_rows_bytes(rows, first, count) > PAGE_BYTES_MAX)
        return error_set(err, ENOTSUP, "%s: %llu rows are more than a page can hold", name,
                         (unsigned long long)count);
    buf_text_append(&out, "PAR1");
    for (size_t i = 0; i < leaves; i++) {
        at[i] = out.len;
        write_page(&out, &rows->leaves[i], first, count);
    }
    at[leaves] = out.len;
    write_group(rows, first, count, at, &groups);
    int rc = parquet_footer_write(rows->parquet, count, &groups, &out, err);
    if (rc)
        return error_within(err, rc, "%s", name);
    slice_add_inline(slice, out.data, out.len);
    return 0;
}
