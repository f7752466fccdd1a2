// SPDX-License-Identifier: Apache-2.0
/*
 * Where a span does not fit, LeRobot's readers would show other frames than the episode's, or none. A clip
 * that is in the data set already was taken before that was looked at, or before the table was edited: it
 * stays as it is, and is said.
 */
#include "tools/import/lerobot_video.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "index/containers/mp4/mp4.h"
#include "tools/import/ahead.h"
#include "tools/import/known.h"
#include "tools/import/lerobot_span.h"

struct video_file {
    const struct source_object *source; /* NULL: no such file */
    size_t episodes; /* how many have frames in it: what cannot be cut goes whole to one, and never to two */
    size_t last;     /* the last of them, counted from 1 */
    size_t uses;     /* slices still to come: each episode may have a file of its own */
    size_t turn;     /* among the files, by first use */
    bool added;      /* to the change set */
    /* What the scan found, by another thread, ahead of its turn: */
    int scan_rc;
    struct error *why; /* it cannot be cut, or not even read; or NULL */
    struct mp4 *mp4;
    struct buf table; /* `mp4` as the catalog keeps it */
    uint32_t object;
    char *name;
};

struct lerobot_videos {
    const struct lerobot_import *import;
    const struct lerobot_info *info;
    const struct lerobot_episodes *episodes;
    struct strmap *by_path;     /* -> struct video_file */
    struct video_file **files;  /* by episode, then camera; in by_path */
    struct lerobot_span *spans; /* the same */
    struct ahead *ahead;
};

/* ---- which file an episode's frames are in ---- */

static int find_file(struct lerobot_videos *videos, const struct lerobot_episode *episode, size_t camera,
                     struct video_file **ret, struct error *err)
{
    const struct source *source = videos->import->source;
    const struct lerobot_camera_span *span = &episode->cameras[camera];
    struct lerobot_place place = {.chunk = span->chunk,
                                  .file = span->file,
                                  .episode = episode->index,
                                  .video_key = videos->episodes->cameras[camera]};
    CLEANUP_FREE char *path = NULL;
    int rc = lerobot_info_path(videos->info, videos->info->video_path, &place, &path, err);
    if (rc)
        return rc;
    bool is_new;
    struct strmap_entry *entry = strmap_put(videos->by_path, path, strlen(path), &is_new);
    if (is_new) {
        struct video_file *file = MEM_NEW(struct video_file);
        entry->value = (uintptr_t)file;
        file->turn = strmap_count(videos->by_path) - 1;
        file->source = source_find(source, path);
        file->name = source_name(source, path);
        if (file->source)
            videos->import->named[file->source - source->objects] = true;
    }
    *ret = (struct video_file *)entry->value;
    return 0;
}

static int find_files(struct lerobot_videos *videos, struct error *err)
{
    const struct lerobot_episodes *episodes = videos->episodes;
    size_t number = 0;
    for (size_t i = 0; i < episodes->count; i++)
        for (size_t camera = 0; camera < episodes->camera_count; camera++, number++) {
            const struct lerobot_episode *episode = &episodes->episodes[i];
            struct video_file *file = NULL;
            int rc = find_file(videos, episode, camera, &file, err);
            if (rc)
                return rc;
            file->episodes += file->last != i + 1;
            file->last = i + 1;
            file->uses++;
            videos->files[number] = file;
            videos->spans[number] = (struct lerobot_span){.from_s = episode->cameras[camera].from_s,
                                                          .length = episode->flawed ? 0 : episode->length,
                                                          .episode = episode->index,
                                                          .file = file->turn};
        }
    lerobot_span_compare(videos->spans, number, videos->info->fps);
    return 0;
}

static void scan(void *ctx, size_t turn)
{
    const struct lerobot_videos *videos = ctx;
    struct video_file *file = (struct video_file *)strmap_at(videos->by_path, turn)->value;
    if (!file->source)
        return;
    CLEANUP_SOURCE_RECORDING struct source_recording recording;
    struct error why = {0};
    source_recording_init(&recording, videos->import->source, file->source);
    source_recording_remember(&recording, videos->import->drafts->scans);
    file->scan_rc = mp4_scan(&recording.recording, &file->mp4, &why);
    if (file->scan_rc) {
        file->why = mem_copy(&why, sizeof why);
        return;
    }
    source_recording_keep(&recording);
    mp4_table_encode(file->mp4, &file->table);
}

