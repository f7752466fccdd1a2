// SPDX-License-Identifier: Apache-2.0
/*
 * What versions need of the packs: pages, and what leads to them. A version's map lists all packs that its
 * history ever had, most of whose bytes it may not need; so its leaves are looked at. Leaves that versions
 * share are looked at once.
 *
 * Thread rule: one thread at a time. Waits for the store.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "index/dataset/dataset.h"

struct reach;

struct reach *reach_new(struct dataset *dataset); /* borrowed */
void reach_free(struct reach *reach);
CLEANUP_DEFINE(struct reach, reach_free, cleanup_reach)
#define CLEANUP_REACH CLEANUP(cleanup_reach)

/* Starts to fetch what reach_add() will read of this version. */
void reach_want(struct reach *reach, const struct manifest *manifest);
/* What the version needs is needed. */
int reach_add(struct reach *reach, const struct manifest *manifest, struct error *err);

bool reach_has(struct reach *reach, const char *pack_id);
/* The packs that are needed: how many, their bytes, and how many of these are. */
struct reach_counts {
    uint64_t packs, bytes, needed_bytes;
};
struct reach_counts reach_counts(const struct reach *reach);
