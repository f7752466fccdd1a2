// SPDX-License-Identifier: Apache-2.0
/*
 * Episodes as LeRobot v2 writes them, an object a line:
 *
 *     meta/episodes.jsonl         {"episode_index": 0, "tasks": ["Put ..."], "length": 117}
 *     meta/episodes_stats.jsonl   {"episode_index": 0, "stats": {"action": {"min": [...], ...}, ...}} (v2.1)
 *
 * Each has files of its own, so nothing is said of where they lie; other scalar members are columns.
 */
#pragma once

#include "cache/base/error.h"
#include "index/containers/recording.h"
#include "tools/import/lerobot_episodes.h"

/* Adds all lines, sorted; those that do not add up are flaws (lerobot_episodes.h). `stats` may be NULL; what
 * it tells of episodes that are not there is passed over. */
int lerobot_episode_lines_read(struct lerobot_episodes *episodes, const struct lerobot_info *info,
                               const struct recording *lines, const struct recording *stats,
                               struct error *err);
