// SPDX-License-Identifier: Apache-2.0
/* One clip an episode: its attributes from the tables, its streams cut out of the shared files. */
#include "tools/import/lerobot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index/base/name.h"
#include "tools/import/lerobot_episodes.h"
#include "tools/import/lerobot_info.h"
#include "tools/import/lerobot_meta.h"
#include "tools/import/lerobot_rows.h"
#include "tools/import/lerobot_tasks.h"
#include "tools/import/lerobot_video.h"
#include "tools/import/stream_name.h"

struct building {
    const struct lerobot_import *import;
    struct lerobot_info *info;
    struct lerobot_tasks *tasks;
    struct lerobot_episodes *episodes;
    struct lerobot_rows *rows;
    struct lerobot_videos *videos;
    char **camera_names; /* stream names, escaped, by camera */
    char *origin;        /* of the attributes, for messages */
    size_t first_clip;   /* of its drafts */
    uint32_t source;     /* the change set's number of the data set as a source of clips */
};

/* Cameras lose a literal prefix, never a computed one; what would hide the clip's own files is renamed. */
static char *camera_stream_name(struct stream_names *given, const char *feature)
{
    const char *wanted = stream_names_find(given, feature);
    if (wanted)
        return mem_text(wanted);
    static const char *const prefixes[] = {"observation.images.", "observation."};
    const char *name = feature;
    for (size_t i = 0; i < 2 && name == feature; i++)
        if (!strncmp(feature, prefixes[i], strlen(prefixes[i])) && feature[strlen(prefixes[i])])
            name = feature + strlen(prefixes[i]);
    if (!strcmp(name, "json") || !strcmp(name, "state"))
        return mem_printf("cam-%s", name);
    CLEANUP_BUF struct buf escaped = BUF_INIT;
    name_escape(&escaped, name, strlen(name));
    return (char *)buf_steal(&escaped);
}

static int set_attribute(const struct building *b, struct draft *clip, const char *column,
                         const struct value *value, struct error *err)
{
    size_t attribute;
    int rc = drafts_attribute(b->import->drafts, column, b->origin, &attribute, err);
    return rc ? rc : draft_value(b->import->drafts, clip, attribute, value, err);
}

static struct value text_value(const char *text)
{
    return (struct value){.type = VALUE_TEXT, .text = text, .len = strlen(text)};
}

static int set_tasks(const struct building *b, struct draft *clip, const struct lerobot_episode *episode,
                     struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < episode->task_count; i++) {
        struct value text = text_value(episode->tasks[i]);
        rc = set_attribute(b, clip, "task", &text, err);
        int64_t number = lerobot_tasks_index(b->tasks, episode->tasks[i]);
        if (!rc && number >= 0)
            rc = set_attribute(b, clip, "task_index", &(struct value){.type = VALUE_INT, .integer = number},
                               err);
    }
    return rc;
}

static int set_own(const struct building *b, struct draft *clip, const struct lerobot_episode *episode,
                   struct error *err)
{
    double duration_ns = (double)episode->length / b->info->fps * 1e9;
    if (duration_ns > 9e18)
        return error_set(err, ERANGE, "%s: %lld frames at %g a second are longer than can be said",
                         clip->source, (long long)episode->length, b->info->fps);
    int64_t duration = (int64_t)llround(duration_ns);
    struct value name = text_value(b->import->name);
    int rc =
        set_attribute(b, clip, "length", &(struct value){.type = VALUE_INT, .integer = episode->length}, err);
    if (!rc)
        rc = set_attribute(b, clip, "duration", &(struct value){.type = VALUE_DURATION, .integer = duration},
                           err);
    if (!rc)
        rc = set_attribute(b, clip, "fps", &(struct value){.type = VALUE_FLOAT, .real = b->info->fps}, err);
    if (!rc)
        rc = set_attribute(b, clip, "source", &name, err);
    if (!rc && b->info->robot_type) {
        struct value robot = text_value(b->info->robot_type);
        rc = set_attribute(b, clip, "robot_type", &robot, err);
    }
    if (!rc && episode->has_success)
        rc = set_attribute(b, clip, "success",
                           &(struct value){.type = VALUE_BOOL, .boolean = episode->success}, err);
    if (!rc && episode->has_reward && isfinite(episode->reward_max))
        rc = set_attribute(b, clip, "reward_max",
                           &(struct value){.type = VALUE_FLOAT, .real = episode->reward_max + 0.0}, err);
    return rc;
}

static int set_scalars(const struct building *b, struct draft *clip, const struct lerobot_episode *episode,
                       struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < episode->scalar_count; i++)
        rc = set_attribute(b, clip, episode->scalars[i].column, &episode->scalars[i].value, err);
    return rc;
}

