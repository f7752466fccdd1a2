// SPDX-License-Identifier: Apache-2.0
/*
 * A row group's chunks are taken in the order in which they lie in their file, so that those that touch are
 * one range; what is written anew lies behind them, in the row group (readers fetch a row group from its
 * first chunk to its last). What the footer says of a chunk is written anew from the fields that are known:
 * it takes as many bytes as it must, whatever a file says.
 */
#include "index/containers/parquet/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index/containers/parquet/integers.h"
#include "index/containers/parquet/match.h"
#include "index/containers/parquet/page_write.h"

enum {
    MAGIC_BYTES = 4,
    ROWS_MAX = 1 << 24,         /* of a row group: four hours at 1 kHz */
    GROUPS_MAX = 1 << 20,       /* as many as are read (footer.c) */
    INLINE_MAX = 48 << 20,      /* the footer is less, which 64 MiB may be */
    BOUND_BYTES_MAX = 64,       /* of a least or greatest value, which may be a whole image */
    MAPPED_BYTES_MAX = 1 << 28, /* unpacked */
    ENCODINGS = 32,
};

/* Statistics */
enum { STATISTICS_NULLS = 3, STATISTICS_MAX = 5, STATISTICS_MIN = 6 };

struct column {
    char *name;
    uint32_t leaf; /* in the joined file */
    bool optional;
};

struct parquet_join {
    struct column columns[PARQUET_JOIN_COLUMNS_MAX];
    size_t count;
    struct parquet *first; /* NULL: none has had rows. Its recording is gone */
    struct parquet_pattern pattern;
    bool *anew;        /* of `first`'s columns */
    struct buf *paths; /* of its leaves */
    uint32_t parts;
    uint64_t rows;
    struct buf groups; /* RowGroup, one behind the other */
    uint32_t group_count;
    struct parquet_joined out;
    size_t piece_cap;
};

struct parquet_join *parquet_join_new(const char *const *columns, size_t count)
{
    struct parquet_join *join = MEM_NEW(struct parquet_join);
    for (; join->count < count && join->count < PARQUET_JOIN_COLUMNS_MAX; join->count++)
        join->columns[join->count].name = mem_text(columns[join->count]);
    return join;
}

void parquet_joined_done(struct parquet_joined *joined)
{
    free(joined->pieces);
    buf_done(&joined->inline_bytes);
    *joined = (struct parquet_joined){0};
}

void parquet_join_free(struct parquet_join *join)
{
    if (!join)
        return;
    for (size_t i = 0; i < join->count; i++)
        free(join->columns[i].name);
    for (size_t i = 0; join->paths && i < join->first->schema.leaf_count; i++)
        buf_done(&join->paths[i]);
    free(join->paths);
    free(join->anew);
    free((char *)join->pattern.name);
    parquet_shape_done(&join->pattern.shape);
    parquet_free(join->first);
    buf_done(&join->groups);
    parquet_joined_done(&join->out);
    free(join);
}

uint64_t parquet_join_rows(const struct parquet_join *join)
{
    return join->rows;
}

uint64_t parquet_join_bytes(const struct parquet_join *join)
{
    return join->out.size;
}

/* ---- pieces ---- */

static void add_piece(struct parquet_join *join, uint32_t part, uint64_t offset, uint64_t len)
{
    struct parquet_joined *out = &join->out;
    struct parquet_join_piece *last = out->count ? &out->pieces[out->count - 1] : NULL;
    if (!len)
        return;
    out->size += len;
    if (last && last->part == part && last->offset + last->len == offset) {
        last->len += len;
        return;
    }
    mem_grow(&out->pieces, &join->piece_cap, out->count + 1, sizeof *out->pieces);
    out->pieces[out->count++] = (struct parquet_join_piece){part, offset, len};
}

static void add_inline(struct parquet_join *join, const void *bytes, size_t len)
{
    uint64_t offset = join->out.inline_bytes.len;
    buf_append(&join->out.inline_bytes, bytes, len);
    add_piece(join, PARQUET_JOIN_INLINE, offset, len);
}

