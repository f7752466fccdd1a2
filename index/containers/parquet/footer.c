// SPDX-License-Identifier: Apache-2.0
/*
 * Everything that later steps rely on is checked here, once: the shape of the schema, that each row group has
 * a chunk for each leaf, that a chunk lies between the head and the footer, that rows add up.
 */
#include "index/containers/parquet/footer.h"

#include <errno.h>
#include <string.h>

#include "index/containers/parquet/codec.h"
#include "index/containers/parquet/encoding.h"

enum {
    MAGIC_BYTES = 4,
    TAIL_BYTES = 8,        /* length and magic */
    FIRST_READ = 16 << 10, /* the footer too, of a file with an episode; more than that has few files */
    FOOTER_MAX = 64 << 20,
    GROUPS_MAX = 1 << 20,
};

static int no_footer(const struct recording *recording, struct error *err)
{
    uint8_t head[MAGIC_BYTES];
    size_t len = recording->size < sizeof head ? (size_t)recording->size : sizeof head;
    int rc = len ? recording_read(recording, 0, len, head, err) : 0;
    if (rc)
        return rc;
    if (len == sizeof head && !memcmp(head, "PARE", MAGIC_BYTES))
        return error_set(err, ENOTSUP, "encrypted Parquet files are not read");
    if (memcmp(head, "PAR1", len) != 0)
        return error_set(err, EINVAL, "no Parquet file: it does not start with PAR1");
    return error_set(err, ENODATA, "no footer: the file was not finished (it does not end with PAR1)");
}

static int read_footer(struct parquet *parquet, struct error *err)
{
    const struct recording *recording = parquet->recording;
    if (recording->size < MAGIC_BYTES + TAIL_BYTES)
        return no_footer(recording, err);
    size_t first = recording->at_hand > TAIL_BYTES ? recording->at_hand : FIRST_READ;
    first = recording->size < first ? (size_t)recording->size : first;
    CLEANUP_BUF struct buf tail = BUF_INIT;
    int rc = recording_read(recording, recording->size - first, first, buf_room(&tail, first), err);
    if (rc)
        return rc;
    const uint8_t *end = tail.data + first;
    if (!memcmp(end - MAGIC_BYTES, "PARE", MAGIC_BYTES))
        return error_set(err, ENOTSUP, "encrypted Parquet files are not read");
    if (memcmp(end - MAGIC_BYTES, "PAR1", MAGIC_BYTES))
        return no_footer(recording, err);
    struct cursor c = cursor_of(end - TAIL_BYTES, 4);
    size_t len = cursor_le32(&c);
    if (len > FOOTER_MAX || len > recording->size - MAGIC_BYTES - TAIL_BYTES)
        return error_set(err, EINVAL, "the footer claims %zu bytes, the file has %llu", len,
                         (unsigned long long)recording->size);
    parquet->footer_at = recording->size - TAIL_BYTES - len;
    if (len + TAIL_BYTES <= first) {
        buf_append(&parquet->footer, end - TAIL_BYTES - len, len);
        return 0;
    }
    rc = recording_read(recording, parquet->footer_at, len, buf_room(&parquet->footer, len), err);
    parquet->footer.len = rc ? 0 : len;
    return rc;
}

static int add_field(struct parquet *parquet, struct parquet_field field, struct error *err)
{
    if (parquet->field_count == PARQUET_FILE_FIELDS_MAX)
        return error_set(err, EINVAL, "footer: too many fields");
    for (size_t i = 0; i < parquet->field_count; i++)
        if (parquet->fields[i].field == field.field)
            return error_set(err, EINVAL, "footer: field %d is there twice", field.field);
    parquet->fields[parquet->field_count++] = field;
    return 0;
}

