// SPDX-License-Identifier: Apache-2.0
/* meta/episodes/ of LeRobot v3.0: Parquet files, a row an episode. */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"
#include "tools/import/lerobot_episodes.h"

/* Is this file a part of the table? */
bool lerobot_episode_table_is(const char *path);
/* Adds all rows below `folder` (with its '/'), sorted. */
int lerobot_episode_table_read(struct lerobot_episodes *episodes, const struct source *source,
                               const struct lerobot_info *info, const char *folder, struct error *err);
