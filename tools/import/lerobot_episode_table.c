// SPDX-License-Identifier: Apache-2.0
/*
 * The episode table has one or two hundred columns whose names contain '/' and '.'. It is read a row group at
 * a time, a column at a time, columns in the order of their names: that makes the statistics' JSON and the
 * fingerprint independent of the order a writer chose.
 */
#include "tools/import/lerobot_episode_table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index/containers/parquet/parquet.h"

enum { TABLE_BYTES_MAX = 256 << 20 }; /* a longer one is read by range */

/* One row group being read: its rows are episodes[first ..). */
struct group_read {
    struct lerobot_episodes *all;
    const struct lerobot_info *info;
    struct parquet *parquet;
    const char *name;
    size_t group, first, rows;
    struct sha256 **identities; /* a running fingerprint a row */
};

static struct lerobot_episode *episode_at(const struct group_read *g, size_t row)
{
    return &g->all->episodes[g->first + row];
}

static int read_column(const struct group_read *g, size_t column, struct parquet_values *ret,
                       struct error *err)
{
    int rc = parquet_read(g->parquet, g->group, column, ret, err);
    return rc < 0 ? rc : 0;
}

/* A column that must be there, flat and of this kind, without nulls. */
static int read_required(const struct group_read *g, const char *column, enum parquet_kind kind,
                         struct parquet_values *ret, struct error *err)
{
    int i = parquet_find(g->parquet, column);
    if (i < 0)
        return error_set(err, EINVAL, "%s: the column '%s' is missing", g->name, column);
    const struct parquet_column *c = parquet_column(g->parquet, (size_t)i);
    bool number = kind == PARQUET_DOUBLE && c->kind == PARQUET_FLOAT;
    if (!c->readable || c->depth || (c->kind != kind && !number))
        return error_set(err, EINVAL, "%s: the column '%s' is not of the type LeRobot writes", g->name,
                         column);
    int rc = read_column(g, (size_t)i, ret, err);
    for (size_t row = 0; !rc && row < g->rows; row++)
        if (!ret->valid[row])
            rc = error_set(err, EINVAL, "%s: row %zu: the column '%s' is null", g->name, row, column);
    return rc;
}

/* Counts and numbers: none is negative or over 2^31 in any set that is real. */
static int read_counts(const struct group_read *g, const char *column, struct parquet_values *ret,
                       struct error *err)
{
    int rc = read_required(g, column, PARQUET_INT, ret, err);
    for (size_t row = 0; !rc && row < g->rows; row++)
        if (ret->i64[row] < 0 || ret->i64[row] > INT32_MAX)
            rc = error_set(err, EINVAL, "%s: row %zu: '%s' is %lld, not a number from 0 to %d", g->name, row,
                           column, (long long)ret->i64[row], INT32_MAX);
    return rc;
}

typedef void take_integer_fn(struct lerobot_episode *episode, int64_t value);

static int take_integers(const struct group_read *g, const char *column, take_integer_fn *take,
                         struct error *err)
{
    CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
    int rc = read_counts(g, column, &values, err);
    for (size_t row = 0; !rc && row < g->rows; row++)
        take(episode_at(g, row), values.i64[row]);
    return rc;
}

static void take_index(struct lerobot_episode *episode, int64_t value)
{
    episode->index = value;
}

static void take_length(struct lerobot_episode *episode, int64_t value)
{
    episode->length = value;
}

static void take_data_chunk(struct lerobot_episode *episode, int64_t value)
{
    episode->data_chunk = value;
}

static void take_data_file(struct lerobot_episode *episode, int64_t value)
{
    episode->data_file = value;
}

static struct value text_of(const struct parquet_values *values, uint64_t i)
{
    return (struct value){.type = VALUE_TEXT,
                          .text = (const char *)values->bytes.data + values->text_offsets[i],
                          .len = (size_t)(values->text_offsets[i + 1] - values->text_offsets[i])};
}

static int take_tasks(const struct group_read *g, struct error *err)
{
    int i = parquet_find(g->parquet, "tasks");
    if (i < 0)
        return error_set(err, EINVAL, "%s: the column 'tasks' is missing", g->name);
    const struct parquet_column *c = parquet_column(g->parquet, (size_t)i);
    if (!c->readable || c->depth != 1 || c->kind != PARQUET_TEXT)
        return error_set(err, EINVAL, "%s: the column 'tasks' is not a list of texts", g->name);
    CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
    int rc = read_column(g, (size_t)i, &values, err);
    for (size_t row = 0; !rc && row < g->rows; row++)
        for (uint64_t k = values.offsets[0][row]; !rc && k < values.offsets[0][row + 1]; k++) {
            struct value text = text_of(&values, k);
            rc = values.valid[k] ? lerobot_episode_task(episode_at(g, row), g->name, &text, err) : 0;
        }
    return rc;
}

