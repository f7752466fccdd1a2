// SPDX-License-Identifier: Apache-2.0
/*
 * What LeRobot said of an episode, as its clip's extra keeps it (tools/FORMAT.md):
 *
 *     {"episode_index":7,"length":117,"tasks":[[0,"Put ..."]],"videos":["observation.images.top"],
 *      "stats/action/min":[...], ...}
 *
 * Bytes of a catalog are hostile: what is not of this form is -EUCLEAN. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

enum { LEROBOT_TASKS_MAX = 10000, LEROBOT_CAMERAS_MAX = 1000, LEROBOT_TENSOR_DEPTH_MAX = 3 };

struct lerobot_task {
    int64_t number; /* what rows call it; -1: its data set gave it none */
    const char *text;
    size_t len;
};
struct lerobot_said {
    int64_t episode_index, length;
    struct lerobot_task *tasks;
    size_t task_count, task_cap;
    const char **videos; /* features, in the order of the clip's streams */
    size_t video_count, video_cap;
};
/* All but the statistics. Texts lie in `extra`, which is written into. */
int lerobot_said_read(struct buf *extra, struct lerobot_said *ret, struct error *err);
void lerobot_said_done(struct lerobot_said *said);
#define CLEANUP_LEROBOT_SAID CLEANUP(lerobot_said_done)

/* A number, or numbers in lists of one length each. */
struct lerobot_tensor {
    unsigned depth; /* of lists */
    uint32_t dims[LEROBOT_TENSOR_DEPTH_MAX];
    double *values;
    size_t count, cap; /* of them: what dims say */
    bool is_bool;      /* they are true (1) and false (0) */
};
/* What numbers are written as. */
enum lerobot_numbers {
    LEROBOT_NUMBERS_NONE, /* they are not wanted */
    LEROBOT_NUMBERS_BOOL,
    LEROBOT_NUMBERS_INTEGER,
    LEROBOT_NUMBERS_REAL,
};
/* Appends it as Python writes it as JSON. */
void lerobot_tensor_print(struct buf *buf, const struct lerobot_tensor *tensor, enum lerobot_numbers numbers);

/* Calls `each` for every statistic, in the order of the text: of feature "action" "min". One that is no such
 * tensor (a null, lists of different lengths) comes with NULL. Texts and values are borrowed for the call;
 * `extra` is written into. Non-zero from `each` ends it with that. */
typedef int lerobot_stat_fn(void *ctx, const char *feature, const char *stat,
                            const struct lerobot_tensor *tensor, struct error *err);
int lerobot_said_stats(struct buf *extra, lerobot_stat_fn *each, void *ctx, struct error *err);