static int look_ahead(struct lerobot_videos *videos, struct error *err)
{
    struct known *known = videos->import->drafts->known;
    size_t count = strmap_count(videos->by_path);
    int rc = ahead_new(count, scan, videos, &videos->ahead, err);
    for (size_t i = 0; known && rc >= 0 && i < count; i++) {
        const struct video_file *file = (struct video_file *)strmap_at(videos->by_path, i)->value;
        struct known_object found;
        rc = file->source ? known_object(known, file->source, &found, err) : 0;
        if (rc == 1)
            ahead_skip(videos->ahead, i);
    }
    return rc < 0 ? rc : 0;
}

int lerobot_videos_new(const struct lerobot_import *import, const struct lerobot_info *info,
                       const struct lerobot_episodes *episodes, struct lerobot_videos **ret,
                       struct error *err)
{
    CLEANUP_LEROBOT_VIDEOS struct lerobot_videos *videos = MEM_NEW(struct lerobot_videos);
    *videos = (struct lerobot_videos){.import = import, .info = info, .episodes = episodes};
    videos->by_path = strmap_new();
    videos->files = mem_zero(episodes->count * episodes->camera_count * sizeof *videos->files);
    videos->spans = mem_zero(episodes->count * episodes->camera_count * sizeof *videos->spans);
    int rc = find_files(videos, err);
    if (!rc)
        rc = look_ahead(videos, err);
    if (rc)
        return rc;
    *ret = STEAL(videos);
    return 0;
}

void lerobot_videos_free(struct lerobot_videos *videos)
{
    if (videos->ahead)
        ahead_free(videos->ahead);
    for (size_t i = 0; i < strmap_count(videos->by_path); i++) {
        struct video_file *file = (struct video_file *)strmap_at(videos->by_path, i)->value;
        if (file->mp4)
            mp4_free(file->mp4);
        buf_done(&file->table);
        free(file->why);
        free(file->name);
        free(file);
    }
    strmap_free(videos->by_path);
    free(videos->files);
    free(videos->spans);
    free(videos);
}

/* ---- cutting ---- */

/* A recording that was scanned before is cut with no read of it: 1, 0 where it is not known, -errno. */
static int take_known(const struct drafts *drafts, struct video_file *file, struct error *err)
{
    CLEANUP_BUF struct buf table = BUF_INIT;
    int rc = drafts->known ? known_recording(drafts->known, file->source, "mp4", &table, err) : 0;
    if (rc < 1)
        return rc;
    rc = mp4_table_decode(file->name, table.data, table.len, &file->mp4, err);
    return rc ? rc : 1;
}

static int take_scanned(const struct lerobot_videos *videos, struct video_file *file, struct error *err)
{
    ahead_take(videos->ahead, file->turn);
    return file->scan_rc && file->scan_rc != -ENOTSUP ? error_copy(err, file->why) : 0;
}

/* It is scanned first: a copy may touch the source, and evidence is what the scan has read. */
static int add(const struct lerobot_videos *videos, struct video_file *file, struct error *err)
{
    struct drafts *drafts = videos->import->drafts;
    int known = take_known(drafts, file, err), rc = known;
    if (!known)
        rc = take_scanned(videos, file, err);
    if (rc >= 0)
        rc = drafts_object(drafts, videos->import->root, file->source, &file->object, err);
    if (rc < 0)
        return rc;
    if (!known && file->mp4)
        changeset_table(drafts->set, file->object, "mp4", file->table.data, file->table.len);
    buf_done(&file->table);
    if (!known)
        progress_item(videos->import->progress, file->source->path);
    file->added = true;
    return 0;
}

struct wanted {
    const struct video_file *file;
    const struct lerobot_episode *episode;
    const struct lerobot_camera_span *span;
    const struct lerobot_span *frames;
    double named; /* frames that the span names */
};

/* Frames behind the last row are no reader's: a span may be too long. */
static int check_span(const struct lerobot_videos *videos, const struct wanted *wanted, struct error *err)
{
    const struct lerobot_camera_span *span = wanted->span;
    long long length = wanted->episode->length;
    if (span->from_s > -1e-3 && span->to_s <= 1e9 && wanted->named > (double)length - 0.5)
        return 0;
    return error_set(
        err, EINVAL,
        "%s: meta/episodes gives episode %lld the span %g s to %g s there, which is not its %lld "
        "frames at %g frames a second",
        wanted->file->name, (long long)wanted->episode->index, span->from_s, span->to_s, length,
        videos->info->fps);
}

