// SPDX-License-Identifier: Apache-2.0
/*
 * A LeRobot data set on a web server, which lists nothing. What is there follows from meta/info.json:
 * numbered files are asked for until one is missing, files of an episode by the episodes that
 * meta/episodes.jsonl names. Whatever else lies there stays unseen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/workers.h"
#include "tools/import/lerobot_info.h"
#include "tools/import/lerobot_lines.h"
#include "tools/import/source.h"

enum { AT_A_TIME = 16, BATCH = 1024, NUMBER_MAX = 1000000 };

struct probe {
    struct store *store;
    char *path;
    struct store_object found;
    int rc;
    struct error err;
};

struct probes {
    struct source *source;
    struct probe list[BATCH];
    size_t count;
};

static void ask(void *ctx)
{
    struct probe *probe = ctx;
    probe->rc = store_head(probe->store, probe->path, &probe->found, &probe->err);
}

static void drop(struct probes *probes)
{
    for (size_t i = 0; i < probes->count; i++)
        free(probes->list[i].path);
    probes->count = 0;
}

/* Asks for all that were added. *ret_found: how many there are before the first that is missing. */
static int run(struct probes *probes, size_t *ret_found, struct error *err)
{
    struct workers *workers;
    int rc = workers_new(AT_A_TIME, &workers, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < probes->count; i++)
        workers_submit(workers, ask, &probes->list[i]);
    workers_free(workers);
    *ret_found = probes->count;
    for (size_t i = 0; i < probes->count; i++) {
        struct probe *probe = &probes->list[i];
        if (!probe->rc)
            source_add(probes->source, STEAL(probe->path), &probe->found);
        else if (probe->rc == -EACCES || probe->rc == -EBADMSG) /* nobody knows whether more would follow */
            source_add_refusal(probes->source, STEAL(probe->path), &probe->err);
        else if (probe->rc != -ENOENT && !rc)
            rc = error_copy(err, &probe->err);
        if (probe->rc && *ret_found > i)
            *ret_found = i;
    }
    drop(probes);
    return rc;
}

/* Takes `path`. */
static int add(struct probes *probes, char *path, struct error *err)
{
    size_t found;
    probes->list[probes->count++] = (struct probe){.store = probes->source->store, .path = path};
    return probes->count == BATCH ? run(probes, &found, err) : 0;
}

/* ---- what a template names ---- */

struct naming {
    struct probes *probes;
    const struct lerobot_info *info;
    const char *template, *video_key;
};

static int path_of(const struct naming *n, struct lerobot_place *place, char **ret, struct error *err)
{
    place->video_key = n->video_key;
    return lerobot_info_path(n->info, n->template, place, ret, err);
}

/* Asks for `step` files of a chunk, from a place on. */
static int name_some(const struct naming *n, struct lerobot_place place, size_t step, size_t *ret_found,
                     struct error *err)
{
    for (size_t i = 0; i < step; i++, place.file++) {
        char *path;
        int rc = path_of(n, &place, &path, err);
        if (!rc)
            rc = add(n->probes, path, err);
        if (rc < 0)
            return rc;
    }
    return run(n->probes, ret_found, err);
}

/* Do two places have different paths? A template may lack one of the numbers. */
static bool differ(const struct naming *n, struct lerobot_place a, struct lerobot_place b)
{
    CLEANUP_FREE char *one = NULL, *other = NULL;
    return !path_of(n, &a, &one, NULL) && !path_of(n, &b, &other, NULL) && strcmp(one, other) != 0;
}

/* Files of one chunk until one is missing: how many. One first: mostly there is no further chunk. */
static int name_chunk(const struct naming *n, int64_t chunk, struct error *err)
{
    size_t files = 0, found = 0, asked;
    bool numbered = differ(n, (struct lerobot_place){.file = 0}, (struct lerobot_place){.file = 1});
    do {
        asked = files ? AT_A_TIME : 1;
        struct lerobot_place place = {.chunk = chunk, .file = (int64_t)files};
        int rc = name_some(n, place, asked, &found, err);
        if (rc < 0)
            return rc;
        files += found;
    } while (numbered && found == asked && files < NUMBER_MAX);
    return (int)files;
}

