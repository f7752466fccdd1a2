// SPDX-License-Identifier: Apache-2.0
/*
 * Taking clips out of all versions of a data set, as if they had never been in it (index/FORMAT.md,
 * "Purges").
 *
 *     each version's catalog --scrub()--> pages that differ --> packs
 *     all of that --> a list, and the next object of the series that names it: readers use it from here on
 *     a new version, with nothing new but that its manifest names it
 *
 * No version from the first one that had such a clip on reads a page that was stored before: old packs hold
 * what was purged, and nothing needs them. Whoever commits at the same time either comes before the version
 * that ends the purge, which then sees to that one, too, or after it, on what the purge has left. A purge
 * that was cut off goes on with the next commit, or the next purge.
 *
 * Memory does not grow with the data set beyond what is kept of pages, 32 MiB, what SQLite keeps of those it
 * writes, at most 256 MiB, a few bytes a page, and 16 bytes for each clip that one run of an attribute speaks
 * of. A version's pages lie in a temporary file.
 *
 * Thread rule: as in index/dataset/dataset.h.
 */
#pragma once

#include "index/dataset/dataset.h"

struct dataset_purge {
    const char *const *keys; /* of the clips; what else has one of them in any version is meant, too */
    size_t count;
    const char *author, *message; /* NULL: user@host; none */
    bool dry;                     /* only tells what it would do */
};
struct dataset_purged {
    uint32_t version;  /* that ends it; 0: dry */
    uint64_t clips;    /* rows that were scrubbed: of different clips */
    uint64_t versions; /* that had some of them, or came after one that had; the first of these: */
    uint32_t first;
    uint64_t bytes; /* of new packs */
};
/* -ENOENT: no version has a clip with one of these keys. Waits. */
int dataset_purge(struct dataset *dataset, const struct dataset_purge *purge, struct dataset_purged *ret,
                  struct error *err);
/* Ends a purge that was cut off behind its record: 1, with ret->version, or 0: there is none. Waits. */
int dataset_end_purge(struct dataset *dataset, const struct dataset_purge *purge, struct dataset_purged *ret,
                      struct error *err);
/* Versions that others have committed while something was purged, and without it, are seen to: for whoever is
 * about to commit. Waits. */
int purge_catch_up(struct dataset *dataset, struct error *err);
