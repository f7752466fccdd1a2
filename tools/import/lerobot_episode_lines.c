// SPDX-License-Identifier: Apache-2.0
/*
 * Two files of lines, joined by the episode's number. A bad line costs its own episode, if its number can
 * still be read, or else every episode that it may have been.
 */
#include "tools/import/lerobot_episode_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/json.h"
#include "tools/import/lerobot_lines.h"

enum { STAT_NAME_MAX = 1024, STAT_DEPTH_MAX = 3 };

struct reading {
    struct lerobot_episodes *all;
    const struct lerobot_info *info;
    const char *file; /* that is read */
    bool *has_stats;  /* by episode, once they are sorted */
    bool lost;        /* statistics of some episode, nobody knows which, are in a bad line: */
    size_t lost_line; /* the first */
    int lost_code;
};

/* Counts and numbers: none is negative or over 2^31 in any set that is real. */
static int take_count(const char *place, const struct json *object, const char *name, int64_t *ret,
                      struct error *err)
{
    const struct json *json = json_get(object, name);
    if (!json)
        return error_set(err, EINVAL, "%s: '%s' is missing", place, name);
    int64_t value = json_as_integer(json);
    if (json_kind(json) != JSON_KIND_INTEGER || value < 0 || value > INT32_MAX)
        return error_set(err, EINVAL, "%s: '%s' is not a whole number from 0 to %d", place, name, INT32_MAX);
    *ret = value;
    return 0;
}

/* False: it is no scalar, or null. */
static bool scalar_of(const struct json *json, struct value *ret)
{
    const char *text;
    switch (json_kind(json)) {
    case JSON_KIND_BOOL:
        *ret = (struct value){.type = VALUE_BOOL, .boolean = json_as_bool(json)};
        return true;
    case JSON_KIND_INTEGER:
        *ret = (struct value){.type = VALUE_INT, .integer = json_as_integer(json)};
        return true;
    case JSON_KIND_REAL:
        *ret = (struct value){.type = VALUE_FLOAT, .real = json_as_number(json) + 0.0};
        return true;
    case JSON_KIND_TEXT: /* a NUL byte is one more than a value may have: value_check() says so */
        text = json_as_text(json);
        *ret = (struct value){.type = VALUE_TEXT, .text = text ? text : "", .len = text ? strlen(text) : 1};
        return true;
    default:
        return false;
    }
}

/* ---- bad lines ---- */

/* "episode_index": 12, also of what is no JSON; -1: it is not there. */
static int64_t index_in(const char *line, size_t len)
{
    enum { DIGITS_MAX = 9 };
    static const char name[] = "\"episode_index\"";
    const char *at = memmem(line, len, name, sizeof name - 1), *end = line + len;
    int64_t index = -1;
    if (!at)
        return -1;
    for (at += sizeof name - 1; at < end && strchr(" \t:", *at) && *at; at++)
        ;
    for (int i = 0; i < DIGITS_MAX && at < end && *at >= '0' && *at <= '9'; i++)
        index = (index < 0 ? 0 : index * 10) + (*at++ - '0');
    return at < end && *at >= '0' && *at <= '9' ? -1 : index;
}

static int bad_line(void *ctx, size_t number, const char *line, size_t len, struct error *why)
{
    struct reading *r = ctx;
    int64_t index = index_in(line, len);
    CLEANUP_FREE char *place = mem_printf("line %zu", number);
    struct lerobot_episode *episode =
        index >= 0 && r->has_stats ? lerobot_episodes_find(r->all, index) : NULL;
    if (r->has_stats && index >= 0 && !episode)
        return 0; /* of one that is not there */
    int rc = lerobot_episodes_flaw(r->all, index, r->file, place, why);
    if (rc || !r->has_stats)
        return rc;
    if (episode)
        episode->flawed = r->has_stats[episode - r->all->episodes] = true;
    else if (!r->lost)
        r->lost = true, r->lost_line = number, r->lost_code = why->code;
    return 0;
}

