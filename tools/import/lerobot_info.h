// SPDX-License-Identifier: Apache-2.0
/*
 * meta/info.json of a LeRobot data set, v2.0 to v3.0. The path templates tell where things lie; the version
 * it names decides nothing, because it is wrong in sets that were converted by hand. Immutable after it was
 * read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "tools/import/source.h"

struct lerobot_info {
    char *name;                             /* what messages call info.json */
    char *folder;                           /* of the root, relative to the source; "" or "a/b/" */
    char *data_path, *video_path;           /* Python format strings; video_path may be NULL */
    bool data_by_episode, video_by_episode; /* the template has {episode_index}: a file an episode */
    int64_t chunks_size;                    /* episodes a folder, for {episode_chunk} */
    int64_t total_episodes;                 /* 0: it does not say */
    char *robot_type;                       /* may be NULL */
    char *newer;                            /* the version it names, where that is above v3; else NULL */
    double fps;
    struct buf text; /* all of it */
    char **features; /* names of all features ... */
    bool *is_video;  /* ... and which are videos */
    size_t feature_count;
};

int lerobot_info_read(const struct source *source, const char *folder, struct lerobot_info **ret,
                      struct error *err);
/* The same from the text of info.json; `folder` is "" or "a/b", `name` is what messages call it. */
int lerobot_info_parse(const char *name, const char *folder, const void *text, size_t len,
                       struct lerobot_info **ret, struct error *err);
void lerobot_info_free(struct lerobot_info *info);
CLEANUP_DEFINE(struct lerobot_info, lerobot_info_free, cleanup_lerobot_info)
#define CLEANUP_LEROBOT_INFO CLEANUP(cleanup_lerobot_info)

/* Why a file is not in the source's listing: it was refused, or is missing (-ENOENT), though `what` ("the
 * rows", "the video") of the episode should be in it. Of a file that several share the sentence is the same
 * for all, and so is told once. `path` is the source's, `file` what messages call it. */
struct lerobot_absent {
    const char *path, *file, *what;
    bool by_episode;
    int64_t episode;
};
int lerobot_info_absent(const struct source *source, const struct lerobot_absent *absent, struct error *err);

bool lerobot_info_is_video(const struct lerobot_info *info, const char *feature, size_t len);

/* What a template's fields stand for. */
struct lerobot_place {
    int64_t chunk, file;
    int64_t episode;
    const char *video_key; /* NULL in data_path */
};
/* The path relative to the source. -EINVAL for a template that is malformed, names an unknown field, or
 * leaves the data set. */
int lerobot_info_path(const struct lerobot_info *info, const char *template,
                      const struct lerobot_place *place, char **ret_path, struct error *err);
