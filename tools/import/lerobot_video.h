// SPDX-License-Identifier: Apache-2.0
/* The MP4 files of a LeRobot data set: each is scanned once, episodes are cut by frame. One thread at a time.
 */
#pragma once

#include "cache/base/error.h"
#include "index/containers/slice.h"
#include "tools/import/lerobot.h"
#include "tools/import/lerobot_episodes.h"
#include "tools/import/lerobot_info.h"

struct lerobot_videos;

/* Looks up every file that an episode names. The arguments are borrowed. */
int lerobot_videos_new(const struct lerobot_import *import, const struct lerobot_info *info,
                       const struct lerobot_episodes *episodes, struct lerobot_videos **ret,
                       struct error *err);
void lerobot_videos_free(struct lerobot_videos *videos);
CLEANUP_DEFINE(struct lerobot_videos, lerobot_videos_free, cleanup_lerobot_videos)
#define CLEANUP_LEROBOT_VIDEOS CLEANUP(cleanup_lerobot_videos)

/* What messages call the file with the frames of one camera in one episode. */
const char *lerobot_videos_name(const struct lerobot_videos *videos, const struct lerobot_episode *episode,
                                size_t camera);
/* That file, or NULL where it is missing. */
const struct source_object *lerobot_videos_object(const struct lerobot_videos *videos,
                                                  const struct lerobot_episode *episode, size_t camera);
/* The frames of one camera in one episode, to be asked for once; *ret_object is the file's id in the change
 * set. -ENOENT where the file is missing; -EINVAL where the span does not fit the video, or another
 * episode's; -ENOTSUP with the reason where a file that other episodes share cannot be cut. */
int lerobot_videos_slice(struct lerobot_videos *videos, const struct lerobot_episode *episode, size_t camera,
                         uint32_t *ret_object, struct slice *slice, struct error *err);
