// SPDX-License-Identifier: Apache-2.0
/* meta/tasks.parquet, or meta/tasks.jsonl of older sets: the number of each task's text. Immutable
 * afterwards.
 */
#pragma once

#include <stdint.h>

#include "cache/base/error.h"
#include "cache/base/memory.h"
#include "tools/import/lerobot_info.h"
#include "tools/import/source.h"

struct lerobot_tasks;

/* A set without either file has no numbers: that is no error, the episode table has the texts. */
int lerobot_tasks_read(const struct source *source, const struct lerobot_info *info,
                       struct lerobot_tasks **ret, struct error *err);
void lerobot_tasks_free(struct lerobot_tasks *tasks);
CLEANUP_DEFINE(struct lerobot_tasks, lerobot_tasks_free, cleanup_lerobot_tasks)
#define CLEANUP_LEROBOT_TASKS CLEANUP(cleanup_lerobot_tasks)

/* The task_index of a text, the lowest if it has several; -1: it has none. */
int64_t lerobot_tasks_index(const struct lerobot_tasks *tasks, const char *text);
