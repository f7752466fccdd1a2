// SPDX-License-Identifier: Apache-2.0
/*
 * A tree whose entries are numbered: what lies where in a data set, for find and list alike. Names are made
 * from numbers by one function, and found by it, too. Any thread.
 *
 * An id is a place (what it is: a row of the kind's enum) above a number (which one). Places below
 * LEROBOT_FILES are directories; 0 is the root.
 */
#pragma once

#include "query/view/lerobot/set.h"

enum {
    LEROBOT_FILES = 16,
    LEROBOT_EXTRA = 255, /* a place that every kind has: another file of the source */
    LEROBOT_PLACE_SHIFT = 48,
    LEROBOT_CAMERA_SHIFT = 32, /* in a number: the camera above a chunk, where it has both */
};

static inline uint64_t lerobot_id(unsigned place, uint64_t number)
{
    return (uint64_t)place << LEROBOT_PLACE_SHIFT | number;
}
static inline unsigned lerobot_place(uint64_t id)
{
    return (unsigned)(id >> LEROBOT_PLACE_SHIFT);
}
static inline uint64_t lerobot_number(uint64_t id)
{
    return id & ((UINT64_C(1) << LEROBOT_PLACE_SHIFT) - 1);
}

/* An entry under way; its name is in `name`. */
struct lerobot_naming {
    const struct view_plan *plan;
    const struct view_ask *ask;
    struct view_entry entry;
    struct buf name;
};

struct lerobot_layout {
    /* How many entries a directory has; 0: there is no such directory. */
    uint64_t (*count)(const struct lerobot_set *set, uint64_t dir);
    /* The i-th of them, without the size of a derived file. */
    int (*entry)(struct lerobot_naming *n, uint64_t dir, uint64_t i, struct error *err);
    /* Do its names hold their numbers, which begin with *ret_first? */
    bool (*numbered)(uint64_t dir, uint64_t *ret_first);
    /* Of a derived file: rows of the episodes [*ret_first, *ret_end)? */
    bool (*rows)(const struct lerobot_set *set, uint64_t id, uint32_t *ret_first, uint32_t *ret_end);
    /* Else its bytes are appended. */
    int (*print)(const struct view_plan *plan, const struct view_ask *ask, uint64_t id, struct buf *buf,
                 struct error *err);
    /* Is there such a file, and in which slot of set.sizes is its size kept? */
    bool (*slot)(const struct lerobot_set *set, uint64_t id, uint64_t *ret_slot);
    uint64_t (*slots)(const struct lerobot_set *set); /* how many there are */
};

/* find(), list() and open() of a kind whose plan lerobot_plan() made (query/view/view.h). */
int lerobot_find(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, const char *name,
                 struct view_entry *ret, struct error *err);
int lerobot_list(const struct view_plan *plan, const struct view_ask *ask, uint64_t dir, uint64_t cursor,
                 view_entry_fn *each, void *ctx, struct error *err);
int lerobot_open(const struct view_plan *plan, const struct view_ask *ask, uint64_t id,
                 struct extent_map **ret, struct error *err);

/* ---- for the kinds ---- */

uint64_t lerobot_chunks(uint64_t files);                   /* folders of LEROBOT_CHUNK_FILES files */
uint64_t lerobot_files_in(uint64_t files, uint64_t chunk); /* files in one of them */

/* A directory or derived file; the name as printf() makes it. */
void lerobot_name(struct lerobot_naming *n, uint64_t id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The video of an episode: the clip's own file, named before. */
int lerobot_name_video(struct lerobot_naming *n, uint64_t episode, uint64_t camera, struct error *err);

/* The first entries of a directory that has other files of the source, too. */
struct lerobot_fixed {
    const char *name;
    unsigned place;
};
uint64_t lerobot_extras(const struct lerobot_set *set, bool below_meta);
void lerobot_name_fixed(struct lerobot_naming *n, const struct lerobot_fixed *fixed, size_t count,
                        bool below_meta, uint64_t i);

/* What plan() of every kind does. */
int lerobot_plan(const struct view_ask *ask, struct view_plan *plan, const struct lerobot_layout *layout,
                 enum lerobot_quantiles quantiles, struct error *err);
void lerobot_plan_free(struct view_plan *plan);
int lerobot_offered(const struct view_ask *ask, const struct query *query, bool *ret, struct error *err);
