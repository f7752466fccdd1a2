// SPDX-License-Identifier: Apache-2.0
/*
 * Which versions are forgotten, in elidefs/series/forgotten/<first>/<seq> (index/FORMAT.md, "Forgotten
 * versions"): a series for each 1,024 versions, whose last object holds all of them that are. So a mount
 * learns it with the listing of a prefix, or without one from what the newest manifest says, and no manifest
 * need be there.
 *
 * Thread rule: locks itself; no I/O under the lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/base/layout.h"
#include "index/base/manifest.h"
#include "index/base/series.h"

enum { FORGOTTEN_BLOCK = 1024, FORGOTTEN_MESSAGE_MAX = 1000 };

struct forgotten;

struct forgotten *forgotten_new(struct layout *layout); /* borrowed */
void forgotten_free(struct forgotten *forgotten);

/* Reads what is new, by a listing. Where that is refused, or NULL, of the versions that there are by
 * `newest`, which may be NULL: none. Waits. */
int forgotten_load(struct forgotten *forgotten, const struct manifest *newest, struct series_listing *listing,
                   struct error *err);
/* What is new since then: as a rule one GET, of what is not there. Waits. */
int forgotten_look(struct forgotten *forgotten, const struct manifest *newest, struct error *err);
/* Has it been loaded so that nothing `newest` says is news? */
bool forgotten_is_loaded(struct forgotten *forgotten, const struct manifest *newest);

/* Who forgot a version, when and why; texts are the caller's. */
struct forgetting {
    uint32_t first, last; /* the versions that were forgotten with it, in one row */
    int64_t time_ns;
    char *author, *message;
};
void forgetting_done(struct forgetting *forgetting);
#define CLEANUP_FORGETTING CLEANUP(forgetting_done)
bool forgotten_find(struct forgotten *forgotten, uint32_t version, struct forgetting *ret); /* as loaded */

/* The versions from `first` to `last` of `what` are forgotten from now on, but for those that are. -E2BIG:
 * there is no room for more of such messages. Waits. */
int forgotten_put(struct forgotten *forgotten, const struct forgetting *what, struct error *err);
/* How far the series go: a copy, the caller's to free. How many. */
size_t forgotten_series(struct forgotten *forgotten, struct manifest_forgets **ret);
