// SPDX-License-Identifier: Apache-2.0
/*
 * The spans in the episode table are running sums of float durations, off by their rounding: the frame is the
 * nearest one. What must hold exactly is the number of frames.
 */
#include "tools/import/lerobot_video.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "index/mp4/mp4.h"

struct video_file {
    struct mp4 *mp4; /* NULL: cannot be cut, for `reason` */
    char reason[SLICE_REASON_BYTES];
    uint32_t object;
    uint64_t size;
    char *name;
};

struct lerobot_videos {
    const struct lerobot_import *import;
    const struct lerobot_info *info;
    const struct lerobot_episodes *episodes;
    struct strmap *by_path; /* -> struct video_file */
};

struct lerobot_videos *lerobot_videos_new(const struct lerobot_import *import,
                                          const struct lerobot_info *info,
                                          const struct lerobot_episodes *episodes)
{
    struct lerobot_videos *videos = MEM_NEW(struct lerobot_videos);
    *videos = (struct lerobot_videos){
        .import = import, .info = info, .episodes = episodes, .by_path = strmap_new()};
    return videos;
}

static void file_free(struct video_file *file)
{
    if (file->mp4)
        mp4_free(file->mp4);
    free(file->name);
    free(file);
}
CLEANUP_DEFINE(struct video_file, file_free, cleanup_file)

void lerobot_videos_free(struct lerobot_videos *videos)
{
    for (size_t i = 0; i < strmap_count(videos->by_path); i++)
        if (strmap_at(videos->by_path, i)->value)
            file_free((struct video_file *)strmap_at(videos->by_path, i)->value);
    strmap_free(videos->by_path);
    free(videos);
}

static void add_table(struct lerobot_videos *videos, const struct video_file *file)
{
    CLEANUP_BUF struct buf table = BUF_INIT;
    mp4_table_encode(file->mp4, &table);
    changeset_table(videos->import->drafts->set, file->object, "mp4", table.data, table.len);
}

static int scan(struct lerobot_videos *videos, const struct source_object *object, struct video_file **ret,
                struct error *err)
{
    __attribute__((cleanup(cleanup_file))) struct video_file *file = MEM_NEW(struct video_file);
    CLEANUP_SOURCE_RECORDING struct source_recording recording;
    source_recording_init(&recording, videos->import->source, object);
    file->name = mem_text(recording.name);
    file->size = object->pinned.size;
    int rc = changeset_object(videos->import->drafts->set, videos->import->root, object->path,
                              object->pinned.size, object->pinned.pin, &file->object, err);
    if (rc)
        return rc;
    struct error why = {0};
    rc = mp4_scan(&recording.recording, &file->mp4, &why);
    if (rc == -ENOTSUP)
        memcpy(file->reason, why.text, sizeof file->reason - 1);
    else if (rc)
        return error_copy(err, &why);
    else
        add_table(videos, file);
    *ret = STEAL(file);
    return 0;
}

static int find_file(struct lerobot_videos *videos, const struct lerobot_episode *episode, size_t camera,
                     struct video_file **ret, struct error *err)
{
    const struct lerobot_camera_span *span = &episode->cameras[camera];
    struct lerobot_place place = {
        .chunk = span->chunk, .file = span->file, .video_key = videos->episodes->cameras[camera]};
    CLEANUP_FREE char *path = NULL;
    int rc = lerobot_info_path(videos->info, videos->info->video_path, &place, &path, err);
    if (rc)
        return rc;
    struct strmap_entry *entry = strmap_find(videos->by_path, path, strlen(path));
    if (entry) {
        *ret = (struct video_file *)entry->value;
        return 0;
    }
    const struct source_object *object = source_find(videos->import->source, path);
    if (!object) {
        CLEANUP_FREE char *name = source_name(videos->import->source, path);
        return error_set(err, ENOENT, "%s: no such file, but meta/episodes names it for episode %lld", name,
                         (long long)episode->index);
    }
    rc = scan(videos, object, ret, err);
    if (!rc)
        strmap_put(videos->by_path, path, strlen(path), NULL)->value = (uintptr_t)*ret;
    return rc;
}

static bool is_shared(const struct lerobot_videos *videos, const struct lerobot_episode *episode,
                      size_t camera)
{
    size_t sharing = 0;
    for (size_t i = 0; i < videos->episodes->count; i++) {
        const struct lerobot_camera_span *span = &videos->episodes->episodes[i].cameras[camera];
        sharing +=
            span->chunk == episode->cameras[camera].chunk && span->file == episode->cameras[camera].file;
    }
    return sharing > 1;
}

static int check_span(const struct lerobot_videos *videos, const struct lerobot_episode *episode,
                      const struct lerobot_camera_span *span, const struct video_file *file,
                      struct error *err)
{
    double frames = (span->to_s - span->from_s) * videos->info->fps;
    if (!(span->from_s > -1e-3) || !isfinite(frames) || span->to_s > 1e9 ||
        fabs(frames - (double)episode->length) >= 0.5)
        return error_set(
            err, EINVAL,
            "%s: meta/episodes gives episode %lld the span %g s to %g s there, which is not its %lld "
            "frames at %g frames a second",
            file->name, (long long)episode->index, span->from_s, span->to_s, (long long)episode->length,
            videos->info->fps);
    return 0;
}

int lerobot_videos_slice(struct lerobot_videos *videos, const struct lerobot_episode *episode, size_t camera,
                         uint32_t *ret_object, struct slice *slice, struct error *err)
{
    const struct lerobot_camera_span *span = &episode->cameras[camera];
    struct video_file *file = NULL;
    int rc = find_file(videos, episode, camera, &file, err);
    if (!rc)
        rc = check_span(videos, episode, span, file, err);
    if (rc)
        return rc;
    *ret_object = file->object;
    if (!file->mp4) {
        if (is_shared(videos, episode, camera))
            return error_set(err, ENOTSUP, "%s", file->reason);
        slice_whole(slice, file->size, file->reason);
        return 0;
    }
    struct mp4_info info;
    mp4_describe(file->mp4, &info);
    double nearest_s = span->from_s - 0.5 / videos->info->fps;
    uint64_t first = mp4_frame_at(file->mp4, (int64_t)llround(nearest_s * 1e9));
    uint64_t count = (uint64_t)episode->length, end = first + count;
    if (first > info.frames || count > info.frames - first)
        return error_set(err, EINVAL,
                         "%s: episode %lld is frames %llu to %llu there, but the video has %llu frames",
                         file->name, (long long)episode->index, (unsigned long long)first,
                         (unsigned long long)end, (unsigned long long)info.frames);
    rc = mp4_slice(file->mp4, first, count, MP4_SNAP_EXACT, slice, err);
    return rc < 0 ? error_prefix(err, "%s: episode %lld", file->name, (long long)episode->index) : 0;
}
