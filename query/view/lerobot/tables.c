// SPDX-License-Identifier: Apache-2.0
/* A row is an array of cells, made of the catalog's answers one clip at a time: a column that nothing is said
 * of stays null. */
#include "query/view/lerobot/tables.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "index/base/value_list.h"
#include "index/containers/parquet/writer.h"
#include "query/view/walk.h"

uint32_t lerobot_tables_file_of(const struct lerobot_set *set, uint32_t episode)
{
    uint32_t low = 0, high = (uint32_t)set->file_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (set->files[middle] <= episode)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- tasks ---- */

/* What makes pandas take the column `task` for the index. */
static const char pandas[] =
    "{\"index_columns\": [\"task\"], \"column_indexes\": [{\"name\": null, \"field_name\": null, "
    "\"pandas_type\": "
    "\"unicode\", \"numpy_type\": \"object\", \"metadata\": {\"encoding\": \"UTF-8\"}}], \"columns\": "
    "[{\"name\": "
    "\"task_index\", \"field_name\": \"task_index\", \"pandas_type\": \"int64\", \"numpy_type\": \"int64\", "
    "\"metadata\": null}, {\"name\": \"task\", \"field_name\": \"task\", \"pandas_type\": \"unicode\", "
    "\"numpy_type\": \"object\", \"metadata\": null}], \"creator\": {\"library\": \"elidefs\", \"version\": "
    "\"1\"}, "
    "\"pandas_version\": \"1.5.3\"}";

int lerobot_tables_tasks(const struct lerobot_set *set, struct buf *buf, struct error *err)
{
    static const struct parquet_written columns[] = {{.name = "task_index", .kind = PARQUET_INT},
                                                     {.name = "task", .kind = PARQUET_TEXT}};
    const struct parquet_pair metadata = {"pandas", pandas};
    const struct parquet_writer_to to = {
        .name = "tasks.parquet", .buf = buf, .alike = true, .metadata = &metadata, .metadata_count = 1};
    CLEANUP_PARQUET_WRITER struct parquet_writer *writer = NULL;
    int rc = parquet_writer_new(&to, columns, 2, &writer, err);
    for (size_t i = 0; !rc && i < strmap_count(set->tasks); i++) {
        const struct strmap_entry *task = strmap_at(set->tasks, i);
        const struct parquet_cell cells[] = {{.integer = (int64_t)i},
                                             {.text = task->key, .len = task->key_len}};
        rc = parquet_writer_add(writer, cells, err);
    }
    return rc ? rc : parquet_writer_finish(writer, err);
}

/* ---- episodes ---- */

enum { EPISODE_INDEX, TASKS, LENGTH, DATA_CHUNK, DATA_FILE, FROM_INDEX, TO_INDEX, OWN_COLUMNS };
static const char *const own_names[OWN_COLUMNS] = {
    "episode_index",      "tasks",           "length", "data/chunk_index", "data/file_index",
    "dataset_from_index", "dataset_to_index"};
static const char *const place_names[] = {"chunk_index", "file_index", "from_timestamp", "to_timestamp"};

struct label {
    struct catalog_attribute attribute;
    size_t column;
};

/* A file that is being made. */
struct episodes {
    struct lerobot_set *set;
    const struct view_ask *ask;
    const struct lerobot_known *known;
    struct parquet_writer *writer;
    struct parquet_written *columns;
    struct parquet_cell *cells; /* of the row that is being made, one a column */
    size_t count, cap;
    size_t videos, stats, meta; /* columns: the first ones; LeRobot's own are 0 .. */
    struct label *labels;       /* by name */
    size_t label_count, label_cap;
    uint32_t episode; /* the next one */
    uint32_t file;
    const struct buf *made; /* of the file so far, but for the last rows */
    struct buf extra, name;
    void **owned; /* what cells of the row point at */
    size_t owned_count, owned_cap;
    struct parquet_cell *values; /* of one attribute of the clip */
    size_t value_count, value_cap;
    size_t label; /* whose values these are */
};

static void *own(struct episodes *e, void *memory)
{
    mem_grow(&e->owned, &e->owned_cap, e->owned_count + 1, sizeof *e->owned);
    e->owned[e->owned_count++] = memory;
    return memory;
}

static void forget_row(struct episodes *e)
{
    for (size_t i = 0; i < e->owned_count; i++)
        free(e->owned[i]);
    e->owned_count = 0;
    for (size_t i = 0; i < e->count; i++)
        e->cells[i] = (struct parquet_cell){.null = true};
}

static void put_integer(const struct episodes *e, size_t column, uint64_t value)
{
    e->cells[column] = (struct parquet_cell){.integer = (int64_t)value};
}

static void put_real(const struct episodes *e, size_t column, double value)
{
    e->cells[column] = (struct parquet_cell){.real = value};
}

/* ---- columns ---- */

/* Its number. `name` is taken. */
static size_t add_column(struct episodes *e, char *name, enum parquet_kind kind, unsigned depth)
{
    mem_grow(&e->columns, &e->cap, e->count + 1, sizeof *e->columns);
    e->columns[e->count] = (struct parquet_written){.name = name, .kind = kind, .depth = depth};
    return e->count++;
}

/* Those that an import gives each episode itself stand in info.json and in LeRobot's own columns, and an
 * import of the view would give them again. */
bool lerobot_tables_has(const char *name)
{
    static const char *const prefixes[] = {"stats/", "videos/", "data/", "meta/", "dataset_"};
    static const char *const given[] = {"task",   "task_index", "duration",   "fps",
                                        "source", "robot_type", "reward_max", "success"};
    bool taken = false;
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        taken = taken || !strcmp(name, given[i]);
    for (size_t i = 0; i < OWN_COLUMNS; i++)
        taken = taken || !strcmp(name, own_names[i]);
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        taken = taken || !strncmp(name, prefixes[i], strlen(prefixes[i]));
    return taken;
}

static enum parquet_kind label_kind(enum value_type type)
{
    switch (type) {
    case VALUE_BOOL:
        return PARQUET_BOOL;
    case VALUE_INT:
        return PARQUET_INT;
    case VALUE_TEXT:
        return PARQUET_TEXT;
    case VALUE_TIME:
        return PARQUET_TIMESTAMP;
    default: /* durations are seconds; of lists the numbers */
        return PARQUET_DOUBLE;
    }
}

static int add_label(void *ctx, const struct catalog_attribute *attribute, struct error *err)
{
    struct episodes *e = ctx;
    bool list = attribute->multi || attribute->type == VALUE_LIST;
    if (lerobot_tables_has(attribute->name))
        return 0;
    mem_grow(&e->labels, &e->label_cap, e->label_count + 1, sizeof *e->labels);
    struct label *label = &e->labels[e->label_count++];
    label->attribute = *attribute;
    label->column = add_column(e, mem_text(attribute->name), label_kind(attribute->type), list);
    return 0;
}

static enum parquet_kind stat_kind(const struct episodes *e, const struct lerobot_stat_column *column)
{
    enum lerobot_numbers numbers = lerobot_set_numbers(e->set, column->feature);
    if (!strcmp(column->stat, "count"))
        return PARQUET_INT;
    if ((strcmp(column->stat, "min") && strcmp(column->stat, "max")) || numbers == LEROBOT_NUMBERS_REAL)
        return PARQUET_DOUBLE;
    return numbers == LEROBOT_NUMBERS_BOOL ? PARQUET_BOOL : PARQUET_INT;
}

static int add_columns(struct episodes *e, struct error *err)
{
    for (size_t i = 0; i < OWN_COLUMNS; i++)
        add_column(e, mem_text(own_names[i]), i == TASKS ? PARQUET_TEXT : PARQUET_INT, i == TASKS);
    e->videos = e->count;
    for (size_t i = 0; i < e->set->camera_count; i++)
        for (size_t k = 0; k < 4; k++)
            add_column(e, mem_printf("videos/%s/%s", e->set->cameras[i], place_names[k]),
                       k < 2 ? PARQUET_INT : PARQUET_DOUBLE, 0);
    e->stats = e->count;
    for (size_t i = 0; i < e->known->column_count; i++) {
        const struct lerobot_stat_column *column = &e->known->columns[i];
        add_column(e, mem_printf("stats/%s/%s", column->feature, column->stat), stat_kind(e, column),
                   column->depth);
    }
    int rc = catalog_attributes(e->ask->reader, add_label, e, err);
    e->meta = add_column(e, mem_text("meta/episodes/chunk_index"), PARQUET_INT, 0);
    add_column(e, mem_text("meta/episodes/file_index"), PARQUET_INT, 0);
    e->cells = mem_zero(e->count * sizeof *e->cells);
    return rc;
}

/* ---- an episode ---- */

static void put_tasks(struct episodes *e, const struct lerobot_episode *episode)
{
    struct parquet_cell *items = own(e, mem_zero((episode->task_count + 1) * sizeof *items));
    for (uint32_t i = 0; i < episode->task_count; i++) {
        const struct strmap_entry *task =
            strmap_at(e->set->tasks, e->set->task_refs[episode->first_task + i].task);
        items[i] = (struct parquet_cell){.text = task->key, .len = task->key_len};
    }
    e->cells[TASKS] = (struct parquet_cell){.items = items, .count = episode->task_count};
}

static void put_places(struct episodes *e, const struct lerobot_episode *episode)
{
    uint32_t number = e->episode, file = lerobot_tables_file_of(e->set, number);
    double end_s = episode->length / e->set->sources[0].features.fps;
    put_integer(e, EPISODE_INDEX, number);
    put_integer(e, LENGTH, episode->length);
    put_integer(e, DATA_CHUNK, file / LEROBOT_CHUNK_FILES);
    put_integer(e, DATA_FILE, file % LEROBOT_CHUNK_FILES);
    put_integer(e, FROM_INDEX, episode->first_frame);
    put_integer(e, TO_INDEX, episode->first_frame + episode->length);
    for (size_t i = 0; i < e->set->camera_count; i++) {
        put_integer(e, e->videos + 4 * i, number / LEROBOT_CHUNK_FILES);
        put_integer(e, e->videos + 4 * i + 1, number % LEROBOT_CHUNK_FILES);
        put_real(e, e->videos + 4 * i + 2, 0);
        put_real(e, e->videos + 4 * i + 3, end_s);
    }
    put_integer(e, e->meta, e->file / LEROBOT_CHUNK_FILES);
    put_integer(e, e->meta + 1, e->file % LEROBOT_CHUNK_FILES);
}

/* The part of a tensor that begins at *at, from a level on. */
static struct parquet_cell nest(struct episodes *e, const struct lerobot_tensor *tensor, unsigned level,
                                size_t *at)
{
    if (level == tensor->depth || level == LEROBOT_TENSOR_DEPTH_MAX) {
        double value = tensor->values[(*at)++];
        return (struct parquet_cell){.real = value, .integer = fabs(value) < 9e18 ? (int64_t)value : 0};
    }
    struct parquet_cell *items = own(e, mem_zero(tensor->dims[level] * sizeof *items));
    for (uint32_t i = 0; i < tensor->dims[level]; i++)
        items[i] = nest(e, tensor, level + 1, at);
    return (struct parquet_cell){.items = items, .count = tensor->dims[level]};
}

static int put_stat(void *ctx, const char *feature, const char *stat, const struct lerobot_tensor *tensor,
                    struct error *err)
{
    struct episodes *e = ctx;
    size_t at = 0;
    buf_clear(&e->name);
    buf_printf(&e->name, "%s/%s", feature, stat);
    const struct strmap_entry *entry = strmap_find(e->known->by_name, buf_text(&e->name), e->name.len);
    if (tensor && entry && e->known->columns[entry->value].depth == tensor->depth)
        e->cells[e->stats + entry->value] = nest(e, tensor, 0, &at);
    return 0;
}

static int put_stats(struct episodes *e, uint32_t row, struct error *err)
{
    int rc = lerobot_set_extra(e->ask, row, &e->extra, err);
    return rc ? rc : lerobot_said_stats(&e->extra, put_stat, e, err);
}

/* ---- what is said of a clip ---- */

/* The values that were taken become the cell of their label. */
static void end_label(struct episodes *e)
{
    const struct label *label = &e->labels[e->label];
    bool list = label->attribute.multi || label->attribute.type == VALUE_LIST;
    if (!e->value_count)
        return;
    struct parquet_cell *items = own(e, mem_copy(e->values, e->value_count * sizeof *items));
    e->cells[label->column] =
        list ? (struct parquet_cell){.items = items, .count = e->value_count} : items[0];
    e->value_count = 0;
}

static struct parquet_cell cell_of(struct episodes *e, const struct value *value)
{
    switch (value->type) {
    case VALUE_BOOL:
        return (struct parquet_cell){.integer = value->boolean};
    case VALUE_FLOAT:
        return (struct parquet_cell){.real = value->real};
    case VALUE_TEXT:
        return (struct parquet_cell){.text = own(e, mem_copy(value->text, value->len)), .len = value->len};
    case VALUE_DURATION:
        return (struct parquet_cell){.real = (double)value->integer / 1e9};
    default: /* a list's integers are numbers like others */
        return (struct parquet_cell){.integer = value->integer, .real = (double)value->integer};
    }
}

static void add_value(struct episodes *e, struct parquet_cell cell)
{
    mem_grow(&e->values, &e->value_cap, e->value_count + 1, sizeof *e->values);
    e->values[e->value_count++] = cell;
}

static void add_elements(struct episodes *e, const struct value *list)
{
    struct value element;
    struct cursor c = cursor_of(list->text, list->len);
    while (value_list_next(&c, &element))
        add_value(e, element.type ? cell_of(e, &element) : (struct parquet_cell){.null = true});
}

/* Values come by the names of their attributes, as labels are. Of an attribute with one value a clip there is
 * one. */
static int take_value(void *ctx, const struct catalog_attribute *attribute, const struct value *value,
                      struct error *err)
{
    struct episodes *e = ctx;
    size_t next = e->label;
    while (next < e->label_count && e->labels[next].attribute.id != attribute->id)
        next++;
    if (next == e->label_count || value->type != e->labels[next].attribute.type)
        return 0;
    if (next != e->label)
        end_label(e);
    e->label = next;
    if (value->type == VALUE_LIST && !e->value_count)
        add_elements(e, value);
    else if (value->type != VALUE_LIST)
        add_value(e, cell_of(e, value));
    return 0;
}

static int put_labels(struct episodes *e, uint32_t row, struct error *err)
{
    e->label = e->value_count = 0;
    int rc = catalog_clip_values(e->ask->reader, row, take_value, e, err);
    if (!rc && e->label_count)
        end_label(e);
    return rc;
}

static int put_episode(void *ctx, uint32_t row, struct error *err)
{
    struct episodes *e = ctx;
    const struct lerobot_episode *episode = &e->set->episodes[e->episode];
    forget_row(e);
    put_places(e, episode);
    put_tasks(e, episode);
    int rc = put_stats(e, row, err);
    if (!rc)
        rc = put_labels(e, row, err);
    if (!rc)
        rc = parquet_writer_add(e->writer, e->cells, err);
    if (!rc && e->made->len > VIEW_INLINE_BYTES_MAX)
        rc = error_set(err, EFBIG, "the table of %d episodes is larger than %llu bytes",
                       LEROBOT_TABLE_EPISODES, (unsigned long long)VIEW_INLINE_BYTES_MAX);
    e->episode++;
    return rc;
}

static void episodes_done(struct episodes *e)
{
    if (e->writer)
        parquet_writer_free(e->writer);
    for (size_t i = 0; i < e->count; i++)
        free((char *)(uintptr_t)e->columns[i].name);
    for (size_t i = 0; i < e->owned_count; i++)
        free(e->owned[i]);
    free(e->columns);
    free(e->cells);
    free(e->owned);
    free(e->values);
    free(e->labels);
    buf_done(&e->extra);
    buf_done(&e->name);
}

int lerobot_tables_episodes(struct lerobot_set *set, const struct view_plan *plan, const struct view_ask *ask,
                            uint32_t file, struct buf *buf, struct error *err)
{
    struct episodes e CLEANUP(episodes_done) = {.set = set, .ask = ask, .file = file, .made = buf};
    const struct parquet_writer_to to = {.name = "the table of episodes", .buf = buf, .alike = true};
    uint64_t first = (uint64_t)file * LEROBOT_TABLE_EPISODES, end = first + LEROBOT_TABLE_EPISODES;
    e.episode = (uint32_t)first;
    int rc = lerobot_set_known(set, plan, ask, &e.known, err);
    if (!rc)
        rc = add_columns(&e, err);
    if (!rc)
        rc = parquet_writer_new(&to, e.columns, e.count, &e.writer, err);
    if (!rc)
        rc = view_walk(plan, ask, first, end < set->count ? end : set->count, put_episode, &e, err);
    return rc ? rc : parquet_writer_finish(e.writer, err);
}
