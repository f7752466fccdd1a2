// SPDX-License-Identifier: Apache-2.0
/*
 * `.as/lerobot/`: the episodes of a path as a LeRobot data set of format v3.0, which LeRobot opens as any
 * other. Source of the format: lerobot/datasets/utils.py and lerobot_dataset.py, 0.4.4 to 0.6.2.
 *
 *     meta/info.json                              features.c    as the source's, of these episodes
 *     meta/tasks.parquet                          tables.c      the tasks that they have
 *     meta/episodes/chunk-000/file-000.parquet    tables.c      1,000 a file; what is said of the clips, too
 *     meta/stats.json                             aggregate.c
 *     meta/modality.json, README.md ...           layout.c      as the source has them
 *     data/chunk-000/file-000.parquet             data.c        about 100 MB a file, rows by range
 *     videos/CAMERA/chunk-000/file-000.mp4        the clip's own file, one an episode
 *
 * `.as/lerobot21/`: the same in format v2.1, with files of their own for each episode.
 *
 *     meta/info.json, stats.json                  as above
 *     meta/tasks.jsonl, episodes.jsonl, episodes_stats.jsonl    lines.c
 *     data/chunk-000/episode_000000.parquet       data.c
 *     videos/chunk-000/CAMERA/episode_000000.mp4  the clip's own file
 */
#pragma once

#include "query/view/view.h"

extern const struct view_kind view_lerobot;      /* quantiles as an envelope: lerobot 0.6.2 */
extern const struct view_kind view_lerobot_mean; /* as means: lerobot 0.4 */
extern const struct view_kind view_lerobot21;    /* as an envelope */