static int walk_fields(struct parquet *parquet, struct error *err)
{
    struct cursor c = cursor_of(parquet->footer.data, parquet->footer.len);
    int16_t last = 0;
    enum thrift_type type;
    while ((type = thrift_read_field(&c, &last)) != THRIFT_NONE) {
        size_t at = c.at;
        if (!thrift_skip(&c, type))
            return error_set(err, EINVAL, "footer: field %d is malformed at offset %zu", last, at);
        struct parquet_field field = {last, (uint8_t)type, (uint32_t)at, (uint32_t)(c.at - at)};
        int rc = add_field(parquet, field, err);
        if (rc)
            return rc;
    }
    return c.failed ? error_set(err, EINVAL, "footer: it ends in the middle") : 0;
}

static struct cursor field_cursor(const struct parquet *parquet, int field, enum thrift_type type)
{
    struct cursor c = {.failed = true};
    for (size_t i = 0; i < parquet->field_count; i++)
        if (parquet->fields[i].field == field && parquet->fields[i].type == type) {
            c = cursor_of(parquet->footer.data, parquet->fields[i].at + parquet->fields[i].len);
            c.at = parquet->fields[i].at;
        }
    return c;
}

/* Parses FileMetaData without its row groups, which are most of it. */
static int parse_rest(const struct parquet *parquet, struct thrift *tree, struct buf *bytes,
                      thrift_id *ret_root, struct error *err)
{
    int16_t last = 0;
    for (size_t i = 0; i < parquet->field_count; i++) {
        const struct parquet_field *field = &parquet->fields[i];
        if (field->field == FILE_GROUPS)
            continue;
        thrift_write_field(bytes, &last, field->field, field->type);
        buf_append(bytes, parquet->footer.data + field->at, field->len);
    }
    buf_u8(bytes, THRIFT_NONE);
    struct cursor c = cursor_of(bytes->data, bytes->len);
    return thrift_parse(tree, &c, ret_root, err);
}

static void read_metadata(struct parquet *parquet, const struct thrift *tree, thrift_id list)
{
    parquet->texts = mem_zero(thrift_count(tree, list) * sizeof *parquet->texts);
    for (thrift_id pair = thrift_first(tree, list); pair; pair = thrift_next(tree, pair)) {
        const uint8_t *key, *value;
        size_t key_len, value_len;
        if (!thrift_binary(tree, thrift_field(tree, pair, 1), &key, &key_len) ||
            !thrift_binary(tree, thrift_field(tree, pair, 2), &value, &value_len))
            continue;
        bool is_new;
        struct strmap_entry *entry = strmap_put(parquet->metadata, (const char *)key, key_len, &is_new);
        if (!is_new)
            continue;
        entry->value = parquet->text_count;
        parquet->texts[parquet->text_count++] = mem_copy(value, value_len);
    }
}

static void read_orders(struct parquet *parquet, const struct thrift *tree, thrift_id list)
{
    parquet->ordered = mem_zero(parquet->schema.leaf_count * sizeof *parquet->ordered);
    thrift_id order = thrift_first(tree, list);
    for (size_t i = 0; order && i < parquet->schema.leaf_count; i++, order = thrift_next(tree, order))
        parquet->ordered[i] = thrift_field(tree, order, 1) || thrift_field(tree, order, 2);
}

static int read_rest(struct parquet *parquet, struct error *err)
{
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    thrift_id root;
    int rc = parse_rest(parquet, &tree, &bytes, &root, err);
    if (rc)
        return error_within(err, rc, "footer");
    if (thrift_field(&tree, root, FILE_ENCRYPTION))
        return error_set(err, ENOTSUP, "encrypted Parquet files are not read");
    rc = parquet_schema_init(&parquet->schema, &tree, thrift_field(&tree, root, FILE_SCHEMA), err);
    if (rc)
        return rc;
    int64_t rows;
    if (!thrift_integer(&tree, thrift_field(&tree, root, FILE_ROWS), &rows) || rows < 0)
        return error_set(err, EINVAL, "footer: no number of rows");
    parquet->rows = (uint64_t)rows;
    parquet->names = strmap_new();
    for (size_t i = 0; i < parquet->schema.count; i++) {
        bool is_new;
        const char *name = parquet->schema.columns[i].name;
        struct strmap_entry *entry = strmap_put(parquet->names, name, strlen(name), &is_new);
        if (is_new)
            entry->value = i;
    }
    parquet->metadata = strmap_new();
    read_metadata(parquet, &tree, thrift_field(&tree, root, FILE_METADATA));
    read_orders(parquet, &tree, thrift_field(&tree, root, FILE_ORDERS));
    return 0;
}

