// SPDX-License-Identifier: Apache-2.0
/*
 * Where a set and what others have committed since it was made (index/commit/interim.h) stand in each other's
 * way: where the versions would not end alike in either order.
 *
 *     a set of labels    a value that was changed or taken back, and so the setter's events of a label; an
 *                        attribute that was renamed or dropped, or has got the name of one
 *     an import          what imports set that was changed or taken back; a name that another attribute has
 *                        got; a clip of its own that was added, removed or replaced
 *     a drop, a rename   any value of what is dropped; an attribute that was renamed or dropped
 *     a description      another one
 *
 *
 * A removal is not in the way of labels that were set since: it is of the clip, whatever was said of it, and
 * they come back with it (`import --restore`). Labels of a clip that was removed since are in its way.
 *
 * Two that say the same are in nobody's way. Conflicts are gathered, so that one message shows several; none
 * is found where nothing was committed since. Thread rule: one thread at a time. Private to apply().
 */
#pragma once

#include "index/commit/apply/apply_state.h"

/* The version that changed what the clip has of the attribute; 0: none did. */
uint32_t apply_conflict_cell(const struct apply *apply, const struct apply_clip *place,
                             const struct attribute *attribute);
/* The version that added, removed or replaced the clip, whose files changed in `changed` last; 0: none. */
uint32_t apply_conflict_clip(const struct apply *apply, uint32_t row, uint32_t changed);
void apply_conflict_add_clip(struct apply *apply, const char *key, const char *what, uint32_t version);
/* -EEXIST: the name does not mean the attribute that it meant; or that one has other values. */
int apply_conflict_attribute(const struct apply *apply, const char *name, struct error *err);
/* -EEXIST: to an import, which means an attribute by any name it had, the name meant another one than `is`
 * (NULL: none) when it was made. */
int apply_conflict_former(const struct apply *apply, const char *name, const struct attribute *is,
                          struct error *err);
int apply_conflict_drop(struct apply *apply, const struct attribute *attribute, struct error *err);
/* The same of what is to be changed: 1: it is so already. */
int apply_conflict_change(const struct apply *apply, const struct changeset_op *op, struct error *err);
/* `is`: what the parent says of it. */
int apply_conflict_description(const struct apply *apply, const struct attribute *attribute, const char *is,
                               struct error *err);

/* What a clip has of the setter's events of one label. */
struct apply_events {
    const struct value *label;
    size_t count;
    uint32_t newest; /* version that set one of them */
};
/* Were they others in the base? */
int apply_conflict_events(const struct apply *apply, uint32_t row, const struct apply_events *events,
                          bool *ret_late, struct error *err);
void apply_conflict_add_events(struct apply *apply, const struct apply_clip *place,
                               const struct apply_events *events);
/* -EREMCHG, with both keys: the content of a clip of the set has come under another key. What that means is
 * for who made the set to say. */
int apply_conflict_content(struct apply *apply, const char *key, const uint8_t fingerprint[SHA256_BYTES],
                           struct error *err);
/* -EEXIST if there is any. */
int apply_conflict_check(const struct apply *apply, struct error *err);