/* An episode without its statistics would be taken for another one. */
static int suspect(struct reading *r, struct lerobot_episode *episode, struct error *err)
{
    struct error why;
    CLEANUP_FREE char *place = mem_printf("episode %lld", (long long)episode->index);
    error_set(&why, r->lost_code, "%s: %s has no statistics, which line %zu may hold", r->file, place,
              r->lost_line);
    episode->flawed = true;
    return lerobot_episodes_flaw(r->all, episode->index, r->file, place, &why) ? error_copy(err, &why) : 0;
}

/* ---- episodes.jsonl ---- */

static int take_task(struct lerobot_episode *episode, const char *place, const struct json *json,
                     struct error *err)
{
    struct value text;
    if (json_kind(json) == JSON_KIND_NULL)
        return 0;
    if (!scalar_of(json, &text) || text.type != VALUE_TEXT)
        return error_set(err, EINVAL, "%s: 'tasks' is not a list of texts", place);
    return lerobot_episode_task(episode, place, &text, err);
}

static int take_tasks(struct lerobot_episode *episode, const char *place, const struct json *json,
                      struct error *err)
{
    if (json_kind(json) != JSON_KIND_ARRAY)
        return take_task(episode, place, json, err);
    int rc = 0;
    for (size_t i = 0; !rc && i < json_count(json); i++)
        rc = take_task(episode, place, json_at(json, i), err);
    return rc;
}

static int take_scalars(const struct reading *r, struct lerobot_episode *episode, const char *place,
                        const struct json *object, struct error *err)
{
    void *iter = NULL;
    const char *name;
    const struct json *member;
    struct value value;
    int rc = 0;
    while (!rc && json_next(object, &iter, &name, &member))
        if (!lerobot_episode_is_plumbing(name) && scalar_of(member, &value))
            rc = lerobot_episode_scalar(episode, place, lerobot_episodes_column(r->all, name), &value, err);
    return rc;
}

static int take_episode(void *ctx, const char *place, const struct json *object, struct error *err)
{
    const struct reading *r = ctx;
    struct lerobot_episode *episode = lerobot_episodes_add(r->all);
    if (!episode)
        return error_set(err, EFBIG, "%s: more than %d episodes", place, LEROBOT_EPISODES_MAX);
    int rc = take_count(place, object, "episode_index", &episode->index, err);
    if (!rc)
        rc = take_count(place, object, "length", &episode->length, err);
    if (!rc)
        rc = take_tasks(episode, place, json_get(object, "tasks"), err);
    if (!rc)
        rc = take_scalars(r, episode, place, object, err);
    for (size_t camera = 0; camera < r->all->camera_count; camera++)
        episode->cameras[camera].to_s = (double)episode->length / r->info->fps;
    if (rc)
        lerobot_episodes_drop(r->all);
    return rc;
}

/* ---- episodes_stats.jsonl ---- */

struct stat {
    char *name, *json;
};
struct stats {
    const char *place;
    struct stat *stats;
    size_t count, cap;
    struct buf name; /* of what is being read, from "stats" */
};

static void stats_done(struct stats *stats)
{
    for (size_t i = 0; i < stats->count; i++) {
        free(stats->stats[i].name);
        free(stats->stats[i].json);
    }
    free(stats->stats);
    buf_done(&stats->name);
}

/* False where lists are deeper than a table's columns can be: such a one is left out there, too. */
static bool print_stat(struct buf *buf, const struct json *json, unsigned depth)
{
    struct value value;
    if (json_kind(json) != JSON_KIND_ARRAY) {
        if (scalar_of(json, &value))
            value_print_json(buf, &value);
        else
            buf_text_append(buf, "null");
        return true;
    }
    if (depth == STAT_DEPTH_MAX)
        return false;
    bool good = true;
    buf_u8(buf, '[');
    for (size_t i = 0; good && i < json_count(json); i++) {
        if (i)
            buf_u8(buf, ',');
        good = print_stat(buf, json_at(json, i), depth + 1);
    }
    buf_u8(buf, ']');
    return good;
}