static int chunk_range(const struct parquet *parquet, const struct thrift *tree, thrift_id meta,
                       struct parquet_chunk *chunk, struct error *err)
{
    int64_t start = thrift_integer_or(tree, meta, META_DATA_PAGE, -1);
    int64_t dictionary = thrift_integer_or(tree, meta, META_DICTIONARY_PAGE, 0);
    int64_t len = thrift_integer_or(tree, meta, META_COMPRESSED, -1);
    /* 0 stands for "none" in both: no dictionary, or a dictionary and no data page behind it */
    if (dictionary > 0 && (dictionary < start || start == 0))
        start = dictionary;
    if (len == 0 && chunk->values == 0)
        start = MAGIC_BYTES; /* no pages, so wherever it says they are */
    if (start < MAGIC_BYTES || len < 0 || (uint64_t)start > parquet->footer_at ||
        (uint64_t)len > parquet->footer_at - (uint64_t)start)
        return error_set(err, EINVAL, "its %lld bytes at offset %lld do not lie between head and footer",
                         (long long)len, (long long)start);
    chunk->start = (uint64_t)start;
    chunk->len = (uint64_t)len;
    return 0;
}

/* The first reason stays. */
static void mark_unreadable(struct parquet *parquet, const struct thrift *tree, thrift_id meta, size_t leaf)
{
    struct parquet_column *column = &parquet->schema.columns[parquet->schema.leaves[leaf].column];
    const char *why = parquet_codec_unread((int)thrift_integer_or(tree, meta, META_CODEC, -1));
    thrift_id list = thrift_field(tree, meta, META_ENCODINGS);
    for (thrift_id one = thrift_first(tree, list); !why && one; one = thrift_next(tree, one)) {
        int64_t encoding = -1;
        if (!thrift_integer(tree, one, &encoding) || !parquet_encoding_known(encoding))
            why = "its values are in an encoding that is not known";
    }
    if (!why)
        return;
    column->readable = false;
    column->why = column->why ? column->why : why;
}

static int read_chunk(struct parquet *parquet, const struct thrift *tree, thrift_id record, size_t leaf,
                      struct error *err)
{
    thrift_id meta = thrift_field(tree, record, CHUNK_META);
    if (thrift_field(tree, record, CHUNK_CRYPTO) || thrift_field(tree, record, CHUNK_CRYPTO_META))
        return error_set(err, ENOTSUP, "it is encrypted");
    if (thrift_field(tree, record, CHUNK_PATH))
        return error_set(err, ENOTSUP, "its data lie in another file");
    if (thrift_integer_or(tree, meta, META_TYPE, -1) != (int64_t)parquet->schema.leaves[leaf].physical)
        return error_set(err, EINVAL, "its type is not the schema's");
    int64_t values = thrift_integer_or(tree, meta, META_VALUES, -1);
    int64_t codec = thrift_integer_or(tree, meta, META_CODEC, -1);
    if (values < 0 || codec < 0 || codec > INT8_MAX)
        return error_set(err, EINVAL, "its metadata are incomplete");
    struct parquet_chunk chunk = {.values = (uint64_t)values,
                                  .codec = (int8_t)codec,
                                  .footer_at = (uint32_t)thrift_offset(tree, record)};
    int rc = chunk_range(parquet, tree, meta, &chunk, err);
    if (rc)
        return rc;
    mark_unreadable(parquet, tree, meta, leaf);
    parquet->chunks[parquet->group_count * parquet->schema.leaf_count + leaf] = chunk;
    return 0;
}

