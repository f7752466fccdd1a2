// SPDX-License-Identifier: Apache-2.0
/*
 * What LeRobot's tools that edit a data set leave behind: the new one is called NAME, and the one that was is
 * moved to NAME_old beside it, with times and inodes as they were. One thread; waits.
 */
#pragma once

#include "cache/base/error.h"
#include "cache/store/store.h"
#include "tools/import/known.h"
#include "tools/import/source.h"

struct moved {
    uint32_t root;    /* that the newest version knows the source by */
    char *url;        /* where what it has lies now; the caller frees it */
    uint64_t objects; /* of the newest version that are no longer in the source, and are there */
};
/* Looks for what the source, a local folder, no longer has as the newest version pinned it: 1 and *ret where
 * NAME_old has some of it under exactly its pin, or exactly the one it had when it was read in the source
 * last; 0 where it has nothing, or nothing is missing. */
int moved_find(struct stores *stores, struct known *known, const struct source *source, struct moved *ret,
               struct error *err);
