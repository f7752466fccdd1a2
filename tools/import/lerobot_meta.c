// SPDX-License-Identifier: Apache-2.0
/* Which files these are is said by what they are not, so that what tools add to meta/ comes along. */
#include "tools/import/lerobot_meta.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "index/commit/changeset_sources.h"

static bool starts(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

/* `name`: below the data set's folder. */
static bool is_own(const char *name)
{
    static const char *const made_anew[] = {"meta/episodes/", "meta/episodes.", "meta/episodes_stats.",
                                            "meta/tasks.",    "meta/tasks/",    "meta/stats.json"};
    if (!strchr(name, '/'))
        return starts(name, "README") || starts(name, "LICENSE");
    bool is = starts(name, "meta/");
    for (size_t i = 0; i < sizeof made_anew / sizeof *made_anew; i++)
        is = is && !starts(name, made_anew[i]);
    return is;
}

/* ---- files ---- */

static const char info_name[] = "meta/info.json";

struct taking {
    const struct lerobot_import *import;
    const struct lerobot_info *info;
    struct buf bytes;
    size_t files;      /* taken, */
    uint64_t taken;    /* and their bytes */
    bool info_to_come; /* nothing can be shown as a LeRobot data set without it: no other file takes its room
                        */
};

static void leave_out(const struct taking *t, const struct source_object *object, const char *why)
{
    CLEANUP_FREE char *reason = mem_printf("not kept with the clips, because %s", why);
    notes_add(t->import->notes, reason, object->path);
}

/* What was read already is not read again. */
static int read_file(struct taking *t, const struct source_object *object, const char *name,
                     struct error *err)
{
    buf_clear(&t->bytes);
    if (!strcmp(name, info_name)) {
        buf_append(&t->bytes, t->info->text.data, t->info->text.len);
        return 0;
    }
    return source_read_all(t->import->source, object->path, SOURCE_FILE_BYTES_MAX, &t->bytes, err);
}

static int check_file(const struct taking *t, const struct source_object *object, const char *name,
                      struct error *err)
{
    bool room = !t->info_to_come || (t->files + 1 < SOURCE_FILES_MAX &&
                                     t->taken + object->pinned.size + t->info->text.len <= SOURCE_BYTES_MAX);
    if (!room)
        return error_set(err, E2BIG, "it would leave no room for %s", info_name);
    return changeset_source_check(t->import->drafts->set, name, (size_t)object->pinned.size, err);
}

static int take_file(struct taking *t, const struct source_object *object, const char *name,
                     struct error *err)
{
    struct changeset *set = t->import->drafts->set;
    struct error why = {0};
    t->import->named[object - t->import->source->objects] = true;
    t->info_to_come &= strcmp(name, info_name) != 0;
    if (check_file(t, object, name, &why)) {
        leave_out(t, object, why.text);
        return 0;
    }
    int rc = read_file(t, object, name, err);
    if (rc < 0 && lerobot_is_unfinished(t->import, object, err->code)) {
        CLEANUP_FREE char *file = source_name(t->import->source, object->path);
        drafts_wait(t->import->drafts, NULL, file);
        *err = (struct error){0};
        return 0;
    }
    if (rc < 0)
        return rc;
    t->files++;
    t->taken += t->bytes.len;
    return changeset_source_file(set, name, t->bytes.data, t->bytes.len, err);
}

int lerobot_meta_files(const struct lerobot_import *import, const struct lerobot_info *info,
                       uint32_t *ret_source, struct error *err)
{
    const struct source *source = import->source;
    struct taking t = {.import = import, .info = info, .info_to_come = true};
    size_t count;
    int rc = changeset_source_begin(import->drafts->set, import->root, import->folder, ret_source, err);
    for (size_t first = source_below(source, info->folder, &count), i = first; !rc && i < first + count;
         i++) {
        const char *name = source->objects[i].path + strlen(info->folder);
        if (is_own(name))
            rc = take_file(&t, &source->objects[i], name, err);
    }
    buf_done(&t.bytes);
    return rc;
}

/* ---- episodes ---- */

struct task {
    int64_t number; /* -1: it has none */
    const char *text;
};

static int compare_tasks(const void *a, const void *b)
{
    const struct task *x = a, *y = b;
    if (x->number != y->number)
        return (uint64_t)x->number < (uint64_t)y->number ? -1 : 1; /* those without a number last */
    return strcmp(x->text, y->text);
}

/* The order of an episode's tasks means nothing in LeRobot, and is another each time. */
static void print_tasks(const struct lerobot_tasks *tasks, const struct lerobot_episode *episode,
                        struct buf *ret)
{
    CLEANUP_FREE struct task *list = mem_zero((episode->task_count + 1) * sizeof *list);
    for (size_t i = 0; i < episode->task_count; i++)
        list[i] = (struct task){lerobot_tasks_index(tasks, episode->tasks[i]), episode->tasks[i]};
    qsort(list, episode->task_count, sizeof *list, compare_tasks);
    buf_text_append(ret, "\"tasks\":[");
    for (size_t i = 0; i < episode->task_count; i++) {
        buf_text_append(ret, i ? ",[" : "[");
        if (list[i].number < 0)
            buf_text_append(ret, "null,");
        else
            buf_printf(ret, "%lld,", (long long)list[i].number);
        json_write_text(ret, list[i].text, strlen(list[i].text));
        buf_u8(ret, ']');
    }
    buf_u8(ret, ']');
}

void lerobot_meta_extra(const struct lerobot_episodes *episodes, const struct lerobot_tasks *tasks,
                        const struct lerobot_episode *episode, struct buf *ret)
{
    const struct buf *stats = &episode->stats; /* an object, or nothing */
    buf_printf(ret, "{\"episode_index\":%lld,\"length\":%lld,", (long long)episode->index,
               (long long)episode->length);
    print_tasks(tasks, episode, ret);
    buf_text_append(ret, ",\"videos\":[");
    for (size_t i = 0; i < episodes->camera_count; i++) {
        buf_text_append(ret, i ? "," : "");
        json_write_text(ret, episodes->cameras[i], strlen(episodes->cameras[i]));
    }
    buf_text_append(ret, stats->len ? "]," : "]}");
    if (stats->len)
        buf_append(ret, stats->data + 1, stats->len - 1);
}
