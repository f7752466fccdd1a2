// SPDX-License-Identifier: Apache-2.0
/*
 * Cutting row groups out, without touching their bytes (but for rows inside one, which are written anew):
 *
 *     "PAR1" | chunks of group f | chunks of f + 1 ... | column indexes | offset indexes | footer | u32 |
 * "PAR1" inline | ranges of the recording                 | inline
 *
 * Only the chunks' own bytes are taken: whatever a writer left between them belongs to no row of the slice.
 * Each chunk moves by its own distance, which is added to every offset that points into it. FileMetaData is
 * copied field by field, so what this code does not know is kept; only the row count and the row groups are
 * written anew. Page indexes lie outside the groups, so they are copied inline; one that is damaged is left
 * out, for they only ever save work. Bloom filters are left out for the same reason.
 */
#include <errno.h>
#include <stdlib.h>

#include "index/containers/parquet/rows.h"

enum {
    MAGIC_BYTES = 4,
    INDEX_MAX = 16 << 20, /* of one page index */
    PAGES = 1,            /* OffsetIndex.page_locations */
    PAGE_OFFSET = 1,      /* PageLocation.offset */
};

struct cut {
    const struct parquet *parquet;
    struct slice *slice;
    const struct parquet_part *parts;
    struct thrift *groups; /* a tree a part that is a whole group, */
    thrift_id *roots;
    struct buf *written; /* a RowGroup of others */
    size_t count;
    int64_t *moved; /* [group * leaves + leaf]: how far the chunk moved */
    uint64_t rows;
};

static void cut_done(struct cut *cut)
{
    for (size_t i = 0; i < cut->count; i++) {
        thrift_done(&cut->groups[i]);
        buf_done(&cut->written[i]);
    }
    free(cut->groups);
    free(cut->roots);
    free(cut->written);
    free(cut->moved);
}

static int by_start(const void *a, const void *b)
{
    const struct parquet_chunk *left = *(const struct parquet_chunk *const *)a;
    const struct parquet_chunk *right = *(const struct parquet_chunk *const *)b;
    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    return left->len < right->len ? -1 : left->len > right->len; /* the empty ones first */
}

/* Adds the chunks of a group in the order in which they lie in the file. */
static int add_ranges(struct cut *cut, size_t group, int64_t *moved, struct error *err)
{
    size_t leaves = cut->parquet->schema.leaf_count;
    const struct parquet_chunk *first = parquet_chunk_of(cut->parquet, group, 0);
    CLEANUP_FREE const struct parquet_chunk **order = mem_alloc(leaves * sizeof *order);
    for (size_t i = 0; i < leaves; i++)
        order[i] = first + i;
    qsort(order, leaves, sizeof *order, by_start);
    uint64_t end = 0;
    for (size_t i = 0; i < leaves; i++) {
        if (order[i]->len && order[i]->start < end)
            return error_set(err, EINVAL, "column chunks overlap at offset %llu",
                             (unsigned long long)order[i]->start);
        moved[order[i] - first] = (int64_t)cut->slice->size - (int64_t)order[i]->start;
        slice_add_range(cut->slice, order[i]->start, order[i]->len);
        end = order[i]->start + order[i]->len;
    }
    return 0;
}

static void move_field(struct thrift *tree, thrift_id record, int field, int64_t by)
{
    int64_t offset;
    thrift_id node = thrift_field(tree, record, field);
    if (thrift_integer(tree, node, &offset) && offset > 0)
        thrift_set_integer(tree, node, offset + by);
}

static void move_chunk(struct thrift *tree, thrift_id record, const struct parquet_chunk *chunk, int64_t by)
{
    thrift_id meta = thrift_field(tree, record, CHUNK_META);
    move_field(tree, meta, META_DATA_PAGE, by);
    move_field(tree, meta, META_INDEX_PAGE, by);
    move_field(tree, meta, META_DICTIONARY_PAGE, by);
    thrift_remove(tree, meta, META_BLOOM);
    thrift_remove(tree, meta, META_BLOOM_LEN);
    /* file_offset: the first page, or a copy of the metadata behind the chunk, which is not taken along */
    int64_t offset = thrift_integer_or(tree, record, CHUNK_OFFSET, 0);
    bool inside =
        offset > 0 && (uint64_t)offset >= chunk->start && (uint64_t)offset - chunk->start < chunk->len;
    thrift_set_integer(tree, thrift_field(tree, record, CHUNK_OFFSET), inside ? offset + by : 0);
}

