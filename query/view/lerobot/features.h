// SPDX-License-Identifier: Apache-2.0
/*
 * meta/info.json of a LeRobot data set, as its source keeps it: read, compared with another's, and written
 * again for some of its episodes. Immutable after it was read; any thread.
 */
#pragma once

#include "cache/base/json.h"
#include "query/view/lerobot/aggregate.h"

struct lerobot_features {
    struct json *json; /* all of it */
    const struct json *features;
    double fps;
    const char *robot_type; /* may be NULL */
};

/* `name` is what messages call it. -EUCLEAN: it is none. */
int lerobot_features_read(const char *name, const struct buf *text, struct lerobot_features *ret,
                          struct error *err);
void lerobot_features_done(struct lerobot_features *features);

bool lerobot_features_is_video(const struct lerobot_features *features, const char *feature);
/* What its statistics are written as; NONE: there is no such feature. */
enum lerobot_numbers lerobot_features_numbers(const struct lerobot_features *features, const char *feature);

/* Is a feature left out of the view? */
typedef bool lerobot_hides_fn(void *ctx, const char *feature);
struct lerobot_hiding {
    lerobot_hides_fn *hides;
    void *ctx;
};
/* Have both the same features, in what rows and frames depend on? Else *ret_feature is one that differs,
 * borrowed of either. */
bool lerobot_features_equal(const struct lerobot_features *a, const struct lerobot_features *b,
                            const struct lerobot_hiding *hiding, const char **ret_feature);

struct lerobot_totals {
    const char *version; /* "v3.0" */
    bool by_episode;     /* v2.1: each has files of its own */
    uint64_t episodes, frames, tasks, videos;
    const char *data_path, *video_path;
};
/* Appends info.json: what is not said here stays as it was. */
void lerobot_features_print(const struct lerobot_features *features, const struct lerobot_totals *totals,
                            const struct lerobot_hiding *hiding, struct buf *buf);
