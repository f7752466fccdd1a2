// SPDX-License-Identifier: Apache-2.0
/*
 * What others have committed since a change set was made, as far as one can be in the other's way: which
 * clips came or went, of which an attribute was changed, which attributes are not what they were. Of each
 * version is read only what it says of itself (its own runs: index/FORMAT.md), so it costs what they changed.
 *
 * A change set is in nobody's way where both orders would end alike; where they would not, it is for apply()
 * to say so (index/commit/apply/apply_conflict.h). Thread rule: one thread at a time.
 */
#pragma once

#include "index/catalog/catalog.h"

struct interim;

/* `reader`: of the version that the set was made for; NULL: there was none. Waits as the reader does. */
int interim_new(struct catalog_reader *reader, struct interim **ret, struct error *err);
void interim_free(struct interim *interim);
CLEANUP_DEFINE(struct interim, interim_free, cleanup_interim)
#define CLEANUP_INTERIM CLEANUP(cleanup_interim)
/* The next version. */
int interim_take(struct interim *interim, struct catalog_reader *reader, struct error *err);

uint32_t interim_base(const struct interim *interim);    /* the version that the set was made for */
uint32_t interim_version(const struct interim *interim); /* the last one that was taken */
uint32_t interim_rows(const struct interim *interim);    /* of the base: later ones are new */

/* The last version that did so, or 0. */
uint32_t interim_clip(const struct interim *interim,
                      uint32_t row); /* added or removed the clip in this row */
uint32_t interim_cell(const struct interim *interim, uint32_t attribute,
                      uint32_t row);                                       /* changed what it has */
uint32_t interim_cells(const struct interim *interim, uint32_t attribute); /* of any clip */

enum interim_kind { INTERIM_RENAMED, INTERIM_DROPPED, INTERIM_RETYPED };
struct interim_change {
    enum interim_kind kind;
    uint32_t version;
    const char *name; /* it has in that version, or had when it was dropped; borrowed */
};
/* What became of the attribute that had this name in the base; false: nothing, or there was none. */
bool interim_attribute(const struct interim *interim, const char *name, struct interim_change *ret);
