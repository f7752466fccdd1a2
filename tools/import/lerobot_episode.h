// SPDX-License-Identifier: Apache-2.0
/*
 * One episode of a LeRobot data set, whatever format it was described in. Frames and rows are counts; times
 * are seconds inside a camera's file. Thread rule: one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/hash.h"
#include "index/base/value.h"
#include "tools/import/lerobot_info.h"

struct lerobot_camera_span {
    int64_t chunk, file;
    double from_s, to_s;
};

struct lerobot_scalar { /* a scalar column that becomes an attribute */
    const char *column; /* borrowed from lerobot_episodes */
    struct value value;
    char *text; /* owns value.text */
};

struct lerobot_episode {
    int64_t index, length;
    int64_t data_chunk, data_file;
    char **tasks; /* sorted: LeRobot's order is not stable */
    size_t task_count, task_cap;
    struct lerobot_camera_span *cameras; /* by the number of the video feature */
    struct lerobot_scalar *scalars;
    size_t scalar_count, scalar_cap;
    bool flawed;        /* a line about it is bad: lerobot_episodes.h */
    bool known;         /* the newest version has the episode under its key, with this content: */
    uint32_t known_row; /* that clip */
    bool has_success, success, has_reward;
    bool told_apart; /* by statistics */
    double reward_max;
    struct buf stats; /* one JSON object: every statistic, by name */
    /* of length, tasks and the statistics of what was recorded, videos left out; where there are none, not
     * yet what tells episodes apart */
    uint8_t fingerprint[SHA256_BYTES];
};

void lerobot_episode_done(struct lerobot_episode *episode);

/* These check that the text is a value (UTF-8, no NUL, at most 64 KiB), because nobody has; errors begin with
 * `place` and name the episode. `column` is borrowed. */
int lerobot_episode_task(struct lerobot_episode *episode, const char *place, const struct value *text,
                         struct error *err);
int lerobot_episode_scalar(struct lerobot_episode *episode, const char *place, const char *column,
                           const struct value *value, struct error *err);

/* Is it a column that the importer uses itself, or that only says where things lie? */
bool lerobot_episode_is_plumbing(const char *column);

/* The statistics, when length and tasks are there: begin, add one by one in the order of their names, end.
 * `name`: "stats/FEATURE/min"; `json`: its value. The end frees `identity` and sets the fingerprint. */
struct sha256 *lerobot_stats_begin(struct lerobot_episode *episode);
void lerobot_stats_add(struct lerobot_episode *episode, struct sha256 *identity,
                       const struct lerobot_info *info, const char *name, const char *json);
void lerobot_stats_end(struct lerobot_episode *episode, struct sha256 *identity);