static void note_left_out(const struct building *b, const struct draft *clip, const char *stream,
                          const char *reason)
{
    CLEANUP_FREE char *example = mem_printf("%s.%s", clip->key, stream);
    CLEANUP_FREE char *text = mem_printf("left out, because %s", reason);
    notes_add(b->import->notes, text, example);
}

static int add_state(const struct building *b, struct draft *clip, const struct lerobot_episode *episode,
                     struct error *err)
{
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    const struct source_object *object = NULL;
    struct error why = {0};
    int rc = lerobot_rows_slice(b->rows, episode, &object, &slice, &why);
    if (rc == -ENOTSUP) {
        note_left_out(b, clip, "state.parquet", why.text);
        return 0;
    }
    if (rc)
        return error_copy(err, &why);
    struct draft_stream stream = {.name = "state", .ext = "parquet", .container = "parquet"};
    rc = drafts_object(b->import->drafts, b->import->root, object, &stream.object, err);
    return rc ? rc : draft_stream(b->import->drafts, clip, &stream, &slice, err);
}

static int add_camera(const struct building *b, struct draft *clip, const struct lerobot_episode *episode,
                      size_t camera, struct error *err)
{
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    struct draft_stream stream = {.name = b->camera_names[camera], .ext = "mp4", .container = "mp4"};
    stream.renamed = stream_names_find(b->import->drafts->stream_names, b->episodes->cameras[camera]) != NULL;
    int rc = lerobot_videos_slice(b->videos, episode, camera, &stream.object, &slice, err);
    return rc ? rc : draft_stream(b->import->drafts, clip, &stream, &slice, err);
}

static int find_known(const struct building *b, const struct draft *clip, struct lerobot_episode *episode,
                      struct error *err)
{
    struct known *known = b->import->drafts->known;
    struct catalog_known was;
    int rc = known ? known_clip(known, clip->key, &was, err) : 0;
    episode->known = rc == 1 && catalog_known_has(&was, clip->fingerprint);
    if (episode->known)
        episode->known_row = was.row;
    return rc < 0 ? rc : 0;
}

/* Its end is missing, or it was written to between the listing and now. */
bool lerobot_is_unfinished(const struct lerobot_import *import, const struct source_object *object, int code)
{
    return object && import->open[object - import->source->objects] && (code == ENODATA || code == ESTALE);
}

/* Hands over what is wrong with an episode, unless nothing is. */
static int settle(const struct building *b, struct draft *clip, const char *file, int rc, struct error *err)
{
    if (!rc)
        return 0;
    CLEANUP_FREE char *place =
        clip ? mem_printf("episode %lld", (long long)clip->episode_index) : mem_text("");
    return drafts_fault(b->import->drafts, clip, *file ? file : b->episodes->name, place, err);
}

/* The same of one of its files, NULL where that is missing. */
static int settle_file(const struct building *b, struct draft *clip, const struct source_object *object,
                       const char *name, struct error *err)
{
    if (!lerobot_is_unfinished(b->import, object, err->code))
        return settle(b, clip, name, -err->code, err);
    drafts_wait(b->import->drafts, clip, name);
    *err = (struct error){0};
    return 0;
}

/* Each part is looked at, whatever is wrong with the others. */
static int add_parts(const struct building *b, struct draft *clip, const struct lerobot_episode *episode,
                     struct error *err)
{
    int rc = settle(b, clip, "", set_own(b, clip, episode, err), err);
    if (!rc)
        rc = settle(b, clip, "", set_tasks(b, clip, episode, err), err);
    if (!rc)
        rc = settle(b, clip, "", set_scalars(b, clip, episode, err), err);
    for (size_t camera = 0; !rc && camera < b->episodes->camera_count; camera++) {
        if (add_camera(b, clip, episode, camera, err))
            rc = settle_file(b, clip, lerobot_videos_object(b->videos, episode, camera),
                             lerobot_videos_name(b->videos, episode, camera), err);
    }
    if (rc || !add_state(b, clip, episode, err))
        return rc;
    CLEANUP_FREE char *file = lerobot_rows_name(b->rows, episode);
    return settle_file(b, clip, lerobot_rows_file(b->rows, episode), file, err);
}

/*
 * Without statistics, episodes of one length and task would all be the same content: labels would move
 * between them, and a new one could pass for one that was removed. Then it is a file that tells them apart:
 * of the first camera, which re-indexing only renames, else of the rows; where several share it, the number,
 * too.
 */
