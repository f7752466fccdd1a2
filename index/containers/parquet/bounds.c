// SPDX-License-Identifier: Apache-2.0
/*
 * Statistics of column chunks, as far as they can be trusted. min_value and max_value count where the file
 * says that they are in the order of the type; the older min and max were always compared signed. What is not
 * usable is absent: a caller then reads the column.
 */
#include <math.h>
#include <string.h>

#include "index/containers/parquet/footer.h"

/* Statistics */
enum { STAT_MAX = 1, STAT_MIN = 2, STAT_NULLS = 3, STAT_MAX_VALUE = 5, STAT_MIN_VALUE = 6 };

struct statistics {
    const struct thrift *tree;
    thrift_id record;
    const struct parquet_layout *layout;
    enum parquet_kind kind;
};

static bool read_integer(const struct statistics *s, struct cursor c, int64_t *ret)
{
    int64_t stored;
    if (s->layout->physical == PARQUET_TYPE_BOOLEAN)
        stored = cursor_u8(&c) != 0;
    else if (s->layout->physical == PARQUET_TYPE_INT32)
        stored = (int32_t)cursor_le32(&c);
    else
        stored = (int64_t)cursor_le64(&c);
    return !c.failed && !cursor_left(&c) &&
           !parquet_meaning_apply(s->layout->meaning, s->layout->physical, stored, ret);
}

static bool read_real(const struct statistics *s, struct cursor c, double *ret)
{
    double value;
    if (s->layout->physical == PARQUET_TYPE_FLOAT) {
        uint32_t bits = cursor_le32(&c);
        float narrow;
        memcpy(&narrow, &bits, sizeof narrow);
        value = (double)narrow;
    } else {
        uint64_t bits = cursor_le64(&c);
        memcpy(&value, &bits, sizeof value);
    }
    if (c.failed || cursor_left(&c) || isnan(value))
        return false;
    *ret = value;
    return true;
}

static bool read_bound(const struct statistics *s, int field, int64_t *ret_integer, double *ret_real)
{
    const uint8_t *bytes;
    size_t len;
    if (!thrift_binary(s->tree, thrift_field(s->tree, s->record, field), &bytes, &len))
        return false;
    struct cursor c = cursor_of(bytes, len);
    if (s->kind == PARQUET_FLOAT || s->kind == PARQUET_DOUBLE)
        return read_real(s, c, ret_real);
    return read_integer(s, c, ret_integer);
}

static bool read_bounds(const struct statistics *s, int min, int max, struct parquet_bounds *bounds)
{
    if (!read_bound(s, min, &bounds->i64_min, &bounds->f64_min) ||
        !read_bound(s, max, &bounds->i64_max, &bounds->f64_max))
        return false;
    /* the order of the two zeros was left open, so either may stand for both */
    if (bounds->f64_min == 0)
        bounds->f64_min = -0.0;
    if (bounds->f64_max == 0)
        bounds->f64_max = 0.0;
    return bounds->i64_min <= bounds->i64_max && bounds->f64_min <= bounds->f64_max;
}

static bool comparable(const struct parquet_column *column, const struct parquet_layout *layout)
{
    return column->depth == 0 && column->kind <= PARQUET_TIMESTAMP && column->kind != PARQUET_TEXT &&
           column->kind != PARQUET_BYTES && layout->meaning != PARQUET_UNSIGNED &&
           layout->meaning < PARQUET_AS_DECIMAL && layout->physical != PARQUET_TYPE_INT96;
}

bool parquet_bounds(const struct parquet *parquet, size_t group, size_t column, struct parquet_bounds *ret)
{
    const struct parquet_layout *layout = &parquet->schema.layouts[column];
    const struct parquet_column *info = &parquet->schema.columns[column];
    if (!comparable(info, layout))
        return false;
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    thrift_id record =
        parquet_footer_parse(parquet, parquet_chunk_of(parquet, group, layout->leaf)->footer_at, &tree);
    struct statistics s = {.tree = &tree, .layout = layout, .kind = info->kind};
    s.record = thrift_path(&tree, record, CHUNK_META, META_STATISTICS, 0);
    struct parquet_bounds bounds = {.kind = info->kind};
    if (!(parquet->ordered[layout->leaf] && read_bounds(&s, STAT_MIN_VALUE, STAT_MAX_VALUE, &bounds)) &&
        !read_bounds(&s, STAT_MIN, STAT_MAX, &bounds))
        return false;
    int64_t nulls = thrift_integer_or(&tree, s.record, STAT_NULLS, -1);
    bounds.has_nulls = nulls >= 0;
    bounds.nulls = nulls >= 0 ? (uint64_t)nulls : 0;
    *ret = bounds;
    return true;
}
