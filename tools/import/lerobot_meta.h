// SPDX-License-Identifier: Apache-2.0
/*
 * What a LeRobot data set says of itself and of its episodes, and nobody reads here, kept so that it can be
 * laid out again: the small files below meta/ (info.json, modality.json) and README and LICENSE beside it as
 * files of the source; of each episode its extra (tools/FORMAT.md). What is made anew from the episodes
 * (tables of them and of tasks, stats.json) is not among them. Thread rule: one thread at a time.
 */
#pragma once

#include "tools/import/lerobot.h"
#include "tools/import/lerobot_episodes.h"
#include "tools/import/lerobot_info.h"
#include "tools/import/lerobot_tasks.h"

/* Adds the source with its files to the change set. Files that are too large, too many or not finished are
 * left out, and told. */
int lerobot_meta_files(const struct lerobot_import *import, const struct lerobot_info *info,
                       uint32_t *ret_source, struct error *err);
/* The bytes of an episode's extra; takes nothing of it. */
void lerobot_meta_extra(const struct lerobot_episodes *episodes, const struct lerobot_tasks *tasks,
                        const struct lerobot_episode *episode, struct buf *ret);
