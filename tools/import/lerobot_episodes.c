// SPDX-License-Identifier: Apache-2.0
/*
 * A list of episodes in the order of their numbers, each once, with the flaws of those that cannot be
 * imported.
 */
#include "tools/import/lerobot_episodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/import/lerobot_episode_lines.h"
#include "tools/import/lerobot_episode_table.h"

struct lerobot_episodes *lerobot_episodes_new(const struct lerobot_info *info)
{
    struct lerobot_episodes *episodes = MEM_NEW(struct lerobot_episodes);
    episodes->cameras = mem_zero(info->feature_count * sizeof *episodes->cameras);
    for (size_t i = 0; i < info->feature_count; i++)
        if (info->is_video[i])
            episodes->cameras[episodes->camera_count++] = mem_text(info->features[i]);
    episodes->columns = strmap_new();
    return episodes;
}

void lerobot_episodes_free(struct lerobot_episodes *episodes)
{
    for (size_t i = 0; i < episodes->count; i++)
        lerobot_episode_done(&episodes->episodes[i]);
    free(episodes->episodes);
    for (size_t i = 0; i < episodes->camera_count; i++)
        free(episodes->cameras[i]);
    free(episodes->cameras);
    for (size_t i = 0; i < episodes->flaw_count; i++) {
        free(episodes->flaws[i].file);
        free(episodes->flaws[i].place);
        free(episodes->flaws[i].why);
    }
    free(episodes->flaws);
    strmap_free(episodes->columns);
    free(episodes->name);
    free(episodes);
}

struct lerobot_episode *lerobot_episodes_add(struct lerobot_episodes *episodes)
{
    if (episodes->count == LEROBOT_EPISODES_MAX)
        return NULL;
    mem_grow(&episodes->episodes, &episodes->cap, episodes->count + 1, sizeof *episodes->episodes);
    struct lerobot_episode *episode = &episodes->episodes[episodes->count++];
    *episode = (struct lerobot_episode){
        .cameras = mem_zero(episodes->camera_count * sizeof(struct lerobot_camera_span))};
    return episode;
}

void lerobot_episodes_drop(struct lerobot_episodes *episodes)
{
    lerobot_episode_done(&episodes->episodes[--episodes->count]);
}

int lerobot_episodes_flaw(struct lerobot_episodes *episodes, int64_t index, const char *file,
                          const char *place, struct error *why)
{
    bool of_line = why->code == EINVAL || why->code == ENODATA || why->code == E2BIG;
    if (!of_line || episodes->flaw_count == LEROBOT_FLAWS_MAX)
        return -why->code;
    mem_grow(&episodes->flaws, &episodes->flaw_cap, episodes->flaw_count + 1, sizeof *episodes->flaws);
    episodes->flaws[episodes->flaw_count++] = (struct lerobot_flaw){.index = index,
                                                                    .file = mem_text(file),
                                                                    .place = mem_text(place),
                                                                    .code = why->code,
                                                                    .why = mem_text(why->text)};
    return 0;
}

void lerobot_episodes_flaw_file(struct lerobot_episodes *episodes, const struct source_object *object,
                                const char *file, const struct error *why)
{
    mem_grow(&episodes->flaws, &episodes->flaw_cap, episodes->flaw_count + 1, sizeof *episodes->flaws);
    episodes->flaws[episodes->flaw_count++] = (struct lerobot_flaw){.index = -1,
                                                                    .object = object,
                                                                    .file = mem_text(file),
                                                                    .place = mem_text(""),
                                                                    .code = why->code,
                                                                    .why = mem_text(why->text)};
    episodes->incomplete = true;
}

const char *lerobot_episodes_column(struct lerobot_episodes *episodes, const char *name)
{
    return strmap_put(episodes->columns, name, strlen(name), NULL)->key;
}

static int compare_episodes(const void *a, const void *b)
{
    int64_t x = ((const struct lerobot_episode *)a)->index, y = ((const struct lerobot_episode *)b)->index;
    return (x > y) - (x < y);
}

int lerobot_episodes_sort(struct lerobot_episodes *episodes, struct error *err)
{
    if (!episodes->count && !episodes->flaw_count)
        return error_set(err, EINVAL, "%s: there is no episode", episodes->name);
    if (episodes->count)
        qsort(episodes->episodes, episodes->count, sizeof *episodes->episodes, compare_episodes);
    for (size_t i = 1; i < episodes->count; i++)
        if (episodes->episodes[i].index == episodes->episodes[i - 1].index)
            return error_set(err, EINVAL, "%s: episode %lld stands there twice", episodes->name,
                             (long long)episodes->episodes[i].index);
    return 0;
}

struct lerobot_episode *lerobot_episodes_find(const struct lerobot_episodes *episodes, int64_t index)
{
    struct lerobot_episode key = {.index = index};
    return bsearch(&key, episodes->episodes, episodes->count, sizeof key, compare_episodes);
}

/* ---- which of the two there is ---- */

static bool has_table(const struct source *source, const char *folder)
{
    size_t count;
    for (size_t first = source_below(source, folder, &count), i = first; i < first + count; i++)
        if (lerobot_episode_table_is(source->objects[i].path))
            return true;
    return false;
}

static int read_lines(struct lerobot_episodes *episodes, const struct source *source,
                      const struct lerobot_info *info, const struct source_object *object, struct error *err)
{
    CLEANUP_FREE char *stats_path = mem_printf("%smeta/episodes_stats.jsonl", info->folder);
    const struct source_object *stats_object = source_find(source, stats_path);
    if (episodes->camera_count && !info->video_by_episode)
        return error_set(err, EINVAL,
                         "%s: nothing there says which part of which video is an episode's, and 'video_path' "
                         "'%s' has no {episode_index}",
                         episodes->name, info->video_path);
    CLEANUP_SOURCE_RECORDING struct source_recording lines, stats = {0};
    source_recording_init(&lines, source, object);
    if (stats_object)
        source_recording_init(&stats, source, stats_object);
    return lerobot_episode_lines_read(episodes, info, &lines.recording,
                                      stats_object ? &stats.recording : NULL, err);
}

/* Both may lie there after a conversion: the layout of the data tells which one is in use. */
int lerobot_episodes_read(const struct source *source, const struct lerobot_info *info,
                          struct lerobot_episodes **ret, struct error *err)
{
    CLEANUP_LEROBOT_EPISODES struct lerobot_episodes *episodes = lerobot_episodes_new(info);
    CLEANUP_FREE char *folder = mem_printf("%smeta/episodes/", info->folder);
    CLEANUP_FREE char *lines_path = mem_printf("%smeta/episodes.jsonl", info->folder);
    const struct source_object *lines = source_find(source, lines_path);
    bool table = has_table(source, folder);
    if (lines && (info->data_by_episode || !table)) {
        episodes->name = source_name(source, lines_path);
        int rc = read_lines(episodes, source, info, lines, err);
        if (rc)
            return rc;
    } else {
        episodes->name = source_name(source, folder);
        if (!table)
            return error_set(err, ENOENT, "%s: no Parquet file is there, and no meta/episodes.jsonl",
                             episodes->name);
        int rc = lerobot_episode_table_read(episodes, source, info, folder, err);
        if (rc)
            return rc;
    }
    *ret = STEAL(episodes);
    return 0;
}