static void set_span(struct lerobot_camera_span *span, int part, const struct parquet_values *values,
                     size_t row)
{
    if (part == 0)
        span->chunk = values->i64[row];
    else if (part == 1)
        span->file = values->i64[row];
    else if (part == 2)
        span->from_s = values->f64[row];
    else
        span->to_s = values->f64[row];
}

/* Where each episode has a file of its own, the columns may be missing. */
static int take_camera(const struct group_read *g, size_t camera, struct error *err)
{
    static const char *const parts[] = {"chunk_index", "file_index", "from_timestamp", "to_timestamp"};
    for (size_t row = 0; row < g->rows; row++)
        episode_at(g, row)->cameras[camera].to_s = (double)episode_at(g, row)->length / g->info->fps;
    for (int part = 0; part < 4; part++) {
        CLEANUP_FREE char *column = mem_printf("videos/%s/%s", g->all->cameras[camera], parts[part]);
        CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
        if (g->info->video_by_episode && parquet_find(g->parquet, column) < 0)
            continue;
        int rc = part < 2 ? read_counts(g, column, &values, err)
                          : read_required(g, column, PARQUET_DOUBLE, &values, err);
        if (rc)
            return rc;
        for (size_t row = 0; row < g->rows; row++)
            set_span(&episode_at(g, row)->cameras[camera], part, &values, row);
    }
    return 0;
}

static bool value_of(const struct parquet_values *values, size_t i, struct value *ret)
{
    if (!values->valid[i])
        return false;
    switch (values->kind) {
    case PARQUET_BOOL:
        *ret = (struct value){.type = VALUE_BOOL, .boolean = values->i64[i] != 0};
        return true;
    case PARQUET_INT:
        *ret = (struct value){.type = VALUE_INT, .integer = values->i64[i]};
        return true;
    case PARQUET_FLOAT:
    case PARQUET_DOUBLE:
        *ret = (struct value){.type = VALUE_FLOAT, .real = values->f64[i] + 0.0};
        return isfinite(values->f64[i]);
    case PARQUET_TIMESTAMP:
        *ret = (struct value){.type = VALUE_TIME, .integer = values->i64[i]};
        return true;
    case PARQUET_TEXT:
        *ret = text_of(values, i);
        return true;
    default:
        return false;
    }
}

static int take_scalar(const struct group_read *g, size_t column, struct error *err)
{
    CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
    int rc = read_column(g, column, &values, err);
    const char *name = lerobot_episodes_column(g->all, parquet_column(g->parquet, column)->name);
    for (size_t row = 0; !rc && row < g->rows; row++) {
        struct value value;
        if (value_of(&values, row, &value))
            rc = lerobot_episode_scalar(episode_at(g, row), g->name, name, &value, err);
    }
    return rc;
}

static void print_leaf(struct buf *buf, const struct parquet_values *values, size_t i)
{
    struct value value;
    if (value_of(values, i, &value))
        value_print_json(buf, &value);
    else
        buf_text_append(buf, "null");
}

/* Element `i` of nesting level `level` as JSON; the nesting is at most three deep. */
static void print_nested(struct buf *buf, const struct parquet_values *values, unsigned level, uint64_t i)
{
    const unsigned deepest = sizeof values->offsets / sizeof *values->offsets;
    if (level == values->depth ||
        level == deepest) { /* gcc -O3 sees the end of the recursion only in `deepest` */
        print_leaf(buf, values, (size_t)i);
        return;
    }
    buf_u8(buf, '[');
    for (uint64_t k = values->offsets[level][i]; k < values->offsets[level][i + 1]; k++) {
        if (k > values->offsets[level][i])
            buf_u8(buf, ',');
        print_nested(buf, values, level + 1, k);
    }
    buf_u8(buf, ']');
}

static int take_stats(const struct group_read *g, size_t column, struct error *err)
{
    const char *name = parquet_column(g->parquet, column)->name;
    CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
    CLEANUP_BUF struct buf text = BUF_INIT;
    int rc = read_column(g, column, &values, err);
    for (size_t row = 0; !rc && row < g->rows; row++) {
        buf_clear(&text);
        print_nested(&text, &values, 0, row);
        lerobot_stats_add(episode_at(g, row), g->identities[row], g->info, name, buf_text(&text));
    }
    return rc;
}

static int compare_columns(const void *a, const void *b, void *parquet)
{
    return strcmp(parquet_column(parquet, *(const size_t *)a)->name,
                  parquet_column(parquet, *(const size_t *)b)->name);
}