/* An object is one more level of the name, as LeRobot's own converter has it. */
static int gather(struct stats *stats, const struct json *json, struct error *err)
{
    if (json_kind(json) != JSON_KIND_OBJECT) {
        CLEANUP_BUF struct buf text = BUF_INIT;
        if (!print_stat(&text, json, 0))
            return 0;
        mem_grow(&stats->stats, &stats->cap, stats->count + 1, sizeof *stats->stats);
        stats->stats[stats->count++] =
            (struct stat){.name = mem_text(buf_text(&stats->name)), .json = (char *)buf_steal(&text)};
        return 0;
    }
    void *iter = NULL;
    const char *key;
    const struct json *member;
    int rc = 0;
    size_t before = stats->name.len;
    while (!rc && json_next(json, &iter, &key, &member)) {
        if (strlen(key) > STAT_NAME_MAX - before) /* bounds the nesting, too */
            return error_set(err, E2BIG, "%s: a statistic's name has more than %d bytes", stats->place,
                             STAT_NAME_MAX);
        buf_printf(&stats->name, "/%s", key);
        rc = gather(stats, member, err);
        buf_truncate(&stats->name, before);
    }
    return rc;
}

static int compare_stats(const void *a, const void *b)
{
    return strcmp(((const struct stat *)a)->name, ((const struct stat *)b)->name);
}

static int add_stats(const struct reading *r, struct lerobot_episode *episode, struct stats *stats,
                     struct error *err)
{
    if (stats->count)
        qsort(stats->stats, stats->count, sizeof *stats->stats, compare_stats);
    for (size_t i = 1; i < stats->count; i++)
        if (!compare_stats(&stats->stats[i - 1], &stats->stats[i]))
            return error_set(err, EINVAL, "%s: '%s' is there twice", stats->place, stats->stats[i].name);
    struct sha256 *identity = lerobot_stats_begin(episode);
    for (size_t i = 0; i < stats->count; i++)
        lerobot_stats_add(episode, identity, r->info, stats->stats[i].name, stats->stats[i].json);
    lerobot_stats_end(episode, identity);
    return 0;
}

static int take_stats(void *ctx, const char *place, const struct json *object, struct error *err)
{
    const struct reading *r = ctx;
    int64_t index = 0;
    int rc = take_count(place, object, "episode_index", &index, err);
    struct lerobot_episode *episode = rc ? NULL : lerobot_episodes_find(r->all, index);
    if (!episode)
        return rc;
    bool *seen = &r->has_stats[episode - r->all->episodes];
    if (*seen)
        return error_set(err, EINVAL, "%s: the statistics of episode %lld stand there a second time", place,
                         (long long)index);
    *seen = true;
    const struct json *tree = json_get(object, "stats");
    if (json_kind(tree) != JSON_KIND_OBJECT)
        return error_set(err, EINVAL, "%s: 'stats' is no object", place);
    struct stats stats = {.place = place};
    buf_text_append(&stats.name, "stats");
    rc = gather(&stats, tree, err);
    if (!rc)
        rc = add_stats(r, episode, &stats, err);
    stats_done(&stats);
    return rc;
}

int lerobot_episode_lines_read(struct lerobot_episodes *episodes, const struct lerobot_info *info,
                               const struct recording *lines, const struct recording *stats,
                               struct error *err)
{
    struct reading r = {.all = episodes, .info = info, .file = lines->name};
    int rc = lerobot_lines_read(lines, take_episode, bad_line, &r, err);
    if (!rc)
        rc = lerobot_episodes_sort(episodes, err);
    if (rc)
        return rc;
    CLEANUP_FREE bool *has_stats = mem_zero(episodes->count * sizeof *has_stats);
    r.has_stats = has_stats;
    r.file = stats ? stats->name : "";
    rc = stats ? lerobot_lines_read(stats, take_stats, bad_line, &r, err) : 0;
    for (size_t i = 0; !rc && i < episodes->count; i++) {
        struct lerobot_episode *episode = &episodes->episodes[i];
        if (has_stats[i])
            continue;
        lerobot_stats_end(episode, lerobot_stats_begin(episode));
        rc = r.lost ? suspect(&r, episode, err) : 0;
    }
    return rc;
}
