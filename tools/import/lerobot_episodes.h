// SPDX-License-Identifier: Apache-2.0
/*
 * meta/episodes of a LeRobot v3.0 data set: one `struct lerobot_episode` a row. Immutable
 * afterwards. Frames and rows are counts; times are seconds inside a camera's file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/hash.h"
#include "cache/base/strmap.h"
#include "index/value.h"
#include "tools/import/lerobot_info.h"
#include "tools/import/source.h"

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
    char **tasks;
    size_t task_count;
    struct lerobot_camera_span *cameras; /* by the number of the video feature */
    struct lerobot_scalar *scalars;
    size_t scalar_count, scalar_cap;
    bool has_success, success, has_reward;
    double reward_max;
    struct buf stats; /* one JSON object: every stats/ column of the row, by name */
    /* of length, tasks and the statistics of what was recorded, videos left out */
    uint8_t fingerprint[SHA256_BYTES];
};

struct lerobot_episodes {
    struct lerobot_episode *episodes; /* sorted by index */
    size_t count, cap;
    char **cameras; /* video features, in the order of info.json */
    size_t camera_count;
    struct strmap *columns; /* the scalar columns: names the scalars borrow */
};

/* Texts that are no values (not UTF-8, over 64 KiB) are refused, with file, episode and column. */
int lerobot_episodes_read(const struct source *source, const struct lerobot_info *info,
                          struct lerobot_episodes **ret, struct error *err);
void lerobot_episodes_free(struct lerobot_episodes *episodes);
CLEANUP_DEFINE(struct lerobot_episodes, lerobot_episodes_free, cleanup_lerobot_episodes)
#define CLEANUP_LEROBOT_EPISODES CLEANUP(cleanup_lerobot_episodes)

struct lerobot_episode *lerobot_episodes_find(const struct lerobot_episodes *episodes, int64_t index);
