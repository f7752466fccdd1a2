// SPDX-License-Identifier: Apache-2.0
/* Some sets have a task an episode, so texts are looked up by hash. */
#include "tools/import/lerobot_tasks.h"

#include <errno.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "index/containers/parquet/parquet.h"
#include "tools/import/lerobot_lines.h"

struct lerobot_tasks {
    struct strmap *numbers; /* text -> task_index */
};

static void add_task(struct lerobot_tasks *tasks, const char *text, size_t len, int64_t number)
{
    bool is_new;
    struct strmap_entry *entry = strmap_put(tasks->numbers, text, len, &is_new);
    if (is_new || (uint64_t)number < entry->value)
        entry->value = (uintptr_t)number;
}

/* ---- tasks.parquet: the text stands in pandas' index column, or in one called `task` ---- */

static int find_columns(const struct parquet *parquet, const char *name, size_t *ret_number, size_t *ret_text,
                        struct error *err)
{
    int number = parquet_find(parquet, "task_index"), text = parquet_find(parquet, "__index_level_0__");
    if (text < 0)
        text = parquet_find(parquet, "task");
    if (number < 0 || text < 0 || parquet_column(parquet, (size_t)number)->kind != PARQUET_INT ||
        parquet_column(parquet, (size_t)text)->kind != PARQUET_TEXT ||
        parquet_column(parquet, (size_t)number)->depth || parquet_column(parquet, (size_t)text)->depth)
        return error_set(err, EINVAL, "%s: expected the columns 'task_index' and 'task'", name);
    *ret_number = (size_t)number;
    *ret_text = (size_t)text;
    return 0;
}

static int take_rows(struct lerobot_tasks *tasks, const char *name, const struct parquet_values *numbers,
                     const struct parquet_values *texts, struct error *err)
{
    for (uint64_t row = 0; row < numbers->rows; row++) {
        if (!numbers->valid[row] || numbers->i64[row] < 0 || !texts->valid[row])
            return error_set(err, EINVAL, "%s: row %llu is no task: its number or its text is missing", name,
                             (unsigned long long)row);
        add_task(tasks, (const char *)texts->bytes.data + texts->text_offsets[row],
                 (size_t)(texts->text_offsets[row + 1] - texts->text_offsets[row]), numbers->i64[row]);
    }
    return 0;
}

static int read_parquet(struct lerobot_tasks *tasks, const struct source *source,
                        const struct source_object *object, struct error *err)
{
    CLEANUP_SOURCE_RECORDING struct source_recording recording;
    source_recording_init(&recording, source, object);
    CLEANUP_PARQUET struct parquet *parquet = NULL;
    size_t number = 0, text = 0;
    int rc = parquet_open(&recording.recording, &parquet, err);
    if (!rc)
        rc = find_columns(parquet, recording.name, &number, &text, err);
    for (size_t group = 0; !rc && group < parquet_groups(parquet); group++) {
        CLEANUP_PARQUET_VALUES struct parquet_values numbers = {0};
        CLEANUP_PARQUET_VALUES struct parquet_values texts = {0};
        rc = parquet_read(parquet, group, number, &numbers, err);
        if (!rc)
            rc = parquet_read(parquet, group, text, &texts, err);
        if (!rc)
            rc = take_rows(tasks, recording.name, &numbers, &texts, err);
    }
    return rc;
}

/* ---- tasks.jsonl: {"task_index": 0, "task": "..."} a line ---- */

static int take_line(void *ctx, const char *place, const struct json *json, struct error *err)
{
    const struct json *number = json_get(json, "task_index");
    const char *text = json_get_text(json, "task");
    if (json_kind(number) != JSON_KIND_INTEGER || json_as_integer(number) < 0 || !text)
        return error_set(err, EINVAL, "%s: it is no task: expected 'task_index' and 'task'", place);
    add_task(ctx, text, strlen(text), json_as_integer(number));
    return 0;
}

static int read_lines(struct lerobot_tasks *tasks, const struct source *source,
                      const struct source_object *object, struct error *err)
{
    CLEANUP_SOURCE_RECORDING struct source_recording recording;
    source_recording_init(&recording, source, object);
    return lerobot_lines_read(&recording.recording, take_line, NULL, tasks, err);
}

int lerobot_tasks_read(const struct source *source, const struct lerobot_info *info,
                       struct lerobot_tasks **ret, struct error *err)
{
    CLEANUP_LEROBOT_TASKS struct lerobot_tasks *tasks = MEM_NEW(struct lerobot_tasks);
    tasks->numbers = strmap_new();
    CLEANUP_FREE char *parquet_path = mem_printf("%smeta/tasks.parquet", info->folder);
    CLEANUP_FREE char *lines_path = mem_printf("%smeta/tasks.jsonl", info->folder);
    const struct source_object *parquet = source_find(source, parquet_path);
    const struct source_object *lines = parquet ? NULL : source_find(source, lines_path);
    int rc = 0;
    if (parquet)
        rc = read_parquet(tasks, source, parquet, err);
    else if (lines)
        rc = read_lines(tasks, source, lines, err);
    if (rc)
        return rc;
    *ret = STEAL(tasks);
    return 0;
}

void lerobot_tasks_free(struct lerobot_tasks *tasks)
{
    strmap_free(tasks->numbers);
    free(tasks);
}

int64_t lerobot_tasks_index(const struct lerobot_tasks *tasks, const char *text)
{
    const struct strmap_entry *entry = strmap_find(tasks->numbers, text, strlen(text));
    return entry ? (int64_t)entry->value : -1;
}
