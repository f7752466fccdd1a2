// SPDX-License-Identifier: Apache-2.0
/*
 * Rows inside a row group. Pages hold rows of their neighbours, too, so nothing can be taken by range: the
 * group is unpacked once, a leaf at a time, into what is the same for every encoding. A page that cannot be
 * decoded costs its rows only, if its header tells how many they are. Who only wants to know whether there is
 * such a page forgets each one again.
 */
#include <errno.h>
#include <string.h>

#include "index/containers/parquet/encoding.h"
#include "index/containers/parquet/hybrid.h"
#include "index/containers/parquet/page.h"
#include "index/containers/parquet/rows.h"

struct dictionary {
    struct buf bytes; /* PLAIN, booleans a byte each */
    uint64_t *at;     /* count + 1 */
    uint64_t count;
    bool seen;
};

struct unpacking {
    struct parquet_rows *group;
    struct rows_leaf *leaf;
    struct parquet_layout layout; /* what pages ask for */
    uint64_t rows, row;           /* of the group; begun */
    uint64_t entries, left;       /* of the chunk; still to come */
    uint64_t bytes_max;           /* of all that is unpacked */
    bool forget;                  /* each page, once it was unpacked */
    struct dictionary dictionary;
    struct buf levels; /* u32, of a page: rep, then def */
    struct buf plain;  /* values of a page that were written in another way */
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

static int open_dictionary(const struct unpacking *u, struct values_of_page *page, struct error *err)
{
    if (!u->dictionary.seen)
        return error_set(err, EINVAL, "a page uses a dictionary, but there is none");
    unsigned width = cursor_left(&page->data) ? cursor_u8(&page->data) : 0; /* of nulls only: none */
    if (width > 32)
        return error_set(err, EINVAL, "dictionary indexes of %u bits", width);
    page->from = FROM_DICTIONARY;
    page->hybrid = hybrid_of(page->data, width);
    return 0;
}

/* `present`: how many values there are. */
static int open_values(struct unpacking *u, const struct parquet_page *page, uint64_t present,
                       struct values_of_page *ret, struct error *err)
{
    *ret = (struct values_of_page){.from = FROM_PLAIN, .data = page->data};
    if (page->encoding == PARQUET_PLAIN)
        return 0;
    if (page->encoding == PARQUET_PLAIN_DICTIONARY || page->encoding == PARQUET_RLE_DICTIONARY)
        return open_dictionary(u, ret, err);
    if (page->encoding == PARQUET_RLE && u->leaf->schema->physical == PARQUET_TYPE_BOOLEAN) {
        uint32_t len = cursor_le32(&ret->data);
        ret->from = FROM_RUNS;
        ret->hybrid = hybrid_of(cursor_sub(&ret->data, len), 1);
        return 0;
    }
    buf_clear(&u->plain);
    struct parquet_coded coded = {page->encoding, page->data, present};
    int rc = parquet_encoding_to_plain(&u->layout, &coded, u->bytes_max, &u->plain, err);
    ret->data = cursor_of(u->plain.data, u->plain.len);
    return rc == -EFBIG ? too_large(u, err) : rc;
}

static bool begin_row(struct unpacking *u, uint64_t entry)
{
    struct rows_leaf *leaf = u->leaf;
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

static void forget_page(struct rows_leaf *leaf)
{
    buf_clear(&leaf->rep);
    buf_clear(&leaf->def);
    buf_clear(&leaf->values);
}

static int add_page(struct unpacking *u, const struct parquet_page *page, uint64_t entry, struct error *err)
{
    const struct parquet_leaf *schema = u->leaf->schema;
    struct values_of_page values;
    uint64_t n = page->values, present = 0;
    if (page->dictionary)
        return add_dictionary(u, page, err);
    if (n > u->left)
        return error_set(err, EINVAL, "the pages have more values than the column chunk");
    u->left -= n;
    buf_clear(&u->levels);
    uint32_t *levels = (uint32_t *)(void *)buf_room(&u->levels, (size_t)n * 2 * sizeof *levels);
    int rc = parquet_levels_read(&page->rep, schema->max_rep, n, levels, err);
    if (!rc)
        rc = parquet_levels_read(&page->def, schema->max_def, n, levels + n, err);
    for (uint64_t i = 0; !rc && i < n; i++)
        present += levels[n + i] == schema->max_def;
    if (!rc)
        rc = open_values(u, page, present, &values, err);
    if (rc)
        return rc;
    rc = add_entries(u, levels, n, &values, entry);
    if (u->forget)
        forget_page(u->leaf);
    return rc == -ENOTSUP ? too_large(u, err)
           : rc           ? error_set(err, EINVAL, "its levels, values and rows do not fit each other")
                          : 0;
}

/* ---- what cannot be decoded ---- */

enum { BAD_MAX = 256 };

static void note_bad(struct unpacking *u, uint64_t first, uint64_t end, const struct error *why)
{
    struct parquet_rows *group = u->group;
    if (group->bad_count == BAD_MAX) { /* hopeless: the last stands for all that come */
        struct rows_bad *last = &group->bad[BAD_MAX - 1];
        *last = (struct rows_bad){.end = u->rows, .why = last->why};
        return;
    }
    mem_grow(&group->bad, &group->bad_cap, group->bad_count + 1, sizeof *group->bad);
    struct rows_bad *bad = &group->bad[group->bad_count++];
    *bad = (struct rows_bad){.first = first, .end = end, .why = *why};
    error_prefix(&bad->why, "row group %zu, column '%s'", group->group,
                 group->parquet->schema.columns[u->leaf->schema->column].name);
}

/* Where a page begins. */
struct mark {
    uint64_t row, left;
    size_t rep, def, values;
};

static struct mark mark_of(const struct unpacking *u)
{
    return (struct mark){u->row, u->left, u->leaf->rep.len, u->leaf->def.len, u->leaf->values.len};
}

/* Rows that have nothing, up to `end`. */
static void skip_rows(struct unpacking *u, uint64_t end, uint64_t entries_each)
{
    for (; u->row < end; u->left -= entries_each) {
        u->leaf->entry_at[u->row] = u->entries - u->left;
        u->leaf->value_at[u->row++] = u->leaf->values.len;
        if (u->leaf->schema->max_def)
            buf_zero(&u->leaf->def, entries_each);
    }
}

/* Takes the page back. `entries`: those it claims. False: nobody knows which rows the next page holds. */
static bool pass_over(struct unpacking *u, const struct mark *mark, uint64_t entries, const struct error *why)
{
    struct rows_leaf *leaf = u->leaf;
    bool flat = !leaf->schema->max_rep && entries <= mark->left && entries <= u->rows - mark->row;
    u->row = mark->row;
    u->left = mark->left;
    buf_truncate(&leaf->rep, mark->rep);
    buf_truncate(&leaf->def, mark->def);
    buf_truncate(&leaf->values, mark->values);
    uint64_t end = flat ? u->row + entries : u->rows;
    /* the last row of the page before may go on in this one */
    note_bad(u, leaf->schema->max_rep && u->row ? u->row - 1 : u->row, end, why);
    skip_rows(u, end, flat);
    return flat;
}

static int add_next(struct unpacking *u, struct parquet_pages *pages, struct error *err)
{
    struct parquet_page page;
    int rc = parquet_pages_next(pages, &page, err);
    if (rc == 0)
        return error_set(err, EINVAL, "the column chunk ends %llu values early", (unsigned long long)u->left);
    return rc < 0 ? rc : add_page(u, &page, u->entries - u->left, err);
}

static int add_pages(struct unpacking *u, struct parquet_pages *pages, struct error *err)
{
    for (unsigned i = 0; u->left; i++) {
        struct mark mark = mark_of(u);
        struct error why = {0};
        int rc = add_next(u, pages, &why);
        if (!rc)
            continue;
        error_prefix(&why, "page %u", i);
        if (u->forget || (rc != -EINVAL && rc != -EFBIG))
            return error_copy(err, &why);
        if (!pass_over(u, &mark, pages->entries, &why))
            return 0;
    }
    struct error why = {0};
    if (u->row == u->rows)
        return 0;
    error_set(&why, EINVAL, "%llu rows, the row group has %llu", (unsigned long long)u->row,
              (unsigned long long)u->rows);
    if (u->forget)
        return error_copy(err, &why);
    struct mark end = mark_of(u);
    pass_over(u, &end, UINT64_MAX, &why);
    return 0;
}

static int add_chunk(struct unpacking *u, const struct parquet_chunk *chunk, struct error *err)
{
    const struct parquet *parquet = u->group->parquet;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    if (chunk->len > u->bytes_max || chunk->values > u->bytes_max / 8)
        return too_large(u, err);
    int rc = recording_read(parquet->recording, chunk->start, (size_t)chunk->len,
                            buf_room(&bytes, (size_t)chunk->len), err);
    if (rc)
        return rc;
    CLEANUP_PARQUET_PAGES struct parquet_pages pages;
    parquet_pages_init(&pages, &u->layout, chunk->codec, cursor_of(bytes.data, (size_t)chunk->len),
                       parquet->limits.bytes);
    rc = add_pages(u, &pages, err);
    u->leaf->entry_at[u->rows] = u->entries - u->left;
    u->leaf->value_at[u->rows] = u->leaf->values.len;
    return rc;
}

/* `leaf` is empty. `bytes_left`: of what may be unpacked, counted down. */
static int unpack_leaf(struct parquet_rows *rows, size_t number, struct rows_leaf *leaf, uint64_t *bytes_left,
                       struct error *err)
{
    const struct parquet *parquet = rows->parquet;
    const struct parquet_chunk *chunk = parquet_chunk_of(parquet, rows->group, number);
    leaf->schema = &parquet->schema.leaves[number];
    leaf->entry_at = mem_zero((size_t)(rows->rows + 1) * sizeof *leaf->entry_at);
    leaf->value_at = mem_zero((size_t)(rows->rows + 1) * sizeof *leaf->value_at);
    struct unpacking u = {.group = rows,
                          .leaf = leaf,
                          .layout = {.physical = leaf->schema->physical,
                                     .width = leaf->schema->width,
                                     .depth = leaf->schema->max_rep,
                                     .max_def = leaf->schema->max_def},
                          .rows = rows->rows,
                          .entries = chunk->values,
                          .left = chunk->values,
                          .bytes_max = *bytes_left,
                          .forget = !rows->leaves};
    int rc = add_chunk(&u, chunk, err);
    buf_done(&u.levels);
    buf_done(&u.plain);
    buf_done(&u.dictionary.bytes);
    free(u.dictionary.at);
    uint64_t taken = leaf->values.len + leaf->def.len + leaf->rep.len;
    *bytes_left -= taken < *bytes_left ? taken : *bytes_left;
    return rc ? error_within(err, rc, "%s: row group %zu, column '%s'", parquet->recording->name, rows->group,
                             parquet->schema.columns[leaf->schema->column].name)
              : 0;
}

static int check_rows(const struct parquet_rows *rows, struct error *err)
{
    const struct parquet *parquet = rows->parquet;
    if (rows->rows > parquet->limits.bytes / 16 / (parquet->schema.leaf_count + 1))
        return error_set(err, ENOTSUP, "%s: row group %zu has too many rows to be unpacked",
                         parquet->recording->name, rows->group);
    return 0;
}

int parquet_rows_new(const struct parquet *parquet, size_t group, struct parquet_rows **ret,
                     struct error *err)
{
    size_t leaves = parquet->schema.leaf_count;
    uint64_t bytes_left = parquet->limits.bytes;
    CLEANUP_PARQUET_ROWS struct parquet_rows *rows = MEM_NEW(struct parquet_rows);
    *rows = (struct parquet_rows){.parquet = parquet, .group = group, .rows = parquet->groups[group].rows};
    int rc = check_rows(rows, err);
    if (rc)
        return rc;
    rows->leaves = mem_zero(leaves * sizeof *rows->leaves);
    for (size_t i = 0; !rc && i < leaves; i++)
        rc = unpack_leaf(rows, i, &rows->leaves[i], &bytes_left, err);
    if (rc)
        return rc;
    *ret = STEAL(rows);
    return 0;
}

static void leaf_done(struct rows_leaf *leaf)
{
    buf_done(&leaf->rep);
    buf_done(&leaf->def);
    buf_done(&leaf->values);
    free(leaf->entry_at);
    free(leaf->value_at);
}

void parquet_rows_free(struct parquet_rows *rows)
{
    for (size_t i = 0; rows->leaves && i < rows->parquet->schema.leaf_count; i++)
        leaf_done(&rows->leaves[i]);
    free(rows->leaves);
    free(rows->bad);
    free(rows);
}

uint64_t parquet_rows_bytes(const struct parquet_rows *rows, uint64_t first, uint64_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < rows->parquet->schema.leaf_count; i++)
        bytes += rows->leaves[i].value_at[first + count] - rows->leaves[i].value_at[first];
    return bytes;
}

static int check_group(const struct parquet *parquet, size_t group, struct error *err)
{
    struct parquet_rows rows = {.parquet = parquet, .group = group, .rows = parquet->groups[group].rows};
    struct error why = {0};
    int rc = check_rows(&rows, &why);
    for (size_t i = 0; !rc && i < parquet->schema.leaf_count; i++) {
        struct rows_leaf leaf CLEANUP(leaf_done) = {0};
        uint64_t bytes_left = parquet->limits.bytes;
        rc = unpack_leaf(&rows, i, &leaf, &bytes_left, &why);
        rc = rc == -ENOTSUP ? 0 : rc;
    }
    return rc == -ENOTSUP ? 0 : rc ? error_copy(err, &why) : 0;
}

int parquet_check(const struct parquet *parquet, struct error *err)
{
    int rc = 0;
    for (size_t group = 0; !rc && group < parquet->group_count; group++)
        rc = check_group(parquet, group, err);
    return rc;
}