/* ---- the first part ---- */

static int find_column(struct parquet_join *join, struct column *column, struct error *err)
{
    const struct parquet *first = join->first;
    int found = parquet_find(first, column->name);
    if (found < 0)
        return error_set(err, EINVAL, "it has no column '%s'", column->name);
    const struct parquet_layout *layout = &first->schema.layouts[found];
    if (first->schema.columns[found].kind != PARQUET_INT || layout->depth ||
        layout->physical != PARQUET_TYPE_INT64 || layout->meaning != PARQUET_AS_IS)
        return error_set(err, ENOTSUP, "its column '%s' is no int64, so it cannot be numbered anew",
                         column->name);
    column->leaf = layout->leaf;
    column->optional = layout->max_def > 0;
    join->anew[found] = true;
    return 0;
}

static int find_columns(struct parquet_join *join, struct error *err)
{
    const struct parquet *first = join->first;
    join->anew = mem_zero(first->schema.count * sizeof *join->anew);
    for (size_t i = 0; i < first->schema.count; i++)
        if (parquet_find(first, first->schema.columns[i].name) != (int)i)
            return error_set(err, ENOTSUP, "two of its columns are named '%s'",
                             first->schema.columns[i].name);
    for (size_t i = 0; i < join->count; i++) {
        int rc = find_column(join, &join->columns[i], err);
        if (rc)
            return rc;
    }
    return 0;
}

static int take_first(struct parquet_join *join, struct parquet *parquet, struct error *err)
{
    size_t leaves = parquet->schema.leaf_count;
    join->first = parquet;
    join->paths = mem_zero(leaves * sizeof *join->paths);
    for (size_t i = 0; i < leaves; i++)
        parquet_footer_path(parquet, 0, i, &join->paths[i]);
    int rc = find_columns(join, err);
    if (rc)
        return rc;
    parquet_shape_init(&join->pattern.shape, parquet);
    join->pattern.name = mem_text(parquet->recording->name);
    join->pattern.parquet = parquet;
    join->pattern.anew = join->anew;
    add_inline(join, "PAR1", MAGIC_BYTES);
    return 0;
}

/* ---- chunks as they are ---- */

/* A row group on its way into the joined file. */
struct joining {
    struct parquet_join *join;
    struct parquet *parquet;
    size_t group;
    uint64_t first_row, rows; /* of the part */
    const uint32_t *match;    /* the joined file's leaves to the part's */
    const struct parquet_join_value *values;
    struct thrift tree;               /* the RowGroup, */
    thrift_id *records;               /* the ColumnChunks in it */
    struct parquet_put_chunk *chunks; /* of the joined file */
    uint8_t bounds[PARQUET_JOIN_COLUMNS_MAX][2][sizeof(uint64_t)];
    bool named; /* the error says where */
};

struct placed {
    uint64_t start;
    uint32_t leaf; /* of the joined file */
    uint64_t len;
};

static int by_start(const void *a, const void *b)
{
    const struct placed *left = a, *right = b;
    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    return left->len < right->len ? -1 : left->len > right->len; /* the empty ones first */
}

/* From where the chunk began to where it begins: of an offset that lies in it. */
static bool move_offset(const struct parquet_chunk *chunk, uint64_t to, int64_t offset, uint64_t *ret)
{
    if (offset <= 0)
        return true;
    if ((uint64_t)offset < chunk->start || (uint64_t)offset - chunk->start >= chunk->len)
        return false;
    *ret = (uint64_t)offset - chunk->start + to;
    return true;
}

static uint32_t encodings_of(const struct thrift *tree, thrift_id list)
{
    uint32_t all = 0;
    for (thrift_id one = thrift_first(tree, list); one; one = thrift_next(tree, one)) {
        int64_t encoding = -1;
        if (!thrift_integer(tree, one, &encoding) || encoding < 0 || encoding >= ENCODINGS)
            return 0;
        all |= 1u << encoding;
    }
    return all;
}