/* What cannot be cut goes whole to the only episode that has frames in it. */
static int pass_whole(const struct video_file *file, struct slice *slice, struct error *err)
{
    if (file->episodes > 1)
        return error_copy(err, file->why);
    slice_whole(slice, file->source->pinned.size, file->why->text);
    return 0;
}

static int find_frames(const struct lerobot_videos *videos, const struct wanted *wanted, uint64_t *ret_first,
                       struct error *err)
{
    const struct lerobot_span *frames = wanted->frames;
    int rc = lerobot_span_find(frames, wanted->file->mp4, videos->info->fps, ret_first, err);
    if (!rc && frames->rival >= 0)
        rc = error_set(err, EINVAL, "episodes %lld and %lld both have frames from %.6f s on there",
                       (long long)frames->episode, (long long)frames->rival, frames->from_s);
    return rc ? error_prefix(err, "%s", wanted->file->name) : 0;
}

/* 1 where the data set has the clip with this video; else what is wrong stays in `err`. */
static int keep_known(const struct lerobot_videos *videos, const struct wanted *wanted, struct slice *slice,
                      struct error *err)
{
    struct known *known = videos->import->drafts->known;
    const struct lerobot_episode *episode = wanted->episode;
    struct error why = {0};
    int rc = episode->known ? known_stream(known, episode->known_row, wanted->file->source, slice, &why) : 0;
    if (rc < 0)
        return error_copy(err, &why);
    if (!rc)
        return -err->code;
    notes_add(videos->import->notes, "stays as the data set has it, although it could not be imported today",
              err->text);
    *err = (struct error){0};
    return 1;
}

static int cut(const struct lerobot_videos *videos, const struct wanted *wanted, struct slice *slice,
               struct error *err)
{
    struct mp4_info info;
    const struct video_file *file = wanted->file;
    struct mp4_window window = {.count = (uint64_t)wanted->episode->length};
    int rc = find_frames(videos, wanted, &window.first, err);
    if (rc)
        return keep_known(videos, wanted, slice, err) < 0 ? -err->code : 0;
    mp4_describe(file->mp4, &info);
    bool more = videos->info->video_by_episode && window.first + window.count < info.frames;
    if (wanted->named >= (double)window.count + 0.5 || more)
        notes_add(videos->import->notes, "frames behind the last row of an episode were left out",
                  file->name);
    rc = mp4_slice(file->mp4, &window, slice, err);
    return rc < 0 ? error_prefix(err, "%s: episode %lld", file->name, (long long)wanted->episode->index) : 0;
}

static size_t number_of(const struct lerobot_videos *videos, const struct lerobot_episode *episode,
                        size_t camera)
{
    size_t number = (size_t)(episode - videos->episodes->episodes);
    return number * videos->episodes->camera_count + camera;
}

static struct video_file *file_of(const struct lerobot_videos *videos, const struct lerobot_episode *episode,
                                  size_t camera)
{
    return videos->files[number_of(videos, episode, camera)];
}

const char *lerobot_videos_name(const struct lerobot_videos *videos, const struct lerobot_episode *episode,
                                size_t camera)
{
    return file_of(videos, episode, camera)->name;
}

const struct source_object *lerobot_videos_object(const struct lerobot_videos *videos,
                                                  const struct lerobot_episode *episode, size_t camera)
{
    return file_of(videos, episode, camera)->source;
}

int lerobot_videos_slice(struct lerobot_videos *videos, const struct lerobot_episode *episode, size_t camera,
                         uint32_t *ret_object, struct slice *slice, struct error *err)
{
    const struct lerobot_camera_span *span = &episode->cameras[camera];
    struct video_file *file = file_of(videos, episode, camera);
    if (!file->source) {
        const char *path = strmap_at(videos->by_path, file->turn)->key;
        struct lerobot_absent absent = {path, file->name, "the video", videos->info->video_by_episode,
                                        episode->index};
        return lerobot_info_absent(videos->import->source, &absent, err);
    }
    struct wanted wanted = {.file = file,
                            .episode = episode,
                            .span = span,
                            .frames = &videos->spans[number_of(videos, episode, camera)],
                            .named = (span->to_s - span->from_s) * videos->info->fps};
    int rc = file->added ? 0 : add(videos, file, err);
    if (!rc)
        rc = check_span(videos, &wanted, err);
    if (!rc)
        rc = file->mp4 ? cut(videos, &wanted, slice, err) : pass_whole(file, slice, err);
    if (!rc)
        *ret_object = file->object;
    if (!--file->uses && file->mp4) {
        mp4_free(file->mp4);
        file->mp4 = NULL;
    }
    return rc;
}
