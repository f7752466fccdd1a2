// SPDX-License-Identifier: Apache-2.0
/*
 * Series of a data set: elidefs/series/<kind>/<name>/<seq>, objects that are written once each; the one with
 * the highest number counts. They say what is not of one version, and lie side by side, so that one listing
 * says how far all of them go, of all kinds.
 *
 *     series_listing_begin()  how far each goes: one listing
 *     series_follow()         what stands at the end of each: one round for all, as a rule
 *
 * A listing is of the moment: of what it names the last object is read, and no further one asked for. Without
 * one a series is followed from where it is known on until there is no more.
 *
 * Thread rule: any thread.
 */
#pragma once

#include "cache/base/hash.h"
#include "index/base/layout.h"

enum { SERIES_BYTES_MAX = 192 << 10 }; /* of one object */

enum series_kind { SERIES_TAGS, SERIES_ROOTS, SERIES_FORGOTTEN, SERIES_PURGES, SERIES_KINDS };

struct series {
    char name[LAYOUT_NAME_BYTES];
    uint32_t seq;               /* the newest that is known; 0: none */
    bool expected;              /* there is likely one more: then the one behind it is asked for, too */
    bool listed;                /* there is one more, the last */
    bool moved;                 /* by series_follow() */
    bool noted;                 /* it was not read for that, but before */
    struct buf bytes;           /* of the newest, where it moved */
    char pin[SHA256_HEX_BYTES]; /* listed: a hash of that object's pin */
};
struct series_list {
    struct series *list;
    size_t count, cap;
};
void series_list_done(struct series_list *series);
#define CLEANUP_SERIES CLEANUP(series_list_done)
struct series *series_add(struct series_list *series, const char *name, uint32_t seq, bool expected);
/* The last object of a series as a listing has it. */
struct series *series_add_listed(struct series_list *series, const struct series *listed);

void series_path(enum series_kind kind, const char *name, uint32_t seq, char ret_path[LAYOUT_PATH_BYTES]);
/* Goes on behind `seq` of each to its end, all at once. Waits. */
int series_follow(struct layout *layout, enum series_kind kind, struct series_list *series,
                  struct error *err);

/* One listing of all series, made while something else is read; many may wait for it. */
struct series_listing;
struct series_listing *series_listing_begin(struct layout *layout);
/* Those of a kind that are listed, each with its highest number; objects with other names are passed over.
 * Borrowed. -EACCES or -ENOTSUP where the store does not list, or is away, or `listing` is NULL. Waits. */
int series_listed(struct series_listing *listing, enum series_kind kind, const struct series_list **ret,
                  struct error *err);
void series_listing_free(struct series_listing *listing); /* waits for its end, too; NULL is fine */