static int name_chunks(const struct naming *n, struct error *err)
{
    int rc = 1;
    bool numbered = differ(n, (struct lerobot_place){.chunk = 0}, (struct lerobot_place){.chunk = 1});
    for (int64_t chunk = 0; rc > 0 && (numbered || !chunk) && chunk < NUMBER_MAX; chunk++)
        rc = name_chunk(n, chunk, err);
    return rc < 0 ? rc : 0;
}

static int name_episode(void *ctx, const char *place, const struct json *object, struct error *err)
{
    const struct naming *n = ctx;
    const struct json *index = json_get(object, "episode_index");
    int64_t number = index && json_kind(index) == JSON_KIND_INTEGER ? json_as_integer(index) : -1;
    if (number < 0) /* the importer reads the line again, and says so */
        return 0;
    struct lerobot_place at = {.episode = number};
    char *path;
    int rc = path_of(n, &at, &path, err);
    return rc < 0 ? rc : add(n->probes, path, err);
}

/* The importer reads the line again, and says what is wrong. */
static int pass_over(void *ctx, size_t number, const char *line, size_t len, struct error *why)
{
    (void)ctx, (void)number, (void)line, (void)len;
    return why->code == EINVAL || why->code == ENODATA ? 0 : -why->code;
}

static int name_episodes(struct naming *n, struct error *err)
{
    CLEANUP_SOURCE_RECORDING struct source_recording lines = {0};
    const struct source_object *object = source_find(n->probes->source, "meta/episodes.jsonl");
    size_t found;
    if (!object)
        return 0;
    source_recording_init(&lines, n->probes->source, object);
    int rc = lerobot_lines_read(&lines.recording, name_episode, pass_over, n, err);
    return rc < 0 ? rc : run(n->probes, &found, err);
}

static int name_template(struct naming *n, const char *template, bool by_episode, struct error *err)
{
    n->template = template;
    int rc = by_episode ? name_episodes(n, err) : name_chunks(n, err);
    source_sort(n->probes->source);
    return rc;
}

static int name_data(struct probes *probes, const struct lerobot_info *info, struct error *err)
{
    static const char episodes[] = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet";
    struct naming n = {.probes = probes, .info = info};
    int rc = source_find(probes->source, "meta/episodes.jsonl") ? 0 : name_template(&n, episodes, false, err);
    if (!rc)
        rc = name_template(&n, info->data_path, info->data_by_episode, err);
    for (size_t i = 0; !rc && info->video_path && i < info->feature_count; i++) {
        n.video_key = info->features[i];
        if (info->is_video[i])
            rc = name_template(&n, info->video_path, info->video_by_episode, err);
    }
    return rc;
}

static int name_meta(struct probes *probes, struct error *err)
{
    static const char *const names[] = {
        "meta/info.json",   "meta/episodes.jsonl", "meta/episodes_stats.jsonl", "meta/stats.json",
        "meta/tasks.jsonl", "meta/tasks.parquet",  "meta/modality.json",        "README.md"};
    size_t found;
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof names / sizeof *names; i++)
        rc = add(probes, mem_text(names[i]), err);
    if (!rc)
        rc = run(probes, &found, err);
    source_sort(probes->source);
    if (rc < 0 || source_find(probes->source, names[0]))
        return rc;
    const struct error *refused = source_refused(probes->source, names[0]);
    if (refused)
        return error_copy(err, refused);
    return error_set(
        err, ENOENT,
        "%s: a web server does not list its files; imported from one is a LeRobot data set, whose "
        "meta/info.json names them, and that is not there",
        store_url(probes->source->store));
}

int source_name_lerobot(struct source *source, struct error *err)
{
    struct probes *probes = MEM_NEW(struct probes);
    CLEANUP_LEROBOT_INFO struct lerobot_info *info = NULL;
    probes->source = source;
    int rc = name_meta(probes, err);
    if (!rc)
        rc = lerobot_info_read(source, "", &info, err);
    if (!rc)
        rc = name_data(probes, info, err);
    drop(probes);
    free(probes);
    return rc;
}