static int read_group(struct parquet *parquet, const struct thrift *tree, thrift_id record, struct error *err)
{
    size_t leaves = parquet->schema.leaf_count;
    thrift_id list = thrift_field(tree, record, GROUP_CHUNKS);
    if (thrift_count(tree, list) != leaves)
        return error_set(err, EINVAL, "%zu column chunks, the schema has %zu", thrift_count(tree, list),
                         leaves);
    int64_t rows = thrift_integer_or(tree, record, GROUP_ROWS, -1);
    uint64_t before = parquet->group_count ? parquet->groups[parquet->group_count - 1].first_row +
                                                 parquet->groups[parquet->group_count - 1].rows
                                           : 0;
    if (rows < 0 || (uint64_t)rows > parquet->rows - before)
        return error_set(err, EINVAL, "%lld rows, the file has %llu in all", (long long)rows,
                         (unsigned long long)parquet->rows);
    mem_grow(&parquet->groups, &parquet->group_cap, parquet->group_count + 1, sizeof *parquet->groups);
    mem_grow(&parquet->chunks, &parquet->chunk_cap, (parquet->group_count + 1) * leaves,
             sizeof *parquet->chunks);
    size_t leaf = 0;
    for (thrift_id one = thrift_first(tree, list); one; one = thrift_next(tree, one), leaf++) {
        int rc = read_chunk(parquet, tree, one, leaf, err);
        if (rc)
            return error_within(err, rc, "column chunk %zu ('%s')", leaf,
                                parquet->schema.columns[parquet->schema.leaves[leaf].column].name);
    }
    parquet->groups[parquet->group_count++] = (struct parquet_group){
        .first_row = before, .rows = (uint64_t)rows, .footer_at = (uint32_t)thrift_offset(tree, record)};
    return 0;
}

static int read_groups(struct parquet *parquet, struct error *err)
{
    struct cursor c = field_cursor(parquet, FILE_GROUPS, THRIFT_LIST);
    uint32_t count = 0;
    enum thrift_type type = thrift_read_list(&c, &count);
    if (c.failed || (count && type != THRIFT_STRUCT) || count > GROUPS_MAX)
        return error_set(err, EINVAL, "footer: no list of row groups");
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    for (uint32_t i = 0; i < count; i++) {
        thrift_id record = 0;
        int rc = thrift_parse(&tree, &c, &record, err);
        if (!rc)
            rc = read_group(parquet, &tree, record, err);
        if (rc)
            return error_within(err, rc, "row group %u", i);
    }
    const struct parquet_group *last = count ? &parquet->groups[count - 1] : NULL;
    uint64_t rows = last ? last->first_row + last->rows : 0;
    if (rows != parquet->rows)
        return error_set(err, EINVAL, "the row groups have %llu rows, the file claims %llu",
                         (unsigned long long)rows, (unsigned long long)parquet->rows);
    return 0;
}

int parquet_open(const struct recording *recording, struct parquet **ret, struct error *err)
{
    CLEANUP_PARQUET struct parquet *parquet = MEM_NEW(struct parquet);
    parquet->recording = recording;
    parquet->limits = (struct parquet_limits){.values = PARQUET_VALUES_MAX, .bytes = PARQUET_BYTES_MAX};
    int rc = read_footer(parquet, err);
    if (!rc)
        rc = walk_fields(parquet, err);
    if (!rc)
        rc = read_rest(parquet, err);
    if (!rc)
        rc = read_groups(parquet, err);
    if (rc)
        return error_within(err, rc, "%s", recording->name);
    *ret = STEAL(parquet);
    return 0;
}

void parquet_free(struct parquet *parquet)
{
    if (!parquet)
        return;
    for (size_t i = 0; i < parquet->text_count; i++)
        free(parquet->texts[i]);
    free(parquet->texts);
    free(parquet->ordered);
    free(parquet->groups);
    free(parquet->chunks);
    if (parquet->names)
        strmap_free(parquet->names);
    if (parquet->metadata)
        strmap_free(parquet->metadata);
    parquet_schema_done(&parquet->schema);
    buf_done(&parquet->footer);
    free(parquet);
}

void parquet_set_limits(struct parquet *parquet, struct parquet_limits limits)
{
    parquet->limits = limits;
}

uint64_t parquet_rows(const struct parquet *parquet)
{
    return parquet->rows;
}

