// SPDX-License-Identifier: Apache-2.0
/*
 * LeRobot data sets, v2.0 to v3.0: a folder with meta/info.json. Each episode becomes a clip, the same one
 * whichever format it comes from.
 *
 *     meta/info.json -> lerobot_info      path templates, fps, features
 *     meta/episodes, meta/tasks -> lerobot_episodes, lerobot_tasks     from Parquet or JSON lines
 *     data/ -> lerobot_rows      which row groups of a shared file, or which file, are an episode's
 *     videos/ -> lerobot_video   which frames of an MP4 are an episode's
 *
 * Thread rule: one thread at a time.
 */
#pragma once

#include "cache/base/error.h"
#include "tools/import/draft.h"
#include "tools/import/notes.h"
#include "tools/import/source.h"
#include "tools/progress.h"

struct lerobot_import {
    const struct source *source;
    const char *folder;     /* the root's folder relative to the source, "" or "a/b" */
    const char *key_prefix; /* not escaped, with its '-', or "" */
    const char *name;       /* the attribute `source` */
    uint32_t root;          /* the change set's root id of the source */
    struct drafts *drafts;
    struct notes *notes;
    struct progress *progress; /* one step a data or video file, or NULL */
    const bool *open;          /* by object of the source: its writer may still be at it */
    bool *named;               /* by object of the source: set for each file the data set names */
    bool *incomplete;          /* set if it may have more episodes than could be read */
};

/* Is this error of a file's that of one which is still being written? */
bool lerobot_is_unfinished(const struct lerobot_import *import, const struct source_object *object, int code);
/* Adds a clip an episode. What does not add up in one of them is a fault of that clip (draft.h); what does
 * not in all of them is an error. Both name file, place and reason. A file that is open and has no end yet,
 * or is written to meanwhile, is neither: what is in it waits (drafts_wait()). */
int lerobot_import(const struct lerobot_import *import, struct error *err);
