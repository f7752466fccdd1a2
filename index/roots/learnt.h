// SPDX-License-Identifier: Apache-2.0
/*
 * What this user's reads have learnt of a data set's objects, kept between runs in his state folder, because
 * a mount may not write into the data set and inodes belong to one machine: where an object that was pinned
 * so was found, by which pin, and the hashes of objects that were read whole. JSON Lines, in
 * $XDG_STATE_HOME/elidefs/pins/<data set's UUID> (index/FORMAT.md, "What a reader has learnt").
 *
 * Nothing here fails: without a folder, or with a file that cannot be written or is damaged, things are
 * learnt again. Thread rule: locks itself; no I/O under the lock. Reference counts are atomic.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/store/evidence.h"
#include "cache/store/store.h"

enum { LEARNT_FILE_BYTES_MAX = 256 << 20, LEARNT_OBJECTS_MAX = 200000 };

struct learnt;

/* Reads the file. `uuid`: of the data set. */
struct learnt *learnt_open(const char *uuid);
struct learnt *learnt_ref(struct learnt *learnt);
void learnt_unref(struct learnt *learnt);

/* An object of the catalog; borrowed. */
struct learnt_object {
    uint32_t root;
    const char *path, *was; /* its pin in the catalog */
};
struct learnt_place {
    size_t place; /* the place's URL as learnt_keep() was given it, by its index in `urls` */
    char pin[STORE_PIN_BYTES];
    enum evidence_grounds grounds;
};
/* Where it was found. */
bool learnt_find(struct learnt *learnt, const struct learnt_object *object, char *const *urls, size_t count,
                 struct learnt_place *ret);
/* The hash of all its bytes. */
bool learnt_whole(struct learnt *learnt, const struct learnt_object *object, uint8_t ret[SHA256_BYTES]);
/* It lies at `url`, pinned by `pin` there; `grounds` are counted. May wait. */
void learnt_keep(struct learnt *learnt, const struct learnt_object *object, const char *url, const char *pin,
                 enum evidence_grounds grounds);
/* Only of an object that is still as it was pinned: of one that was excused it would prove nothing. */
void learnt_keep_whole(struct learnt *learnt, const struct learnt_object *object,
                       const uint8_t sha256[SHA256_BYTES]);

/* What was found since it was opened. */
struct learnt_counts {
    uint64_t objects;  /* not as they were pinned: */
    uint64_t sampled;  /* of these: touched, and compared by evidence and samples only */
    char example[128]; /* path of one of those, "" if there is none */
};
void learnt_counts(struct learnt *learnt, struct learnt_counts *ret);
