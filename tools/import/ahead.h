// SPDX-License-Identifier: Apache-2.0
/*
 * Items that are needed one after another, each of which takes a while to fetch: several threads work on
 * those that come next.
 *
 *     needed:   | 0 1 2 | 3 | 4 5 6 7 8 | 9 ...
 *                taken  now  under way    not begun
 *
 * Thread rule: one thread calls these; `run` is called by others, for different items at once, and never
 * again for one that was taken.
 */
#pragma once

#include <stddef.h>

#include "cache/base/error.h"
#include "cache/base/memory.h"

struct ahead;
typedef void ahead_fn(void *ctx, size_t i);

/* `count` items; nothing is begun before the first is taken. */
int ahead_new(size_t count, ahead_fn *run, void *ctx, struct ahead **ret, struct error *err);
/* Waits for what is under way. */
void ahead_free(struct ahead *ahead);
CLEANUP_DEFINE(struct ahead, ahead_free, cleanup_ahead)
#define CLEANUP_AHEAD CLEANUP(cleanup_ahead)

/* This one is begun when it is taken and not before: it may never be. */
void ahead_skip(struct ahead *ahead, size_t i);

/* Waits until run(ctx, i) has been called, and sees to it that the items behind it are. Best taken in
 * order; each may be taken again. */
void ahead_take(struct ahead *ahead, size_t i);