static void take_statistics(const struct joining *j, thrift_id record, bool ordered,
                            struct parquet_put_chunk *chunk)
{
    int64_t nulls = thrift_integer_or(&j->tree, record, STATISTICS_NULLS, -1);
    chunk->has_nulls = nulls >= 0;
    chunk->nulls = (uint64_t)nulls;
    chunk->has_bounds = ordered &&
                        thrift_binary(&j->tree, thrift_field(&j->tree, record, STATISTICS_MIN), &chunk->min,
                                      &chunk->min_len) &&
                        thrift_binary(&j->tree, thrift_field(&j->tree, record, STATISTICS_MAX), &chunk->max,
                                      &chunk->max_len) &&
                        chunk->min_len <= BOUND_BYTES_MAX && chunk->max_len <= BOUND_BYTES_MAX;
}

/* What the footer says of a chunk that begins at `to` of the joined file. */
static int take_chunk(const struct joining *j, uint32_t leaf, uint64_t to, struct error *err)
{
    uint32_t from = j->match[leaf];
    const struct parquet_chunk *chunk = parquet_chunk_of(j->parquet, j->group, from);
    thrift_id meta = thrift_field(&j->tree, j->records[from], CHUNK_META);
    int64_t unpacked = thrift_integer_or(&j->tree, meta, META_UNPACKED, 0);
    struct parquet_put_chunk *put = &j->chunks[leaf];
    *put = (struct parquet_put_chunk){
        .physical = j->parquet->schema.leaves[from].physical,
        .encodings = encodings_of(&j->tree, thrift_field(&j->tree, meta, META_ENCODINGS)),
        .path = &j->join->paths[leaf],
        .codec = chunk->codec,
        .values = chunk->values,
        .unpacked = unpacked < 0 ? 0 : (uint64_t)unpacked,
        .packed = chunk->len};
    bool sound =
        !chunk->len ||
        (move_offset(chunk, to, thrift_integer_or(&j->tree, meta, META_DATA_PAGE, 0), &put->data_page) &&
         move_offset(chunk, to, thrift_integer_or(&j->tree, meta, META_DICTIONARY_PAGE, 0),
                     &put->dictionary_page));
    if (!chunk->len)
        put->data_page = to;
    if (!sound)
        return error_set(err, EINVAL, "column '%s': its pages do not begin in its %llu bytes at offset %llu",
                         j->parquet->schema.columns[j->parquet->schema.leaves[from].column].name,
                         (unsigned long long)chunk->len, (unsigned long long)chunk->start);
    if (!put->encodings)
        return error_set(err, EINVAL, "column '%s': its encodings are not told",
                         j->parquet->schema.columns[j->parquet->schema.leaves[from].column].name);
    take_statistics(j, thrift_field(&j->tree, meta, META_STATISTICS), j->parquet->ordered[from], put);
    return 0;
}

static int take_chunks(struct joining *j, struct error *err)
{
    size_t leaves = j->join->first->schema.leaf_count, count = 0;
    CLEANUP_FREE struct placed *order = mem_alloc(leaves * sizeof *order);
    uint64_t end = 0;
    for (uint32_t i = 0; i < leaves; i++) {
        if (j->match[i] == PARQUET_NO_LEAF)
            continue;
        const struct parquet_chunk *chunk = parquet_chunk_of(j->parquet, j->group, j->match[i]);
        order[count++] = (struct placed){chunk->start, i, chunk->len};
    }
    qsort(order, count, sizeof *order, by_start);
    for (size_t i = 0; i < count; i++) {
        if (order[i].len && order[i].start < end)
            return error_set(err, EINVAL, "column chunks overlap at offset %llu",
                             (unsigned long long)order[i].start);
        int rc = take_chunk(j, order[i].leaf, j->join->out.size, err);
        if (rc)
            return rc;
        add_piece(j->join, j->join->parts, order[i].start, order[i].len);
        end = order[i].start + order[i].len;
    }
    return 0;
}

