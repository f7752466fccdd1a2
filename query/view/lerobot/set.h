// SPDX-License-Identifier: Apache-2.0
/*
 * The clips of a path as the episodes of one LeRobot data set: what depends on all of them, and is asked of
 * the catalog once. Episode i is the i-th clip of the path. Immutable after it was made, but for `known`,
 * which locks itself; any thread.
 */
#pragma once

#include <pthread.h>

#include "query/view/lerobot/features.h"
#include "query/view/view.h"

struct lerobot_layout;

enum {
    LEROBOT_SOURCES_MAX = 1000,     /* data sets in one view */
    LEROBOT_EXTRA_BYTES = 16 << 20, /* of what is kept of an episode; real ones are some KB */
    LEROBOT_CHUNK_FILES = 1000,     /* files a folder: their numbers must sort as texts do */
    LEROBOT_TABLE_EPISODES = 1000,  /* rows of a file of meta/episodes/ */
    LEROBOT_DATA_EPISODES = 10000,  /* at most in a file of data/ */
    LEROBOT_DATA_BYTES = 100 << 20, /* about that many in it */
};

struct lerobot_episode {
    uint32_t row, length;            /* of frames */
    uint64_t first_frame;            /* frames of the episodes before */
    uint32_t first_task, task_count; /* of `task_refs` */
    uint32_t rows_stream;            /* its rows' */
};
struct lerobot_task_ref {
    int64_t number; /* what its rows call it, or -1 */
    uint32_t task;  /* what they call it here: of `tasks` */
};
struct lerobot_source {
    uint32_t id;
    struct lerobot_features features;
};
struct lerobot_extra { /* another file of the first source */
    char *name;        /* "meta/modality.json" */
    uint64_t size;
};
/* A statistic that every episode has, equally deep: a column of the episode table. */
struct lerobot_stat_column {
    char *feature, *stat;
    unsigned depth;
};
struct lerobot_known { /* found out when it is asked for first, all of it or nothing: */
    struct buf stats;  /* meta/stats.json */
    struct lerobot_stat_column *columns;
    size_t column_count, column_cap;
    struct strmap *by_name; /* "FEATURE/STAT" -> its number in `columns` */
};

struct lerobot_set {
    enum lerobot_quantiles quantiles;
    struct lerobot_source *sources; /* in the order of their first episodes */
    size_t source_count, source_cap;
    char **cameras; /* features, as the first source has them */
    size_t camera_count, camera_cap;
    struct lerobot_episode *episodes;
    size_t count, cap;
    uint32_t *camera_streams; /* [episode * camera_count + camera] */
    size_t camera_streams_cap;
    struct lerobot_task_ref *task_refs;
    size_t task_ref_count, task_ref_cap;
    struct strmap *tasks; /* in the order in which episodes have them first */
    size_t text_bytes;    /* memory of what was read besides: tasks, features, names of files */
    uint64_t frames;
    uint32_t *files; /* the first episode of each file of data/, and behind them `count` */
    size_t file_count, file_cap;
    struct lerobot_extra *extras;
    size_t extra_count, extra_cap;

    pthread_mutex_t lock; /* guards the pointer; what it points at never changes */
    struct lerobot_known *known;
    const struct lerobot_layout *layout; /* which tree it is shown as */
    atomic_ullong *sizes;                /* of derived files, by slots of their layout; 0: not known yet */
};

int lerobot_set_make(const struct view_ask *ask, struct view_plan *plan, enum lerobot_quantiles quantiles,
                     struct lerobot_set **ret, struct error *err);
void lerobot_set_free(struct lerobot_set *set);
CLEANUP_DEFINE(struct lerobot_set, lerobot_set_free, cleanup_lerobot_set)
#define CLEANUP_LEROBOT_SET CLEANUP(cleanup_lerobot_set)
size_t lerobot_set_bytes(const struct lerobot_set *set);

/* Is the feature a camera that the path does not show? */
bool lerobot_set_hides(void *set, const char *feature);
/* What its statistics are written as; NONE: it is not in the view. */
enum lerobot_numbers lerobot_set_numbers(void *set, const char *feature);

/* What is kept of an episode, in `extra`, which is emptied before. -EFBIG: more than LEROBOT_EXTRA_BYTES. */
int lerobot_set_extra(const struct view_ask *ask, uint32_t row, struct buf *extra, struct error *err);
/* Appends stats.json. */
int lerobot_set_print_stats(struct lerobot_set *set, const struct view_plan *plan, const struct view_ask *ask,
                            struct buf *buf, struct error *err);
/* What all episodes' statistics tell, borrowed from the set. Reads each of them, the first time. */
int lerobot_set_known(struct lerobot_set *set, const struct view_plan *plan, const struct view_ask *ask,
                      const struct lerobot_known **ret, struct error *err);
