// SPDX-License-Identifier: Apache-2.0
/* The files below meta/ of a LeRobot data set of format v2.1, an object of JSON a line. Any thread. */
#pragma once

#include "query/view/lerobot/set.h"

/* Append meta/tasks.jsonl; meta/episodes.jsonl, with what is said of the clips; meta/episodes_stats.jsonl. */
void lerobot_lines_tasks(const struct lerobot_set *set, struct buf *buf);
int lerobot_lines_episodes(const struct lerobot_set *set, const struct view_plan *plan,
                           const struct view_ask *ask, struct buf *buf, struct error *err);
int lerobot_lines_stats(struct lerobot_set *set, const struct view_plan *plan, const struct view_ask *ask,
                        struct buf *buf, struct error *err);