size_t parquet_groups(const struct parquet *parquet)
{
    return parquet->group_count;
}

uint64_t parquet_group_rows(const struct parquet *parquet, size_t group)
{
    return parquet->groups[group].rows;
}

uint64_t parquet_group_bytes(const struct parquet *parquet, size_t group)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < parquet->schema.leaf_count; i++)
        bytes += parquet_chunk_of(parquet, group, i)->len;
    return bytes;
}

uint64_t parquet_group_first_row(const struct parquet *parquet, size_t group)
{
    return parquet->groups[group].first_row;
}

const char *parquet_metadata(const struct parquet *parquet, const char *key)
{
    const struct strmap_entry *entry = strmap_find(parquet->metadata, key, strlen(key));
    return entry ? parquet->texts[entry->value] : NULL;
}

size_t parquet_columns(const struct parquet *parquet)
{
    return parquet->schema.count;
}

const struct parquet_column *parquet_column(const struct parquet *parquet, size_t i)
{
    return &parquet->schema.columns[i];
}

int parquet_find(const struct parquet *parquet, const char *name)
{
    const struct strmap_entry *entry = strmap_find(parquet->names, name, strlen(name));
    return entry ? (int)entry->value : -ENOENT;
}

const struct parquet_chunk *parquet_chunk_of(const struct parquet *parquet, size_t group, size_t leaf)
{
    return &parquet->chunks[group * parquet->schema.leaf_count + leaf];
}

thrift_id parquet_footer_parse(const struct parquet *parquet, uint32_t at, struct thrift *tree)
{
    struct cursor c = cursor_of(parquet->footer.data, parquet->footer.len);
    thrift_id root = 0;
    cursor_seek(&c, at);
    thrift_parse(tree, &c, &root, NULL);
    return root;
}

void parquet_footer_path(const struct parquet *parquet, size_t group, size_t leaf, struct buf *out)
{
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    thrift_id chunk = parquet_footer_parse(parquet, parquet_chunk_of(parquet, group, leaf)->footer_at, &tree);
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

/* ColumnOrder, a union: the order of the type, of each leaf. */
static void put_orders(const struct parquet *parquet, struct buf *out)
{
    thrift_write_list(out, THRIFT_STRUCT, (uint32_t)parquet->schema.leaf_count);
    for (size_t i = 0; i < parquet->schema.leaf_count; i++) {
        int16_t last = 0;
        thrift_write_field(out, &last, 1, THRIFT_STRUCT);
        buf_u8(out, THRIFT_NONE);
        buf_u8(out, THRIFT_NONE);
    }
}

static void put_field(const struct parquet *parquet, const struct parquet_field *field,
                      const struct parquet_footer_anew *anew, int16_t *last, struct buf *out)
{
    if (field->field == FILE_ORDERS && anew->orders)
        return;
    bool is_rows = field->field == FILE_ROWS;
    thrift_write_field(out, last, field->field, is_rows ? THRIFT_I64 : field->type);
    if (is_rows)
        thrift_write_integer(out, (int64_t)anew->rows);
    else if (field->field == FILE_GROUPS)
        buf_append(out, anew->groups->data, anew->groups->len);
    else
        buf_append(out, parquet->footer.data + field->at, field->len);
}

int parquet_footer_write(const struct parquet *parquet, const struct parquet_footer_anew *anew,
                         struct buf *out, struct error *err)
{
    size_t start = out->len;
    int16_t last = 0;
    for (size_t i = 0; i < parquet->field_count; i++)
        put_field(parquet, &parquet->fields[i], anew, &last, out);
    if (anew->orders) {
        thrift_write_field(out, &last, FILE_ORDERS, THRIFT_LIST);
        put_orders(parquet, out);
    }
    buf_u8(out, THRIFT_NONE);
    if (out->len - start > UINT32_MAX)
        return error_set(err, EFBIG, "the footer would take %zu bytes", out->len - start);
    buf_le32(out, (uint32_t)(out->len - start));
    buf_text_append(out, "PAR1");
    return 0;
}