static void identify_by_file(const struct building *b, const struct lerobot_episode *episode,
                             struct draft *clip)
{
    bool video = b->episodes->camera_count && b->info->video_by_episode;
    const struct source_object *object =
        video ? lerobot_videos_object(b->videos, episode, 0) : lerobot_rows_object(b->rows, episode);
    bool shared = !video && !b->info->data_by_episode;
    CLEANUP_FREE char *place = mem_printf("%llu %lld", object ? (unsigned long long)object->pinned.size : 0,
                                          shared || !object ? (long long)episode->index : -1);
    struct sha256 *identity = sha256_new();
    char pin[STORE_PIN_BYTES] = "";
    if (object)
        store_pin_renamed(object->pinned.pin, pin);
    sha256_add(identity, episode->fingerprint, sizeof episode->fingerprint);
    sha256_add_text(identity, pin);
    sha256_add_text(identity, place);
    sha256_finish(identity, clip->fingerprint);
}

static int add_clip(const struct building *b, int64_t index, struct draft **ret, struct error *err)
{
    CLEANUP_FREE char *raw = mem_printf("%sep%06lld", b->import->key_prefix, (long long)index);
    CLEANUP_BUF struct buf key = BUF_INIT;
    name_escape(&key, raw, strlen(raw));
    CLEANUP_FREE char *source = mem_printf("%s, episode %lld", b->origin, (long long)index);
    int rc = drafts_clip(b->import->drafts, buf_text(&key), source, ret, err);
    if (!rc)
        (*ret)->episode_index = index;
    return rc;
}

/* A bad line costs the clip that it is about, or one that nobody can name. The last line may have no end yet.
 */
static int add_flaw(const struct building *b, const struct lerobot_flaw *flaw, struct error *err)
{
    struct drafts *drafts = b->import->drafts;
    struct draft *clip = NULL;
    bool waits =
        flaw->object ? lerobot_is_unfinished(b->import, flaw->object, flaw->code) : flaw->code == ENODATA;
    for (size_t i = drafts->count; !clip && flaw->index >= 0 && i-- > b->first_clip;)
        clip = drafts->clips[i].episode_index == flaw->index ? &drafts->clips[i] : NULL;
    int rc = clip || flaw->index < 0 ? 0 : add_clip(b, flaw->index, &clip, err);
    if (rc)
        return drafts_fault(drafts, clip, flaw->file, flaw->place, err);
    if (waits) {
        drafts_wait(drafts, clip, flaw->file);
        return 0;
    }
    error_set(err, flaw->code, "%s", flaw->why);
    return drafts_fault(drafts, clip, flaw->file, flaw->place, err);
}

static int add_episode(const struct building *b, struct lerobot_episode *episode, struct error *err)
{
    struct draft *clip = NULL;
    if (episode->flawed)
        return 0;
    int rc = add_clip(b, episode->index, &clip, err);
    if (rc)
        return settle(b, NULL, "", rc, err);
    memcpy(clip->fingerprint, episode->fingerprint, sizeof clip->fingerprint);
    if (!episode->told_apart)
        identify_by_file(b, episode, clip);
    clip->source_number = b->source;
    clip->has_source = true;
    lerobot_meta_extra(b->episodes, b->tasks, episode, &clip->extra);
    buf_done(&episode->stats);
    rc = find_known(b, clip, episode, err);
    return rc ? rc : add_parts(b, clip, episode, err);
}

/* Two columns that become one attribute would silently mix. `columns`: attribute -> the column it comes from,
 * NULL: the importer's own. */
static int check_column(const struct building *b, struct strmap *columns, const char *column,
                        struct error *err)
{
    CLEANUP_BUF struct buf name = BUF_INIT;
    int rc = name_attribute(&name, column, strlen(column), err);
    if (rc)
        return error_prefix(err, "%s: column '%s'", b->episodes->name, column);
    bool is_new;
    struct strmap_entry *entry = strmap_put(columns, buf_text(&name), name.len, &is_new);
    if (!is_new && entry->value)
        return error_set(err, EEXIST, "%s: the columns '%s' and '%s' would both become the attribute '%s'",
                         b->episodes->name, (const char *)entry->value, column, entry->key);
    if (!is_new)
        return error_set(err, EEXIST,
                         "%s: the column '%s' would become the attribute '%s', which every "
                         "LeRobot import has from elsewhere",
                         b->episodes->name, column, entry->key);
    entry->value = (uintptr_t)column;
    return 0;
}