/* ---- columns written anew ---- */

static int map_value(const struct parquet_join_value *value, int64_t from, int64_t *ret)
{
    if (from < 0 || (uint64_t)from >= value->map_count || value->map[from] < 0)
        return -ERANGE;
    *ret = value->map[from];
    return 0;
}

static int no_place(int64_t value, const struct parquet_join_value *among, struct error *err)
{
    if (value >= 0 && (uint64_t)value < among->map_count)
        return error_set(err, EINVAL, "it has the value %lld, which stands for nothing there",
                         (long long)value);
    return error_set(err, EINVAL, "it has the value %lld, where there are only 0 to %lld", (long long)value,
                     (long long)among->map_count - 1);
}

/* One value in all rows, as the file says itself. 1: so it is. */
static int map_one(const struct joining *j, size_t column, const struct parquet_join_value *value,
                   struct parquet_integers *ret, struct error *err)
{
    struct parquet_bounds bounds;
    if (!parquet_bounds(j->parquet, j->group, column, &bounds) || bounds.i64_min != bounds.i64_max ||
        !bounds.has_nulls || bounds.nulls)
        return 0;
    return map_value(value, bounds.i64_min, &ret->first) ? no_place(bounds.i64_min, value, err) : 1;
}

static int map_rows(const struct joining *j, const struct parquet_join_value *value,
                    const struct parquet_values *rows, int64_t *to, struct error *err)
{
    if (rows->count != j->rows)
        return error_set(err, EINVAL, "it has not a value a row");
    for (uint64_t i = 0; i < j->rows; i++) {
        if (!rows->valid[i])
            return error_set(err, EINVAL, "row %llu has no value", (unsigned long long)j->first_row + i);
        if (map_value(value, rows->i64[i], &to[i]))
            return no_place(rows->i64[i], value, err);
    }
    return 0;
}

/* `ret_values` is what `ret` names then. */
static int map_column(struct joining *j, const struct column *column, const struct parquet_join_value *value,
                      struct parquet_integers *ret, int64_t **ret_values, struct error *err)
{
    CLEANUP_PARQUET_VALUES struct parquet_values rows = {0};
    int found = parquet_find(j->parquet, column->name);
    if (found < 0)
        return error_set(err, EINVAL, "it is missing");
    const struct parquet_column *info = &j->parquet->schema.columns[found];
    if (info->kind != PARQUET_INT || info->depth)
        return error_set(err, EINVAL, "it holds no integers");
    int rc = map_one(j, (size_t)found, value, ret, err);
    if (rc)
        return rc < 0 ? rc : 0;
    rc = parquet_read(j->parquet, j->group, (size_t)found, &rows, err);
    j->named = rc != 0;
    if (rc)
        return rc;
    CLEANUP_FREE int64_t *to = mem_alloc((size_t)j->rows * sizeof *to);
    rc = map_rows(j, value, &rows, to, err);
    if (rc)
        return rc;
    ret->values = *ret_values = STEAL(to);
    return 0;
}

static int values_of(struct joining *j, const struct column *column, const struct parquet_join_value *value,
                     struct parquet_integers *ret, int64_t **ret_values, struct error *err)
{
    *ret = (struct parquet_integers){.rows = j->rows, .first = value->first, .optional = column->optional};
    if (value->how == PARQUET_JOIN_MAPPED)
        return map_column(j, column, value, ret, ret_values, err);
    if (value->how == PARQUET_JOIN_CONSTANT)
        return 0;
    ret->rising = true;
    int64_t last;
    if (__builtin_add_overflow(ret->first, (int64_t)j->first_row, &ret->first) ||
        __builtin_add_overflow(ret->first, (int64_t)j->rows - 1, &last))
        return error_set(err, EFBIG, "its numbers go beyond int64");
    return 0;
}

