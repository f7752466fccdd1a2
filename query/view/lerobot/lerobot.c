// SPDX-License-Identifier: Apache-2.0
/* Format v3.0: episodes share files, but for videos, which are the clips' own, one an episode and camera. */
#include "query/view/lerobot/lerobot.h"

#include "cache/base/strmap.h"
#include "query/view/lerobot/layout.h"
#include "query/view/lerobot/tables.h"

enum place {
    ROOT,
    META,
    EPISODES,
    EPISODES_CHUNK,
    DATA,
    DATA_CHUNK,
    VIDEOS,
    CAMERA,
    CAMERA_CHUNK,
    INFO = LEROBOT_FILES,
    TASKS,
    STATS,
    EPISODES_FILE,
    DATA_FILE,
};

static const struct lerobot_fixed root_entries[] = {{"meta", META}, {"data", DATA}, {"videos", VIDEOS}};
static const struct lerobot_fixed meta_entries[] = {
    {"info.json", INFO}, {"stats.json", STATS}, {"tasks.parquet", TASKS}, {"episodes", EPISODES}};
enum { META_COUNT = sizeof meta_entries / sizeof *meta_entries };

static uint64_t root_count(const struct lerobot_set *set)
{
    return set->camera_count ? 3 : 2;
}

static uint64_t table_files(const struct lerobot_set *set)
{
    return (set->count + LEROBOT_TABLE_EPISODES - 1) / LEROBOT_TABLE_EPISODES;
}

/* ---- derived files ---- */

static bool slot_of(const struct lerobot_set *set, uint64_t id, uint64_t *ret)
{
    enum { SINGLE_FILES = EPISODES_FILE - INFO };
    unsigned place = lerobot_place(id);
    uint64_t number = lerobot_number(id), tables = table_files(set);
    uint64_t count = place == EPISODES_FILE ? tables : place == DATA_FILE ? set->file_count : 1;
    *ret = place == EPISODES_FILE ? SINGLE_FILES + number
           : place == DATA_FILE   ? SINGLE_FILES + tables + number
                                  : place - INFO;
    return place >= INFO && place <= DATA_FILE && number < count;
}

static uint64_t slots(const struct lerobot_set *set)
{
    uint64_t last;
    slot_of(set, lerobot_id(DATA_FILE, set->file_count), &last);
    return last;
}

static bool rows_of(const struct lerobot_set *set, uint64_t id, uint32_t *ret_first, uint32_t *ret_end)
{
    if (lerobot_place(id) != DATA_FILE)
        return false;
    *ret_first = set->files[lerobot_number(id)];
    *ret_end = set->files[lerobot_number(id) + 1];
    return true;
}

static void print_info(struct lerobot_set *set, struct buf *buf)
{
    const struct lerobot_totals totals = {
        .version = "v3.0",
        .episodes = set->count,
        .frames = set->frames,
        .tasks = strmap_count(set->tasks),
        .data_path = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        .video_path = set->camera_count
                          ? "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
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
        return lerobot_tables_tasks(set, buf, err);
    case STATS:
        return lerobot_set_print_stats(set, plan, ask, buf, err);
    default:
        return lerobot_tables_episodes(set, plan, ask, (uint32_t)lerobot_number(id), buf, err);
    }
}

/* ---- directories ---- */

static uint64_t count_entries(const struct lerobot_set *set, uint64_t dir)
{
    uint64_t number = lerobot_number(dir), camera = number >> LEROBOT_CAMERA_SHIFT;
    switch (lerobot_place(dir)) {
    case ROOT:
        return root_count(set) + lerobot_extras(set, false);
    case META:
        return META_COUNT + lerobot_extras(set, true);
    case EPISODES:
        return lerobot_chunks(table_files(set));
    case EPISODES_CHUNK:
        return lerobot_files_in(table_files(set), number);
    case DATA:
        return lerobot_chunks(set->file_count);
    case DATA_CHUNK:
        return lerobot_files_in(set->file_count, number);
    case VIDEOS:
        return set->camera_count;
    case CAMERA:
        return number < set->camera_count ? lerobot_chunks(set->count) : 0;
    case CAMERA_CHUNK:
        return camera < set->camera_count ? lerobot_files_in(set->count, number & UINT32_MAX) : 0;
    default:
        return 0;
    }
}

