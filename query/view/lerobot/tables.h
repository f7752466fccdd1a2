// SPDX-License-Identifier: Apache-2.0
/* The tables below meta/ of a LeRobot data set of format v3.0, as Parquet. Any thread. */
#pragma once

#include "query/view/lerobot/set.h"

/* Appends meta/tasks.parquet: a row a task, `task_index` and the text as the pandas index `task`. */
int lerobot_tables_tasks(const struct lerobot_set *set, struct buf *buf, struct error *err);
/* Appends a file of meta/episodes/, LEROBOT_TABLE_EPISODES rows or fewer: where an episode lies, its tasks,
 * its statistics, and what is said of the clip, a column an attribute. */
int lerobot_tables_episodes(struct lerobot_set *set, const struct view_plan *plan, const struct view_ask *ask,
                            uint32_t file, struct buf *buf, struct error *err);
/* Has the table such a column of its own, so that an attribute of that name is none? */
bool lerobot_tables_has(const char *name);
/* The file of data/ that an episode's rows are in. */
uint32_t lerobot_tables_file_of(const struct lerobot_set *set, uint32_t episode);
