// SPDX-License-Identifier: Apache-2.0
/*
 * A folder of any files: each file is a stream, whole.
 *
 *     a.mp4, a.mcap                    directly in the source: one clip a stem
 *         -> a.mp4 a.mcap
 *     run17/front.mp4, run17/log.mcap  a folder: one clip, its files the streams
 *         -> run17.front.mp4 run17.log.mcap
 *     day1/a.mp4, day1/a.mcap          a folder where a stem repeats: one clip a stem
 *         -> day1-a.mp4 day1-a.mcap
 *
 * One thread at a time.
 */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"
#include "tools/import/draft.h"
#include "tools/import/known.h"
#include "tools/import/notes.h"
#include "tools/import/source.h"
#include "tools/progress.h"

struct files_import {
    const struct source *source;
    const bool *taken;      /* by object: belongs to another importer */
    const char *layout;     /* "{key}/{stream}.{ext}", or NULL for the rules above */
    const char *key_prefix; /* not escaped, with its '-', or "" */
    uint32_t root;
    struct known *known; /* what the newest version has, or NULL */
    bool restore;        /* what was removed comes back, so it is to be known what it is */
    bool may_skip;       /* nobody else says anything of a clip: what did not change need not be given */
    struct drafts *drafts;
    struct notes *notes;
    struct progress *progress; /* one step a file, or NULL */
};
int files_import(const struct files_import *import, struct error *err);
