// SPDX-License-Identifier: Apache-2.0
/*
 * The frame rows of a LeRobot data set: which row groups of which data file are an episode's. The rows
 * decide, not the episode table's file index, which LeRobot's own converter gets wrong at file boundaries.
 * Thread rule: one thread at a time.
 */
#pragma once

#include "cache/base/error.h"
#include "index/containers/slice.h"
#include "tools/import/lerobot.h"
#include "tools/import/lerobot_episodes.h"
#include "tools/import/lerobot_info.h"

struct lerobot_rows;

/* Opens every data file the path template gives and the episode table names, and reads as few index columns
 * as will do. Files of one episode are opened when it is cut, and closed again. */
int lerobot_rows_read(const struct lerobot_import *import, const struct lerobot_info *info,
                      const struct lerobot_episodes *episodes, struct lerobot_rows **ret, struct error *err);
void lerobot_rows_free(struct lerobot_rows *rows);
CLEANUP_DEFINE(struct lerobot_rows, lerobot_rows_free, cleanup_lerobot_rows)
#define CLEANUP_LEROBOT_ROWS CLEANUP(cleanup_lerobot_rows)

/* What messages call the file with an episode's rows, or that should have them; the caller frees it. */
char *lerobot_rows_name(const struct lerobot_rows *rows, const struct lerobot_episode *episode);
/* That file, or NULL where it is missing. */
const struct source_object *lerobot_rows_file(const struct lerobot_rows *rows,
                                              const struct lerobot_episode *episode);
/* The file that the paths of info.json name for its rows, or NULL. */
const struct source_object *lerobot_rows_object(const struct lerobot_rows *rows,
                                                const struct lerobot_episode *episode);

/* Cuts an episode's rows: `slice` and the file they lie in, passed through whole if there are no others.
 * -ENOTSUP with the reason where they are no run of rows in one file, or too many bytes to be copied; -EINVAL
 * where they are missing, damaged or not as many as the episode is long. */
int lerobot_rows_slice(struct lerobot_rows *rows, const struct lerobot_episode *episode,
                       const struct source_object **ret_object, struct slice *slice, struct error *err);
