// SPDX-License-Identifier: Apache-2.0
/*
 * The episodes of a LeRobot data set, from meta/episodes/ (a table, v3.0) or meta/episodes.jsonl (v2). The
 * importer asks no further which it was. Immutable after it was read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/base/strmap.h"
#include "tools/import/lerobot_episode.h"
#include "tools/import/lerobot_info.h"
#include "tools/import/source.h"

/* Damaged or hostile files may claim any number of episodes; memory for them is taken at once. */
enum { LEROBOT_EPISODES_MAX = 4 * 1000 * 1000, LEROBOT_FLAWS_MAX = 10 * 1000 };

struct lerobot_flaw {                   /* a line that does not add up, or all of a file of the table */
    int64_t index;                      /* of the episode it is about; -1: that is not known */
    const struct source_object *object; /* the file, if all of it is meant; else NULL */
    char *file, *place;
    int code;
    char *why;
};

struct lerobot_episodes {
    char *name;                       /* what messages call the table */
    struct lerobot_episode *episodes; /* sorted by index */
    size_t count, cap;
    char **cameras; /* video features, in the order of info.json */
    size_t camera_count;
    struct lerobot_flaw *flaws; /* what is left out, or is `flawed` */
    size_t flaw_count, flaw_cap;
    bool incomplete;        /* a file of the table is among them */
    struct strmap *columns; /* the scalar columns: names the scalars borrow */
};

/* Texts that are no values (not UTF-8, over 64 KiB) are refused, with file, episode and column. */
int lerobot_episodes_read(const struct source *source, const struct lerobot_info *info,
                          struct lerobot_episodes **ret, struct error *err);
void lerobot_episodes_free(struct lerobot_episodes *episodes);
CLEANUP_DEFINE(struct lerobot_episodes, lerobot_episodes_free, cleanup_lerobot_episodes)
#define CLEANUP_LEROBOT_EPISODES CLEANUP(cleanup_lerobot_episodes)

struct lerobot_episode *lerobot_episodes_find(const struct lerobot_episodes *episodes, int64_t index);

/* ---- for the readers: an empty set, episodes one by one, then in order ---- */

struct lerobot_episodes *lerobot_episodes_new(const struct lerobot_info *info);
/* Empty, its video spans from 0; valid until the next one. NULL: too many. */
struct lerobot_episode *lerobot_episodes_add(struct lerobot_episodes *episodes);
/* Takes the last one back. */
void lerobot_episodes_drop(struct lerobot_episodes *episodes);
/* Notes the flaw that `why` tells of: 0; -errno, with `why` as it is, where there are too many, or it is none
 * of a line. */
int lerobot_episodes_flaw(struct lerobot_episodes *episodes, int64_t index, const char *file,
                          const char *place, struct error *why);
/* All of a file of the table cannot be read: what it holds is not known. */
void lerobot_episodes_flaw_file(struct lerobot_episodes *episodes, const struct source_object *object,
                                const char *file, const struct error *why);
/* A name that scalars may borrow. */
const char *lerobot_episodes_column(struct lerobot_episodes *episodes, const char *name);
/* Sorts. -EINVAL: one twice, or none, though there is no flaw. */
int lerobot_episodes_sort(struct lerobot_episodes *episodes, struct error *err);