static int take_other_columns(const struct group_read *g, struct error *err)
{
    size_t count = parquet_columns(g->parquet);
    CLEANUP_FREE size_t *order = mem_alloc(count * sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, compare_columns, g->parquet);
    int rc = 0;
    for (size_t i = 0; !rc && i < count; i++) {
        const struct parquet_column *column = parquet_column(g->parquet, order[i]);
        if (i && !strcmp(column->name, parquet_column(g->parquet, order[i - 1])->name))
            return error_set(err, EINVAL, "%s: the column '%s' is there twice", g->name, column->name);
        if (!column->readable)
            continue;
        if (!strncmp(column->name, "stats/", 6))
            rc = take_stats(g, order[i], err);
        else if (!lerobot_episode_is_plumbing(column->name) && !column->depth)
            rc = take_scalar(g, order[i], err);
    }
    return rc;
}

static int take_named_columns(const struct group_read *g, struct error *err)
{
    int rc = take_integers(g, "episode_index", take_index, err);
    if (!rc)
        rc = take_integers(g, "length", take_length, err);
    for (size_t i = 0; !rc && i < 2; i++) {
        const char *column = i ? "data/file_index" : "data/chunk_index";
        if (!g->info->data_by_episode || parquet_find(g->parquet, column) >= 0)
            rc = take_integers(g, column, i ? take_data_file : take_data_chunk, err);
    }
    if (!rc)
        rc = take_tasks(g, err);
    for (size_t camera = 0; !rc && camera < g->all->camera_count; camera++)
        rc = take_camera(g, camera, err);
    return rc;
}

static int read_group(struct group_read *g, struct error *err)
{
    struct lerobot_episodes *all = g->all;
    g->first = all->count;
    g->rows = (size_t)parquet_group_rows(g->parquet, g->group);
    if (g->rows > LEROBOT_EPISODES_MAX - all->count)
        return error_set(err, EFBIG, "%s: row group %zu: more than %d episodes", g->name, g->group,
                         LEROBOT_EPISODES_MAX);
    for (size_t row = 0; row < g->rows; row++)
        lerobot_episodes_add(all);
    int rc = take_named_columns(g, err);
    if (rc)
        return rc;
    CLEANUP_FREE struct sha256 **identities = mem_zero(g->rows * sizeof *identities);
    g->identities = identities;
    for (size_t row = 0; row < g->rows; row++)
        identities[row] = lerobot_stats_begin(episode_at(g, row));
    rc = take_other_columns(g, err);
    for (size_t row = 0; row < g->rows; row++)
        lerobot_stats_end(episode_at(g, row), identities[row]);
    return rc;
}

static int read_table(struct lerobot_episodes *all, const struct lerobot_info *info,
                      const struct recording *recording, struct error *err)
{
    CLEANUP_PARQUET struct parquet *parquet = NULL;
    int rc = parquet_open(recording, &parquet, err);
    if (rc)
        return rc;
    struct group_read g = {.all = all, .info = info, .parquet = parquet, .name = recording->name};
    for (g.group = 0; !rc && g.group < parquet_groups(parquet); g.group++)
        rc = read_group(&g, err);
    return rc;
}

/* All of it is needed, in pieces of a hundred bytes and out of order: one read instead of many. */
static int read_file(struct lerobot_episodes *all, const struct source *source,
                     const struct lerobot_info *info, const struct source_object *object, struct error *err)
{
    CLEANUP_SOURCE_RECORDING struct source_recording recording;
    source_recording_init(&recording, source, object);
    if (object->pinned.size > TABLE_BYTES_MAX)
        return read_table(all, info, &recording.recording, err);
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct memory_recording memory;
    int rc = source_read_all(source, object->path, TABLE_BYTES_MAX, &bytes, err);
    if (rc)
        return rc;
    recording_of_memory(&memory, recording.name, bytes.data, bytes.len);
    return read_table(all, info, &memory.recording, err);
}

/* A file that cannot be read costs what it holds, and nothing of the others. */
static void read_or_note(struct lerobot_episodes *all, const struct source *source,
                         const struct lerobot_info *info, const struct source_object *object)
{
    size_t before = all->count;
    struct error why = {0};
    if (!read_file(all, source, info, object, &why))
        return;
    CLEANUP_FREE char *name = source_name(source, object->path);
    while (all->count > before)
        lerobot_episodes_drop(all);
    lerobot_episodes_flaw_file(all, object, name, &why);
}

bool lerobot_episode_table_is(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strcmp(dot, ".parquet");
}

int lerobot_episode_table_read(struct lerobot_episodes *episodes, const struct source *source,
                               const struct lerobot_info *info, const char *folder, struct error *err)
{
    size_t count;
    for (size_t first = source_below(source, folder, &count), i = first; i < first + count; i++)
        if (lerobot_episode_table_is(source->objects[i].path))
            read_or_note(episodes, source, info, &source->objects[i]);
    return lerobot_episodes_sort(episodes, err);
}
