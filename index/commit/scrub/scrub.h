// SPDX-License-Identifier: Apache-2.0
/*
 * scrub(catalog, rows): takes all that a catalog says of the clips in these rows out of it, whether they are
 * live or were removed: names, times, fingerprints, records, labels, events, streams, objects that nothing
 * else reads, and what the index holds of them. The rows stay, dead and without a name that a clip can have,
 * so all that is said of other clips stays as it is, byte for byte where it shares nothing with these.
 *
 * Deterministic: catalogs that are equal in what is scrubbed are so afterwards. What else must not hold what
 * the clips had: the dictionary that records are packed with is made anew where they may be in it. What
 * stays: names of attributes and of who set values, and numbers that say how much there is. Thread rule: one
 * thread at a time.
 */
#pragma once

#include "index/base/rowset.h"
#include "index/pages/overlay.h"

/* What dictionaries (index/FORMAT.md, "Catalog") become, from catalog to catalog of one data set: of one
 * purge, for what one becomes may hold records of clips that another takes out. */
struct scrub_dictionaries;
struct scrub_dictionaries *scrub_dictionaries_new(void);
void scrub_dictionaries_free(struct scrub_dictionaries *dictionaries);
CLEANUP_DEFINE(struct scrub_dictionaries, scrub_dictionaries_free, cleanup_scrub_dictionaries)
#define CLEANUP_SCRUB_DICTIONARIES CLEANUP(cleanup_scrub_dictionaries)

/* A catalog that is older than those that are scrubbed: clips that it lacks are not in its dictionary. */
int scrub_note_dictionary(struct overlay *file, struct scrub_dictionaries *dictionaries, struct error *err);

/* Adds what one catalog's streams in these rows read, by object. */
int scrub_find_objects(struct overlay *file, const struct rowset *rows, struct rowset *objects,
                       struct error *err);

struct scrub_options {
    struct overlay *file;         /* over the version's catalog; holds the result */
    const struct rowset *rows;    /* that go, as far as the catalog has them */
    const struct rowset *objects; /* that clips in these rows read in any version; those that no other row of
                                     this catalog reads go */
    struct scrub_dictionaries *dictionaries; /* catalogs come by version, the oldest first */
    bool unread; /* whatever no row of this catalog reads goes: versions that are gone may have read it for
                    these rows */
};
struct scrub_counts {
    uint64_t rows;    /* that were scrubbed: of clips, live or removed; */
    uint64_t clips;   /* live ones among them */
    uint64_t objects; /* that went */
    uint64_t left;    /* live clips of the result */
};
/* -EUCLEAN: the catalog is damaged. Nothing of it is of use then. */
int scrub(const struct scrub_options *options, struct scrub_counts *ret, struct error *err);
