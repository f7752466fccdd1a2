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

#include "index/base/clip.h"
#include "index/catalog/catalog.h"

struct interim;

/* `reader`: of the version that the set was made for; NULL: there was none. It is taken over, whatever comes
 * of it. Waits as the reader does. */
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
                      uint32_t row); /* changed what it has */
/* Either, of any of these rows. */
uint32_t interim_any(const struct interim *interim, uint32_t attribute, const struct rowset *rows);

enum interim_kind { INTERIM_RENAMED, INTERIM_DROPPED, INTERIM_TAKEN };
struct interim_change {
    enum interim_kind kind;
    uint32_t version;
    const char *name; /* its other one, or the same when it was dropped; borrowed */
};
/* What became of the attribute that had this name in the base, or, where none had, of one that came since and
 * had it; false: nothing, or there was none. */
bool interim_attribute(const struct interim *interim, const char *name, struct interim_change *ret);
/* Has one this name that had another in the base? What is new since is in nobody's way. */
bool interim_name_taken(const struct interim *interim, const char *name, struct interim_change *ret);

/* ---- the base; of rows that it does not have, nothing ---- */

int interim_base_print(const struct interim *interim, uint32_t row, uint8_t ret[CLIP_PRINT_BYTES],
                       struct error *err); /* 1, 0 or -errno */
int interim_base_events(const struct interim *interim, uint32_t row, catalog_event_fn *each, void *ctx,
                        struct error *err);
/* As catalog_known_former(). */
int interim_base_former(const struct interim *interim, const char *name, uint32_t *ret_id, struct error *err);
/* Appends what was written about the attribute. */
int interim_base_description(const struct interim *interim, uint32_t attribute, struct buf *buf,
                             struct error *err);
