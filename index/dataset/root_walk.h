// SPDX-License-Identifier: Apache-2.0
/*
 * Every object of a root that any version names, each once. Object numbers are never given twice in a data
 * set, so one that several versions have is the same in all of them. Waits; any thread.
 */
#pragma once

#include "index/dataset/dataset_state.h"

struct root_walked {
    const struct catalog_object *object;
    const struct dataset_object *read; /* the same, to be read */
    bool newest;                       /* no newer version has another object of this path */
};
/* Newest version first. Non-zero from `each` ends the walk with it. */
typedef int root_walk_fn(void *ctx, const struct root_walked *walked, struct error *err);
int root_walk(struct dataset *dataset, uint32_t root, root_walk_fn *each, void *ctx, struct error *err);