static int check_columns(const struct building *b, struct error *err)
{
    bool success = false, reward = false;
    for (size_t i = 0; i < b->episodes->count; i++) {
        success |= b->episodes->episodes[i].has_success;
        reward |= b->episodes->episodes[i].has_reward;
    }
    const char *const own[] = {"task",
                               "task_index",
                               "length",
                               "duration",
                               "fps",
                               "source",
                               b->info->robot_type ? "robot_type" : NULL,
                               success ? "success" : NULL,
                               reward ? "reward_max" : NULL};
    CLEANUP_STRMAP struct strmap *columns = strmap_new();
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i])
            strmap_put(columns, own[i], strlen(own[i]), NULL);
    int rc = 0;
    for (size_t i = 0; !rc && i < strmap_count(b->episodes->columns); i++)
        rc = check_column(b, columns, strmap_at(b->episodes->columns, i)->key, err);
    return rc;
}

static int name_cameras(struct building *b, struct error *err)
{
    const struct lerobot_episodes *episodes = b->episodes;
    CLEANUP_STRMAP struct strmap *names = strmap_new();
    b->camera_names = mem_zero(episodes->camera_count * sizeof *b->camera_names);
    for (size_t i = 0; i < episodes->camera_count; i++) {
        bool is_new;
        b->camera_names[i] = camera_stream_name(b->import->drafts->stream_names, episodes->cameras[i]);
        struct strmap_entry *entry =
            strmap_put(names, b->camera_names[i], strlen(b->camera_names[i]), &is_new);
        if (!is_new)
            return error_set(err, EEXIST, "%s: the videos of '%s' and '%s' would both be called '%s'",
                             b->info->name, episodes->cameras[entry->value], episodes->cameras[i],
                             b->camera_names[i]);
        entry->value = i;
    }
    return 0;
}

/* What a table said that was not copied is missed by nothing else. While a robot records, info.json may be
 * ahead. */
static void note_fewer(const struct building *b)
{
    size_t count = b->episodes->count + b->episodes->flaw_count;
    if (b->episodes->incomplete) /* which is told */
        return;
    if (b->info->total_episodes <= 0 || (uint64_t)b->info->total_episodes <= count)
        return;
    CLEANUP_FREE char *example =
        mem_printf("%s has %zu of %lld", b->episodes->name, count, (long long)b->info->total_episodes);
    notes_add(b->import->notes, "fewer episodes than meta/info.json says (is all of it copied?)", example);
}

static void note_newer(const struct building *b)
{
    if (!b->info->newer)
        return;
    CLEANUP_FREE char *example = mem_printf("%s says %s", b->info->name, b->info->newer);
    notes_add(b->import->notes, "a format newer than LeRobot v3, read as if it were v3", example);
}

static int build(struct building *b, struct error *err)
{
    const struct lerobot_import *import = b->import;
    int rc = lerobot_info_read(import->source, import->folder, &b->info, err);
    if (!rc) {
        note_newer(b);
        rc = lerobot_tasks_read(import->source, b->info, &b->tasks, err);
    }
    if (!rc)
        rc = lerobot_episodes_read(import->source, b->info, &b->episodes, err);
    if (!rc)
        rc = check_columns(b, err);
    if (!rc)
        rc = name_cameras(b, err);
    if (!rc)
        rc = lerobot_rows_read(import, b->info, b->episodes, &b->rows, err);
    if (!rc)
        rc = lerobot_videos_new(import, b->info, b->episodes, &b->videos, err);
    if (!rc)
        rc = lerobot_meta_files(import, b->info, &b->source, err);
    if (!rc)
        note_fewer(b);
    if (!rc && b->episodes->incomplete)
        *import->incomplete = true;
    b->first_clip = import->drafts->count;
    for (size_t i = 0; !rc && i < b->episodes->flaw_count; i++)
        rc = add_flaw(b, &b->episodes->flaws[i], err);
    for (size_t i = 0; !rc && i < b->episodes->count; i++)
        rc = add_episode(b, &b->episodes->episodes[i], err);
    return rc;
}

static void building_done(struct building *b)
{
    for (size_t i = 0; b->camera_names && i < b->episodes->camera_count; i++)
        free(b->camera_names[i]);
    free(b->camera_names);
    if (b->videos)
        lerobot_videos_free(b->videos);
    if (b->rows)
        lerobot_rows_free(b->rows);
    if (b->episodes)
        lerobot_episodes_free(b->episodes);
    if (b->tasks)
        lerobot_tasks_free(b->tasks);
    if (b->info)
        lerobot_info_free(b->info);
    free(b->origin);
}

int lerobot_import(const struct lerobot_import *import, struct error *err)
{
    struct building b = {.import = import};
    b.origin = *import->folder ? source_name(import->source, import->folder)
                               : mem_text(store_url(import->source->store));
    int rc = build(&b, err);
    building_done(&b);
    return rc;
}
