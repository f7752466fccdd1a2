// SPDX-License-Identifier: Apache-2.0
/*
 * Series of a data set: elidefs/<kind>/<name>/<seq>, objects that are written once each; the one with the
 * highest number counts. Tags and roots are series.
 *
 *     series_list()      which there are, and how far each goes: one listing
 *     series_follow()    what stands at the end of each: one round for all, as a rule
 *
 * Thread rule: any thread.
 */
#pragma once

#include "index/base/layout.h"

enum { SERIES_BYTES_MAX = 192 << 10 }; /* of one object */

struct series {
    char name[LAYOUT_NAME_BYTES];
    uint32_t seq;     /* the newest that is known; 0: none */
    bool expected;    /* there is likely one more: then the one behind it is asked for, too */
    bool moved;       /* by series_follow() */
    struct buf bytes; /* of the newest, where it moved */
};
struct series_list {
    struct series *list;
    size_t count, cap;
};
void series_list_done(struct series_list *series);
#define CLEANUP_SERIES CLEANUP(series_list_done)
struct series *series_add(struct series_list *series, const char *name, uint32_t seq, bool expected);

void series_path(const char *kind, const char *name, uint32_t seq, char ret_path[LAYOUT_PATH_BYTES]);
/* All of a kind, each with the highest number that is listed; objects with other names are passed over.
 * -EACCES or -ENOTSUP where the store does not list, or is away. Waits. */
int series_list(struct layout *layout, const char *kind, struct series_list *ret, struct error *err);
/* Goes on behind `seq` of each to its end, all at once. Waits. */
int series_follow(struct layout *layout, const char *kind, struct series_list *series, struct error *err);

/* A listing that is made while something else is read. */
struct series_listing;
struct series_listing *series_list_begin(struct layout *layout, const char *kind);
int series_list_end(struct series_listing *listing, struct series_list *ret,
                    struct error *err);                /* frees it */
void series_list_drop(struct series_listing *listing); /* waits for its end, too; NULL is fine */