static int add_group(struct cut *cut, size_t group, size_t ordinal, struct error *err)
{
    const struct parquet *parquet = cut->parquet;
    size_t leaves = parquet->schema.leaf_count;
    struct thrift *tree = &cut->groups[ordinal];
    thrift_id root = parquet_footer_parse(parquet, parquet->groups[group].footer_at, tree);
    cut->roots[ordinal] = root;
    int64_t start = (int64_t)cut->slice->size;
    int64_t *moved = cut->moved + ordinal * leaves;
    int rc = add_ranges(cut, group, moved, err);
    if (rc)
        return error_within(err, rc, "row group %zu", group);
    size_t leaf = 0;
    for (thrift_id one = thrift_first(tree, thrift_field(tree, root, GROUP_CHUNKS)); one;
         one = thrift_next(tree, one), leaf++)
        move_chunk(tree, one, parquet_chunk_of(parquet, group, leaf), moved[leaf]);
    thrift_set_integer(tree, thrift_field(tree, root, GROUP_OFFSET), start);
    if (ordinal <= INT16_MAX)
        thrift_set_integer(tree, thrift_field(tree, root, GROUP_ORDINAL), (int64_t)ordinal);
    else /* an i16, optional */
        thrift_remove(tree, root, GROUP_ORDINAL);
    cut->rows += parquet->groups[group].rows;
    return 0;
}

/* Reads the page index that two fields of a ColumnChunk name. 1: read; 0: there is none, or it is damaged. */
static int read_index(const struct parquet *parquet, const struct thrift *tree, thrift_id chunk, int field,
                      struct buf *ret, struct error *err)
{
    int64_t at = thrift_integer_or(tree, chunk, field, 0);
    int64_t len = thrift_integer_or(tree, chunk, field + 1, 0); /* the length is always the next field */
    if (at < MAGIC_BYTES || len <= 0 || len > INDEX_MAX || (uint64_t)at > parquet->footer_at ||
        (uint64_t)len > parquet->footer_at - (uint64_t)at)
        return 0;
    int rc = recording_read(parquet->recording, (uint64_t)at, (size_t)len, buf_room(ret, (size_t)len), err);
    ret->len = rc ? 0 : (size_t)len;
    return rc ? rc : 1;
}

static void drop_index(struct thrift *tree, thrift_id chunk, int field)
{
    thrift_remove(tree, chunk, field);
    thrift_remove(tree, chunk, field + 1);
}

static void place_index(struct cut *cut, struct thrift *tree, thrift_id chunk, int field,
                        const struct buf *bytes)
{
    thrift_set_integer(tree, thrift_field(tree, chunk, field), (int64_t)cut->slice->size);
    thrift_set_integer(tree, thrift_field(tree, chunk, field + 1), (int64_t)bytes->len);
    slice_add_inline(cut->slice, bytes->data, bytes->len);
}

/* An offset index with its pages moved; false if it is damaged. */
static bool move_pages(const struct parquet_chunk *chunk, int64_t by, const struct buf *from, struct buf *to)
{
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    struct cursor c = cursor_of(from->data, from->len);
    thrift_id root;
    if (thrift_parse(&tree, &c, &root, NULL))
        return false;
    for (thrift_id page = thrift_first(&tree, thrift_field(&tree, root, PAGES)); page;
         page = thrift_next(&tree, page)) {
        int64_t offset = thrift_integer_or(&tree, page, PAGE_OFFSET, -1);
        if (offset < 0 || (uint64_t)offset < chunk->start || (uint64_t)offset - chunk->start >= chunk->len)
            return false;
        thrift_set_integer(&tree, thrift_field(&tree, page, PAGE_OFFSET), offset + by);
    }
    thrift_write(&tree, root, to);
    return true;
}

struct where {
    size_t group, leaf; /* of the file */
    size_t ordinal;     /* of the group in the slice */
    thrift_id chunk;
};

static int add_column_index(struct cut *cut, const struct where *where, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct thrift *tree = &cut->groups[where->ordinal];
    int rc = read_index(cut->parquet, tree, where->chunk, CHUNK_COLUMN_INDEX, &bytes, err);
    /* without an offset index it would have no meaning */
    bool has_pages = thrift_integer_or(tree, where->chunk, CHUNK_OFFSET_INDEX, 0) > 0;
    if (rc > 0 && has_pages)
        place_index(cut, tree, where->chunk, CHUNK_COLUMN_INDEX, &bytes);
    else if (rc >= 0)
        drop_index(tree, where->chunk, CHUNK_COLUMN_INDEX);
    return rc < 0 ? rc : 0;
}

static int add_offset_index(struct cut *cut, const struct where *where, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_BUF struct buf moved = BUF_INIT;
    const struct parquet *parquet = cut->parquet;
    struct thrift *tree = &cut->groups[where->ordinal];
    int rc = read_index(parquet, tree, where->chunk, CHUNK_OFFSET_INDEX, &bytes, err);
    if (rc < 0)
        return rc;
    int64_t by = cut->moved[where->ordinal * parquet->schema.leaf_count + where->leaf];
    if (rc > 0 && move_pages(parquet_chunk_of(parquet, where->group, where->leaf), by, &bytes, &moved)) {
        place_index(cut, tree, where->chunk, CHUNK_OFFSET_INDEX, &moved);
    } else {
        drop_index(tree, where->chunk, CHUNK_OFFSET_INDEX);
        drop_index(tree, where->chunk, CHUNK_COLUMN_INDEX);
    }
    return 0;
}