/* Files of Parquet are numbered within their folder. */
static void name_file(struct lerobot_naming *n, enum place place, uint64_t chunk, uint64_t i)
{
    lerobot_name(n, lerobot_id(place, chunk * LEROBOT_CHUNK_FILES + i), "file-%03llu.parquet",
                 (unsigned long long)i);
}

static void name_chunk(struct lerobot_naming *n, enum place place, uint64_t number, uint64_t i)
{
    lerobot_name(n, lerobot_id(place, number), "chunk-%03llu", (unsigned long long)i);
}

static int name_entry(struct lerobot_naming *n, uint64_t dir, uint64_t i, struct error *err)
{
    const struct lerobot_set *set = n->plan->own;
    uint64_t number = lerobot_number(dir);
    switch (lerobot_place(dir)) {
    case ROOT:
        lerobot_name_fixed(n, root_entries, root_count(set), false, i);
        return 0;
    case META:
        lerobot_name_fixed(n, meta_entries, META_COUNT, true, i);
        return 0;
    case EPISODES:
        name_chunk(n, EPISODES_CHUNK, i, i);
        return 0;
    case DATA:
        name_chunk(n, DATA_CHUNK, i, i);
        return 0;
    case EPISODES_CHUNK:
        name_file(n, EPISODES_FILE, number, i);
        return 0;
    case DATA_CHUNK:
        name_file(n, DATA_FILE, number, i);
        return 0;
    case VIDEOS:
        lerobot_name(n, lerobot_id(CAMERA, i), "%s", set->cameras[i]);
        return 0;
    case CAMERA:
        name_chunk(n, CAMERA_CHUNK, number << LEROBOT_CAMERA_SHIFT | i, i);
        return 0;
    default:
        lerobot_name(n, 0, "file-%03llu.mp4", (unsigned long long)i);
        return lerobot_name_video(n, (number & UINT32_MAX) * LEROBOT_CHUNK_FILES + i,
                                  number >> LEROBOT_CAMERA_SHIFT, err);
    }
}

static bool is_numbered(uint64_t dir, uint64_t *ret_first)
{
    unsigned place = lerobot_place(dir);
    *ret_first = 0;
    return place != ROOT && place != META && place != VIDEOS;
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

/* ---- the kinds ---- */

static int plan_envelope(const struct view_ask *ask, struct view_plan *plan, struct error *err)
{
    return lerobot_plan(ask, plan, &layout, LEROBOT_QUANTILES_ENVELOPE, err);
}

static int plan_mean(const struct view_ask *ask, struct view_plan *plan, struct error *err)
{
    return lerobot_plan(ask, plan, &layout, LEROBOT_QUANTILES_MEAN, err);
}

const struct view_kind view_lerobot = {
    .name = "lerobot",
    .help = "a LeRobot data set (v3.0) of these episodes; quantiles are an envelope, as since lerobot 0.6.2",
    .offered = lerobot_offered,
    .plan = plan_envelope,
    .free = lerobot_plan_free,
    .find = lerobot_find,
    .list = lerobot_list,
    .open = lerobot_open,
};

const struct view_kind view_lerobot_mean = {
    .name = "lerobot-mean",
    .help = "the same; quantiles are means of those of the episodes, as in lerobot 0.4",
    .offered = lerobot_offered,
    .plan = plan_mean,
    .free = lerobot_plan_free,
    .find = lerobot_find,
    .list = lerobot_list,
    .open = lerobot_open,
};
