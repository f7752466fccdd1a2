// SPDX-License-Identifier: Apache-2.0
/* Formats differ in how an episode is written down; what it is, and by what it is known again, is the same.
 */
#include "tools/import/lerobot_episode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"

void lerobot_episode_done(struct lerobot_episode *episode)
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

static int check_value(const struct lerobot_episode *episode, const char *place, const char *column,
                       const struct value *value, struct error *err)
{
    int rc = value_check(value, err);
    return rc ? error_prefix(err, "%s: episode %lld: column '%s'", place, (long long)episode->index, column)
              : 0;
}

int lerobot_episode_task(struct lerobot_episode *episode, const char *place, const struct value *text,
                         struct error *err)
{
    int rc = check_value(episode, place, "tasks", text, err);
    if (rc)
        return rc;
    mem_grow(&episode->tasks, &episode->task_cap, episode->task_count + 1, sizeof *episode->tasks);
    episode->tasks[episode->task_count++] = mem_copy(text->text, text->len);
    return 0;
}

int lerobot_episode_scalar(struct lerobot_episode *episode, const char *place, const char *column,
                           const struct value *value, struct error *err)
{
    int rc = check_value(episode, place, column, value, err);
    if (rc)
        return rc;
    mem_grow(&episode->scalars, &episode->scalar_cap, episode->scalar_count + 1, sizeof *episode->scalars);
    struct lerobot_scalar *scalar = &episode->scalars[episode->scalar_count++];
    *scalar = (struct lerobot_scalar){.column = column, .value = *value};
    if (value->type == VALUE_TEXT)
        scalar->value.text = scalar->text = mem_copy(value->text, value->len);
    return 0;
}

bool lerobot_episode_is_plumbing(const char *column)
{
    static const char *const prefixes[] = {"data/", "videos/", "meta/", "stats/", "dataset_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (!strncmp(column, prefixes[i], strlen(prefixes[i])))
            return true;
    return !strcmp(column, "episode_index") || !strcmp(column, "length") || !strcmp(column, "tasks");
}

/* ---- statistics and identity ---- */

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct sha256 *lerobot_stats_begin(struct lerobot_episode *episode)
{
    if (episode->task_count)
        qsort(episode->tasks, episode->task_count, sizeof *episode->tasks, compare_text);
    CLEANUP_FREE char *length = mem_printf("%lld", (long long)episode->length);
    struct sha256 *identity = sha256_new();
    sha256_add_text(identity, "lerobot-episode-3");
    sha256_add_text(identity, length);
    return identity;
}

/* The fingerprint leaves out what re-indexing and re-encoding a video change, and the quantiles, which
 * LeRobot has tools to add to a set that exists. So do tasks: an episode whose task was reworded is the same
 * recording, also if it was renumbered at the same time. Where nothing else tells episodes apart they count.
 */
static bool stats_identify(const struct lerobot_info *info, const char *name)
{
    static const char *const volatile_features[] = {"index", "episode_index", "task_index", "timestamp"};
    const char *feature = name + strlen("stats/"), *end = strrchr(feature, '/');
    size_t len = end ? (size_t)(end - feature) : strlen(feature);
    if (end && end[1] == 'q' && strspn(end + 2, "0123456789") == strlen(end + 2))
        return false;
    for (size_t i = 0; i < sizeof volatile_features / sizeof *volatile_features; i++)
        if (strlen(volatile_features[i]) == len && !memcmp(volatile_features[i], feature, len))
            return false;
    return !lerobot_info_is_video(info, feature, len);
}

static bool number_of(const struct json *json, double *ret)
{
    *ret = json_kind(json) == JSON_KIND_BOOL ? (double)json_as_bool(json) : json_as_number(json);
    return json_kind(json) == JSON_KIND_BOOL || json_kind(json) == JSON_KIND_INTEGER ||
           json_kind(json) == JSON_KIND_REAL;
}

/* A number, or a list that starts with one. */
static void take_max(struct lerobot_episode *episode, const char *name, const char *text)
{
    bool success = !strcmp(name, "stats/next.success/max"), reward = !strcmp(name, "stats/next.reward/max");
    CLEANUP_JSON struct json *json = NULL;
    double number;
    if ((!success && !reward) || json_parse(name, text, strlen(text), &json, NULL) ||
        !number_of(json_kind(json) == JSON_KIND_ARRAY ? json_at(json, 0) : json, &number))
        return;
    if (success)
        episode->has_success = true, episode->success = number != 0;
    else
        episode->has_reward = true, episode->reward_max = number;
}

void lerobot_stats_add(struct lerobot_episode *episode, struct sha256 *identity,
                       const struct lerobot_info *info, const char *name, const char *json)
{
    take_max(episode, name, json);
    buf_u8(&episode->stats, episode->stats.len ? ',' : '{');
    json_write_text(&episode->stats, name, strlen(name));
    buf_u8(&episode->stats, ':');
    buf_text_append(&episode->stats, json);
    if (stats_identify(info, name)) {
        episode->told_apart = true;
        sha256_add_text(identity, name);
        sha256_add_text(identity, json);
    }
}

void lerobot_stats_end(struct lerobot_episode *episode, struct sha256 *identity)
{
    for (size_t i = 0; !episode->told_apart && i < episode->task_count; i++)
        sha256_add_text(identity, episode->tasks[i]);
    sha256_finish(identity, episode->fingerprint);
    if (episode->stats.len)
        buf_u8(&episode->stats, '}');
}