static int for_chunks(struct cut *cut, int (*add)(struct cut *, const struct where *, struct error *),
                      struct error *err)
{
    for (size_t i = 0; i < cut->count; i++) {
        struct where where = {.group = cut->parts[i].group, .ordinal = i};
        const struct thrift *tree = &cut->groups[i];
        where.chunk = thrift_first(tree, thrift_field(tree, cut->roots[i], GROUP_CHUNKS));
        for (; where.chunk; where.chunk = thrift_next(tree, where.chunk), where.leaf++) {
            int rc = add(cut, &where, err);
            if (rc)
                return rc;
        }
    }
    return 0;
}

static void write_groups(const struct cut *cut, struct buf *footer)
{
    thrift_write_list(footer, THRIFT_STRUCT, (uint32_t)cut->count);
    for (size_t i = 0; i < cut->count; i++)
        if (cut->parts[i].rows)
            buf_append(footer, cut->written[i].data, cut->written[i].len);
        else
            thrift_write(&cut->groups[i], cut->roots[i], footer);
}

static int add_footer(struct cut *cut, struct error *err)
{
    CLEANUP_BUF struct buf groups = BUF_INIT;
    CLEANUP_BUF struct buf footer = BUF_INIT;
    write_groups(cut, &groups);
    const struct parquet_footer_anew anew = {.rows = cut->rows, .groups = &groups};
    int rc = parquet_footer_write(cut->parquet, &anew, &footer, err);
    if (!rc)
        slice_add_inline(cut->slice, footer.data, footer.len);
    return rc;
}

static int add_part(struct cut *cut, size_t ordinal, struct error *err)
{
    const struct parquet_part *part = &cut->parts[ordinal];
    if (!part->rows)
        return add_group(cut, part->group, ordinal, err);
    cut->rows += part->count;
    return parquet_rows_write(part, cut->slice, &cut->written[ordinal], err);
}

static int cut_parts(struct cut *cut, struct error *err)
{
    slice_add_inline(cut->slice, "PAR1", MAGIC_BYTES);
    for (size_t i = 0; i < cut->count; i++) {
        int rc = add_part(cut, i, err);
        if (rc)
            return rc;
    }
    /* all column indexes, then all offset indexes: the order the format asks for */
    int rc = for_chunks(cut, add_column_index, err);
    if (!rc)
        rc = for_chunks(cut, add_offset_index, err);
    if (!rc)
        rc = add_footer(cut, err);
    return rc;
}

int parquet_slice_parts(const struct parquet *parquet, const struct parquet_part *parts, size_t count,
                        struct slice *slice, struct error *err)
{
    CLEANUP(cut_done) struct cut cut = {.parquet = parquet, .slice = slice, .parts = parts, .count = count};
    cut.groups = mem_zero(count * sizeof *cut.groups);
    cut.roots = mem_zero(count * sizeof *cut.roots);
    cut.written = mem_zero(count * sizeof *cut.written);
    cut.moved = mem_zero(count * parquet->schema.leaf_count * sizeof *cut.moved);
    int rc = cut_parts(&cut, err);
    if (rc) {
        slice_done(slice);
        return error_within(err, rc, "%s", parquet->recording->name);
    }
    return 0;
}

int parquet_slice(const struct parquet *parquet, size_t first, size_t count, struct slice *slice,
                  struct error *err)
{
    if (count == 0 || first >= parquet->group_count || count > parquet->group_count - first)
        return error_set(err, EINVAL, "%s: row groups %zu to %zu of %zu", parquet->recording->name, first,
                         first + count, parquet->group_count);
    CLEANUP_FREE struct parquet_part *parts = mem_zero(count * sizeof *parts);
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct parquet_part){.group = first + i, .count = parquet->groups[first + i].rows};
    return parquet_slice_parts(parquet, parts, count, slice, err);
}

size_t parquet_parts(const struct parquet *parquet, uint64_t first, uint64_t count, struct parquet_part **ret)
{
    struct parquet_part *parts = NULL;
    size_t found = 0, cap = 0;
    for (size_t i = 0; i < parquet->group_count; i++) {
        const struct parquet_group *group = &parquet->groups[i];
        uint64_t from = group->first_row > first ? group->first_row : first;
        uint64_t end =
            group->first_row + group->rows < first + count ? group->first_row + group->rows : first + count;
        if (from >= end)
            continue;
        mem_grow(&parts, &cap, found + 1, sizeof *parts);
        parts[found++] =
            (struct parquet_part){.group = i, .first = from - group->first_row, .count = end - from};
    }
    *ret = parts;
    return found;
}

bool parquet_part_is_whole(const struct parquet *parquet, const struct parquet_part *part)
{
    return part->count == parquet->groups[part->group].rows;
}
