// SPDX-License-Identifier: Apache-2.0
/*
 * What was purged, as the data set has it now: a series, elidefs/series/purges/catalogs/<seq>, of which each
 * object names a list (purge_list.h) with its hash. The newest counts: it says of all purges there ever were.
 *
 * What was purged must not be seen again: a list that cannot be read is an error, not an empty one. Thread
 * rule: locks itself; no I/O under the lock.
 */
#pragma once

#include "index/base/layout.h"
#include "index/base/series.h"
#include "index/dataset/purge_list.h"

struct purges;

struct purges *purges_new(struct layout *layout); /* borrowed */
void purges_free(struct purges *purges);

/* Reads what is new: what `listing` has, or where that is refused, or NULL, what stands behind what is known;
 * and what the newest manifest (may be NULL) names. 1: there was something new. Waits. */
int purges_load(struct purges *purges, const struct manifest *newest, struct series_listing *listing,
                struct error *err);
/* Has purges_load() read what this manifest names, or something newer? */
bool purges_is_loaded(struct purges *purges, const struct manifest *newest);
/* Is there one that purges_load() has not read? 1, 0. One request. */
int purges_moved(struct purges *purges, struct error *err);
/* How far it goes; seq 0: nothing was purged. */
struct manifest_purge purges_now(struct purges *purges);
/* The list, which lives as long as `purges`; NULL: nothing was purged. */
const struct purge_list *purges_list(struct purges *purges);

/* Makes this the newest list, after `now`. -EAGAIN: somebody else has purged meanwhile; nothing is left.
 * Waits. */
int purges_put(struct purges *purges, const struct manifest_purge *now, const struct purge_list *list,
               struct error *err);
