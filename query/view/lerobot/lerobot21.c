// SPDX-License-Identifier: Apache-2.0
/* Format v2.1: a Parquet file and a video a camera for each episode, and lines of JSON about them. */
#include <errno.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "query/view/lerobot/layout.h"
#include "query/view/lerobot/lerobot.h"
#include "query/view/lerobot/lines.h"

/* The lines about all of them are one file, and must stay below VIEW_INLINE_BYTES_MAX. */
enum { EPISODES_MAX = 20000 };

enum place {
    ROOT,
    META,
    DATA,
    DATA_CHUNK,
    VIDEOS,
    VIDEOS_CHUNK,
    CAMERA,
    INFO = LEROBOT_FILES,
    TASKS,
    STATS,
    EPISODES,
    EPISODES_STATS,
    ROWS,
};

static const struct lerobot_fixed root_entries[] = {{"meta", META}, {"data", DATA}, {"videos", VIDEOS}};
static const struct lerobot_fixed meta_entries[] = {{"info.json", INFO},
                                                    {"stats.json", STATS},
                                                    {"tasks.jsonl", TASKS},
                                                    {"episodes.jsonl", EPISODES},
                                                    {"episodes_stats.jsonl", EPISODES_STATS}};
enum { META_COUNT = sizeof meta_entries / sizeof *meta_entries };

static uint64_t root_count(const struct lerobot_set *set)
{
    return set->camera_count ? 3 : 2;
}

/* ---- derived files ---- */

static bool slot_of(const struct lerobot_set *set, uint64_t id, uint64_t *ret)
{
    unsigned place = lerobot_place(id);
    uint64_t number = lerobot_number(id);
    *ret = place - INFO + number;
    return place >= INFO && place <= ROWS && number < (place == ROWS ? set->count : 1);
}

static uint64_t slots(const struct lerobot_set *set)
{
    return ROWS - INFO + set->count;
}

static bool rows_of(const struct lerobot_set *set, uint64_t id, uint32_t *ret_first, uint32_t *ret_end)
{
    if (lerobot_place(id) != ROWS)
        return false;
    *ret_first = (uint32_t)lerobot_number(id);
    *ret_end = *ret_first + 1;
    return true;
}

static void print_info(struct lerobot_set *set, struct buf *buf)
{
    const struct lerobot_totals totals = {
        .version = "v2.1",
        .by_episode = true,
        .episodes = set->count,
        .frames = set->frames,
        .tasks = strmap_count(set->tasks),
        .videos = set->count * set->camera_count,
        .data_path = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        .video_path = set->camera_count
                          ? "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
                          : NULL};
    const struct lerobot_hiding hiding = {lerobot_set_hides, set};
    lerobot_features_print(&set->sources[0].features, &totals, &hiding, buf);
}

static int print_file(const struct view_plan *plan, const struct view_ask *ask, uint64_t id, struct buf *buf,
                      struct error *err)
{
    struct lerobot_set *set = plan->own;
    switch (lerobot_place(id)) {
    case INFO:
        print_info(set, buf);
        return 0;
    case TASKS:
        lerobot_lines_tasks(set, buf);
        return 0;
    case STATS:
        return lerobot_set_print_stats(set, plan, ask, buf, err);
    case EPISODES:
        return lerobot_lines_episodes(set, plan, ask, buf, err);
    default:
        return lerobot_lines_stats(set, plan, ask, buf, err);
    }
}

/* ---- directories ---- */

static uint64_t count_entries(const struct lerobot_set *set, uint64_t dir)
{
    uint64_t number = lerobot_number(dir), chunk = number & UINT32_MAX;
    switch (lerobot_place(dir)) {
    case ROOT:
        return root_count(set) + lerobot_extras(set, false);
    case META:
        return META_COUNT + lerobot_extras(set, true);
    case DATA:
        return lerobot_chunks(set->count);
    case VIDEOS:
        return set->camera_count ? lerobot_chunks(set->count) : 0;
    case DATA_CHUNK:
        return lerobot_files_in(set->count, number);
    case VIDEOS_CHUNK:
        return number < lerobot_chunks(set->count) ? set->camera_count : 0;
    case CAMERA:
        return number >> LEROBOT_CAMERA_SHIFT < set->camera_count ? lerobot_files_in(set->count, chunk) : 0;
    default:
        return 0;
    }
}

static int name_entry(struct lerobot_naming *n, uint64_t dir, uint64_t i, struct error *err)
{
    const struct lerobot_set *set = n->plan->own;
    uint64_t number = lerobot_number(dir), episode = (number & UINT32_MAX) * LEROBOT_CHUNK_FILES + i;
    switch (lerobot_place(dir)) {
    case ROOT:
        lerobot_name_fixed(n, root_entries, root_count(set), false, i);
        return 0;
    case META:
        lerobot_name_fixed(n, meta_entries, META_COUNT, true, i);
        return 0;
    case DATA:
    case VIDEOS:
        lerobot_name(n, lerobot_id(lerobot_place(dir) == DATA ? DATA_CHUNK : VIDEOS_CHUNK, i), "chunk-%03llu",
                     (unsigned long long)i);
        return 0;
    case VIDEOS_CHUNK:
        lerobot_name(n, lerobot_id(CAMERA, i << LEROBOT_CAMERA_SHIFT | number), "%s", set->cameras[i]);
        return 0;
    case DATA_CHUNK:
        lerobot_name(n, lerobot_id(ROWS, episode), "episode_%06llu.parquet", (unsigned long long)episode);
        return 0;
    default:
        lerobot_name(n, 0, "episode_%06llu.mp4", (unsigned long long)episode);
        return lerobot_name_video(n, episode, number >> LEROBOT_CAMERA_SHIFT, err);
    }
}

static bool is_numbered(uint64_t dir, uint64_t *ret_first)
{
    unsigned place = lerobot_place(dir);
    bool files = place == DATA_CHUNK || place == CAMERA;
    *ret_first = files ? (lerobot_number(dir) & UINT32_MAX) * LEROBOT_CHUNK_FILES : 0;
    return files || place == DATA || place == VIDEOS;
}

static const struct lerobot_layout layout = {
    .count = count_entries,
    .entry = name_entry,
    .numbered = is_numbered,
    .rows = rows_of,
    .print = print_file,
    .slot = slot_of,
    .slots = slots,
};

/* ---- the kind ---- */

static int plan_view(const struct view_ask *ask, struct view_plan *plan, struct error *err)
{
    if (set_count(plan->set) > EPISODES_MAX)
        return error_set(
            err, ENOENT,
            "%llu clips are here, and format v2.1 has one file of lines about all, so at most %d are "
            "shown in it: narrow the path, by @head=%d or another condition",
            (unsigned long long)set_count(plan->set), EPISODES_MAX, EPISODES_MAX);
    return lerobot_plan(ask, plan, &layout, LEROBOT_QUANTILES_ENVELOPE, err);
}

const struct view_kind view_lerobot21 = {
    .name = "lerobot21",
    .help = "the same in format v2.1, which openpi and older tools read: files of their own for each episode",
    .offered = lerobot_offered,
    .plan = plan_view,
    .free = lerobot_plan_free,
    .find = lerobot_find,
    .list = lerobot_list,
    .open = lerobot_open,
};