static void put_bound(uint8_t to[sizeof(uint64_t)], int64_t value)
{
    for (size_t i = 0; i < sizeof value; i++)
        to[i] = (uint8_t)((uint64_t)value >> 8 * i);
}

static int write_column(struct joining *j, size_t number, struct error *err)
{
    const struct column *column = &j->join->columns[number];
    CLEANUP_BUF struct buf pages = BUF_INIT;
    CLEANUP_FREE int64_t *values = NULL;
    struct parquet_integers integers;
    int rc = values_of(j, column, &j->values[number], &integers, &values, err);
    if (rc)
        return j->named ? rc : error_within(err, rc, "column '%s'", column->name);
    uint64_t at = j->join->out.size;
    struct parquet_integers_put put = parquet_put_integers(&pages, &integers);
    uint8_t(*bounds)[sizeof(uint64_t)] = j->bounds[number];
    put_bound(bounds[0], put.min);
    put_bound(bounds[1], put.max);
    j->chunks[column->leaf] = (struct parquet_put_chunk){.physical = PARQUET_TYPE_INT64,
                                                         .encodings = put.encodings,
                                                         .path = &j->join->paths[column->leaf],
                                                         .values = j->rows,
                                                         .unpacked = pages.len,
                                                         .packed = pages.len,
                                                         .data_page = at + put.data_page,
                                                         .dictionary_page = put.data_page ? at : 0,
                                                         .has_nulls = true,
                                                         .has_bounds = true,
                                                         .min = bounds[0],
                                                         .max = bounds[1],
                                                         .min_len = sizeof(uint64_t),
                                                         .max_len = sizeof(uint64_t)};
    add_inline(j->join, pages.data, pages.len);
    return 0;
}

/* ---- row groups ---- */

static int write_group(const struct joining *j, uint64_t at, struct error *err)
{
    enum { GROUP_PACKED = 6 };
    struct parquet_join *join = j->join;
    struct buf *out = &join->groups;
    size_t leaves = join->first->schema.leaf_count;
    uint64_t unpacked = 0;
    int16_t last = 0;
    thrift_write_field(out, &last, GROUP_CHUNKS, THRIFT_LIST);
    thrift_write_list(out, THRIFT_STRUCT, (uint32_t)leaves);
    for (size_t i = 0; i < leaves; i++) {
        parquet_put_chunk(out, &j->chunks[i], 0);
        if (__builtin_add_overflow(unpacked, j->chunks[i].unpacked, &unpacked) || unpacked > INT64_MAX)
            return error_set(err, EINVAL, "its columns unpack to more than 8 EiB");
        if (out->len + join->out.inline_bytes.len > INLINE_MAX)
            return error_set(err, EFBIG, "what would be written anew, and the footer, are over %d MiB",
                             INLINE_MAX >> 20);
    }
    parquet_put_integer(out, &last, GROUP_BYTES, THRIFT_I64, unpacked);
    parquet_put_integer(out, &last, GROUP_ROWS, THRIFT_I64, j->rows);
    parquet_put_integer(out, &last, GROUP_OFFSET, THRIFT_I64, at);
    parquet_put_integer(out, &last, GROUP_PACKED, THRIFT_I64, join->out.size - at);
    if (join->group_count <= INT16_MAX) /* an i16, optional */
        parquet_put_integer(out, &last, GROUP_ORDINAL, THRIFT_I16, join->group_count);
    buf_u8(out, THRIFT_NONE);
    join->group_count++;
    join->rows += j->rows;
    return 0;
}

static int check_group(const struct joining *j, struct error *err)
{
    if (j->rows > ROWS_MAX)
        return error_set(err, EFBIG, "%llu rows are more than the %d that are joined",
                         (unsigned long long)j->rows, ROWS_MAX);
    if (j->join->group_count == GROUPS_MAX)
        return error_set(err, EFBIG, "more than %d row groups", GROUPS_MAX);
    if (j->join->out.size > INT64_MAX - j->parquet->footer_at)
        return error_set(err, EFBIG, "the file would have more than 8 EiB");
    return 0;
}

