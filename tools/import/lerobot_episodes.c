// SPDX-License-Identifier: Apache-2.0
/*
 * The episode table has one or two hundred columns whose names contain '/' and '.'. It is read a row group at
 * a time, a column at a time, columns in the order of their names: that makes the statistics' JSON and the
 * fingerprint independent of the order a writer chose.
 */
#include "tools/import/lerobot_episodes.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "index/parquet/parquet.h"

/* A damaged or hostile footer may claim any number of rows; memory for them is taken at once. */
enum { EPISODES_MAX = 4 * 1000 * 1000 };

/* One row group being read: its rows are episodes[first ..). */
struct group_read {
    struct lerobot_episodes *all;
    const struct lerobot_info *info;
    struct parquet *parquet;
    const char *name;
    size_t group, first, rows;
    struct sha256 **sha; /* a running fingerprint a row */
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

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Parquet says that a text is UTF-8, but nobody has checked. */
static int check_value(const struct group_read *g, size_t row, const char *column, const struct value *value,
                       struct error *err)
{
    int rc = value_check(value, err);
    return rc ? error_prefix(err, "%s: episode %lld: column '%s'", g->name,
                             (long long)episode_at(g, row)->index, column)
              : 0;
}

static int take_task(const struct group_read *g, const struct parquet_values *values, uint64_t i, size_t row,
                     struct error *err)
{
    struct lerobot_episode *episode = episode_at(g, row);
    struct value text = {.type = VALUE_TEXT,
                         .text = (const char *)values->bytes.data + values->text_offsets[i],
                         .len = (size_t)(values->text_offsets[i + 1] - values->text_offsets[i])};
    int rc = check_value(g, row, "tasks", &text, err);
    if (!rc)
        episode->tasks[episode->task_count++] = mem_copy(text.text, text.len);
    return rc;
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
    for (size_t row = 0; !rc && row < g->rows; row++) {
        struct lerobot_episode *episode = episode_at(g, row);
        uint64_t from = values.offsets[0][row], end = values.offsets[0][row + 1];
        episode->tasks = mem_zero((size_t)(end - from) * sizeof *episode->tasks);
        for (uint64_t k = from; !rc && k < end; k++)
            rc = values.valid[k] ? take_task(g, &values, k, row, err) : 0;
        /* their order is not stable */
        qsort(episode->tasks, episode->task_count, sizeof *episode->tasks, compare_text);
    }
    return rc;
}

static int take_camera(const struct group_read *g, size_t camera, struct error *err)
{
    static const char *const parts[] = {"chunk_index", "file_index", "from_timestamp", "to_timestamp"};
    for (size_t part = 0; part < 4; part++) {
        CLEANUP_FREE char *column = mem_printf("videos/%s/%s", g->all->cameras[camera], parts[part]);
        CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
        int rc = part < 2 ? read_counts(g, column, &values, err)
                          : read_required(g, column, PARQUET_DOUBLE, &values, err);
        if (rc)
            return rc;
        for (size_t row = 0; row < g->rows; row++) {
            struct lerobot_camera_span *span = &episode_at(g, row)->cameras[camera];
            if (part == 0)
                span->chunk = values.i64[row];
            else if (part == 1)
                span->file = values.i64[row];
            else if (part == 2)
                span->from_s = values.f64[row];
            else
                span->to_s = values.f64[row];
        }
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
        *ret = (struct value){.type = VALUE_TEXT,
                              .text = (const char *)values->bytes.data + values->text_offsets[i],
                              .len = (size_t)(values->text_offsets[i + 1] - values->text_offsets[i])};
        return true;
    default:
        return false;
    }
}

static int take_scalar(const struct group_read *g, size_t column, struct error *err)
{
    CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
    int rc = read_column(g, column, &values, err);
    const char *name = parquet_column(g->parquet, column)->name;
    name = strmap_put(g->all->columns, name, strlen(name), NULL)->key;
    for (size_t row = 0; !rc && row < g->rows; row++) {
        struct lerobot_episode *episode = episode_at(g, row);
        struct value value;
        if (!value_of(&values, row, &value))
            continue;
        rc = check_value(g, row, name, &value, err);
        if (rc)
            return rc;
        mem_grow(&episode->scalars, &episode->scalar_cap, episode->scalar_count + 1,
                 sizeof *episode->scalars);
        struct lerobot_scalar *scalar = &episode->scalars[episode->scalar_count++];
        *scalar = (struct lerobot_scalar){.column = name, .value = value};
        if (value.type == VALUE_TEXT)
            scalar->value.text = scalar->text = mem_copy(value.text, value.len);
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

/* The fingerprint leaves out what re-indexing changes and what re-encoding a video changes. */
static bool stats_identify(const struct lerobot_info *info, const char *name)
{
    static const char *const volatile_features[] = {"index", "episode_index", "task_index", "timestamp"};
    const char *feature = name + strlen("stats/"), *end = strrchr(feature, '/');
    size_t len = end ? (size_t)(end - feature) : strlen(feature);
    for (size_t i = 0; i < sizeof volatile_features / sizeof *volatile_features; i++)
        if (strlen(volatile_features[i]) == len && !memcmp(volatile_features[i], feature, len))
            return false;
    return !lerobot_info_is_video(info, feature, len);
}

static void take_max(struct lerobot_episode *episode, const char *name, const struct parquet_values *values,
                     size_t row)
{
    bool success = !strcmp(name, "stats/next.success/max"), reward = !strcmp(name, "stats/next.reward/max");
    if ((!success && !reward) || values->depth > 1)
        return;
    uint64_t i = row;
    if (values->depth == 1) {
        i = values->offsets[0][row];
        if (i == values->offsets[0][row + 1])
            return;
    }
    struct value value;
    if (!value_of(values, (size_t)i, &value) || value.type > VALUE_FLOAT)
        return;
    double number = value.type == VALUE_FLOAT  ? value.real
                    : value.type == VALUE_BOOL ? (double)value.boolean
                                               : (double)value.integer;
    if (success)
        episode->has_success = true, episode->success = number != 0;
    else
        episode->has_reward = true, episode->reward_max = number;
}

static int take_stats(const struct group_read *g, size_t column, struct error *err)
{
    const char *name = parquet_column(g->parquet, column)->name;
    CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
    int rc = read_column(g, column, &values, err);
    bool identifies = stats_identify(g->info, name);
    for (size_t row = 0; !rc && row < g->rows; row++) {
        struct lerobot_episode *episode = episode_at(g, row);
        take_max(episode, name, &values, row);
        buf_u8(&episode->stats, episode->stats.len ? ',' : '{');
        json_write_text(&episode->stats, name, strlen(name));
        buf_u8(&episode->stats, ':');
        size_t start = episode->stats.len;
        print_nested(&episode->stats, &values, 0, row);
        if (identifies) {
            sha256_add_text(g->sha[row], name);
            sha256_add_text(g->sha[row], buf_text(&episode->stats) + start);
        }
    }
    return rc;
}

static bool is_plumbing(const char *name)
{
    static const char *const prefixes[] = {"data/", "videos/", "meta/", "stats/", "dataset_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
            return true;
    return !strcmp(name, "episode_index") || !strcmp(name, "length") || !strcmp(name, "tasks");
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
        else if (!is_plumbing(column->name) && !column->depth)
            rc = take_scalar(g, order[i], err);
    }
    return rc;
}

static void start_fingerprints(struct group_read *g)
{
    for (size_t row = 0; row < g->rows; row++) {
        const struct lerobot_episode *episode = episode_at(g, row);
        CLEANUP_FREE char *length = mem_printf("%lld", (long long)episode->length);
        g->sha[row] = sha256_new();
        sha256_add_text(g->sha[row], "lerobot-episode-1");
        sha256_add_text(g->sha[row], length);
        for (size_t i = 0; i < episode->task_count; i++)
            sha256_add_text(g->sha[row], episode->tasks[i]);
    }
}

static void finish_fingerprints(struct group_read *g)
{
    for (size_t row = 0; row < g->rows; row++) {
        struct lerobot_episode *episode = episode_at(g, row);
        sha256_finish(g->sha[row], episode->fingerprint);
        if (episode->stats.len)
            buf_u8(&episode->stats, '}');
    }
}

static int take_named_columns(const struct group_read *g, struct error *err)
{
    int rc = take_integers(g, "episode_index", take_index, err);
    if (!rc)
        rc = take_integers(g, "length", take_length, err);
    if (!rc)
        rc = take_integers(g, "data/chunk_index", take_data_chunk, err);
    if (!rc)
        rc = take_integers(g, "data/file_index", take_data_file, err);
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
    if (g->rows > EPISODES_MAX - all->count)
        return error_set(err, EFBIG, "%s: row group %zu: more than %d episodes", g->name, g->group,
                         EPISODES_MAX);
    mem_grow(&all->episodes, &all->cap, all->count + g->rows, sizeof *all->episodes);
    for (size_t row = 0; row < g->rows; row++)
        all->episodes[all->count++] = (struct lerobot_episode){
            .cameras = mem_zero(all->camera_count * sizeof(struct lerobot_camera_span))};
    int rc = take_named_columns(g, err);
    if (rc)
        return rc;
    g->sha = mem_zero(g->rows * sizeof *g->sha);
    start_fingerprints(g);
    rc = take_other_columns(g, err);
    finish_fingerprints(g);
    free(g->sha);
    return rc;
}

static int read_file(struct lerobot_episodes *all, const struct source *source,
                     const struct lerobot_info *info, const struct source_object *object, struct error *err)
{
    CLEANUP_SOURCE_RECORDING struct source_recording recording;
    source_recording_init(&recording, source, object);
    CLEANUP_PARQUET struct parquet *parquet = NULL;
    int rc = parquet_open(&recording.recording, &parquet, err);
    if (rc)
        return rc;
    struct group_read g = {.all = all, .info = info, .parquet = parquet, .name = recording.name};
    for (g.group = 0; !rc && g.group < parquet_groups(parquet); g.group++)
        rc = read_group(&g, err);
    return rc;
}

static int compare_episodes(const void *a, const void *b)
{
    int64_t x = ((const struct lerobot_episode *)a)->index, y = ((const struct lerobot_episode *)b)->index;
    return (x > y) - (x < y);
}

static int read_episode_files(struct lerobot_episodes *all, const struct source *source,
                              const struct lerobot_info *info, struct error *err)
{
    CLEANUP_FREE char *prefix = mem_printf("%smeta/episodes/", info->folder);
    int rc = 0;
    size_t count;
    for (size_t first = source_below(source, prefix, &count), i = first; !rc && i < first + count; i++) {
        const char *dot = strrchr(source->objects[i].path, '.');
        if (dot && !strcmp(dot, ".parquet"))
            rc = read_file(all, source, info, &source->objects[i], err);
    }
    if (rc)
        return rc;
    CLEANUP_FREE char *name = source_name(source, prefix);
    if (!all->count)
        return error_set(err, EINVAL, "%s: there is no episode", name);
    qsort(all->episodes, all->count, sizeof *all->episodes, compare_episodes);
    for (size_t i = 1; i < all->count; i++)
        if (all->episodes[i].index == all->episodes[i - 1].index)
            return error_set(err, EINVAL, "%s: episode %lld stands there twice", name,
                             (long long)all->episodes[i].index);
    return 0;
}

int lerobot_episodes_read(const struct source *source, const struct lerobot_info *info,
                          struct lerobot_episodes **ret, struct error *err)
{
    CLEANUP_LEROBOT_EPISODES struct lerobot_episodes *all = MEM_NEW(struct lerobot_episodes);
    all->cameras = mem_zero(info->feature_count * sizeof *all->cameras);
    for (size_t i = 0; i < info->feature_count; i++)
        if (info->is_video[i])
            all->cameras[all->camera_count++] = mem_text(info->features[i]);
    all->columns = strmap_new();
    int rc = read_episode_files(all, source, info, err);
    if (rc)
        return rc;
    *ret = STEAL(all);
    return 0;
}

static void episode_done(struct lerobot_episode *episode)
{
    for (size_t i = 0; i < episode->task_count; i++)
        free(episode->tasks[i]);
    free(episode->tasks);
    free(episode->cameras);
    for (size_t i = 0; i < episode->scalar_count; i++)
        free(episode->scalars[i].text);
    free(episode->scalars);
    buf_done(&episode->stats);
}

void lerobot_episodes_free(struct lerobot_episodes *episodes)
{
    for (size_t i = 0; i < episodes->count; i++)
        episode_done(&episodes->episodes[i]);
    free(episodes->episodes);
    for (size_t i = 0; i < episodes->camera_count; i++)
        free(episodes->cameras[i]);
    free(episodes->cameras);
    strmap_free(episodes->columns);
    free(episodes);
}

struct lerobot_episode *lerobot_episodes_find(const struct lerobot_episodes *episodes, int64_t index)
{
    struct lerobot_episode key = {.index = index};
    return bsearch(&key, episodes->episodes, episodes->count, sizeof key, compare_episodes);
}