static int join_group(struct joining *j, struct error *err)
{
    size_t leaf = 0;
    uint64_t at = j->join->out.size;
    thrift_id root = parquet_footer_parse(j->parquet, j->parquet->groups[j->group].footer_at, &j->tree);
    for (thrift_id one = thrift_first(&j->tree, thrift_field(&j->tree, root, GROUP_CHUNKS)); one;
         one = thrift_next(&j->tree, one))
        j->records[leaf++] = one;
    int rc = check_group(j, err);
    if (!rc)
        rc = take_chunks(j, err);
    for (size_t i = 0; !rc && i < j->join->count; i++)
        rc = write_column(j, i, err);
    return rc ? rc : write_group(j, at, err);
}

static int join_groups(struct parquet_join *join, struct parquet *parquet,
                       const struct parquet_join_value *values, struct error *err)
{
    CLEANUP_FREE uint32_t *match = mem_alloc(join->first->schema.leaf_count * sizeof *match);
    CLEANUP_FREE thrift_id *records = mem_alloc(parquet->schema.leaf_count * sizeof *records);
    CLEANUP_FREE struct parquet_put_chunk *chunks = mem_zero(join->first->schema.leaf_count * sizeof *chunks);
    struct joining j = {.join = join,
                        .parquet = parquet,
                        .match = match,
                        .values = values,
                        .records = records,
                        .chunks = chunks};
    int rc = parquet_match(&join->pattern, parquet, match, err);
    for (; !rc && j.group < parquet->group_count; j.group++) {
        j.first_row = parquet->groups[j.group].first_row;
        j.rows = parquet->groups[j.group].rows;
        rc = j.rows ? join_group(&j, err) : 0;
        if (rc && !j.named)
            error_within(err, rc, "row group %zu", j.group);
    }
    thrift_done(&j.tree);
    return rc && !j.named ? error_within(err, rc, "%s", parquet->recording->name) : rc;
}

int parquet_join_add(struct parquet_join *join, const struct recording *file,
                     const struct parquet_join_value *values, struct error *err)
{
    CLEANUP_PARQUET struct parquet *parquet = NULL;
    int rc = parquet_open(file, &parquet, err);
    if (rc)
        return rc;
    parquet_set_limits(parquet, (struct parquet_limits){.values = ROWS_MAX, .bytes = MAPPED_BYTES_MAX});
    if (!parquet->rows) {
        join->parts++;
        return 0;
    }
    struct parquet *part = parquet;
    if (!join->first && (rc = take_first(join, STEAL(parquet), err)))
        return error_within(err, rc, "%s", file->name);
    rc = join_groups(join, part, values, err);
    part->recording = NULL; /* borrowed for this call, and the first part stays */
    join->parts++;
    return rc;
}

int parquet_join_finish(struct parquet_join *join, struct parquet_joined *ret, struct error *err)
{
    CLEANUP_BUF struct buf groups = BUF_INIT, footer = BUF_INIT;
    if (!join->first)
        return error_set(err, ENODATA, "no row to put into the Parquet file");
    thrift_write_list(&groups, THRIFT_STRUCT, join->group_count);
    buf_append(&groups, join->groups.data, join->groups.len);
    const struct parquet_footer_anew anew = {.rows = join->rows, .groups = &groups, .orders = true};
    int rc = parquet_footer_write(join->first, &anew, &footer, err);
    if (rc)
        return error_within(err, rc, "%s", join->pattern.name);
    if (footer.len > INLINE_MAX)
        return error_set(err, EFBIG, "%s: a footer of %zu bytes, over %d MiB", join->pattern.name, footer.len,
                         INLINE_MAX >> 20);
    add_inline(join, footer.data, footer.len);
    *ret = join->out;
    join->out = (struct parquet_joined){0};
    return 0;
}
