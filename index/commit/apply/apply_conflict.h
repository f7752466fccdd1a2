// SPDX-License-Identifier: Apache-2.0
/*
 * Where a set and what others have committed since it was made (index/commit/interim.h) stand in each other's
 * way: where the versions would not end alike in either order.
 *
 *     a set of labels    a value that was changed or taken back; an attribute that was renamed or dropped
 *     an import          the same of what imports set; a clip of its own that was added, removed or replaced
 *     a drop             any value of the attribute
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
/* -EEXIST: the attribute that labels are set of has not the name, or values, that it had. */
int apply_conflict_attribute(const struct apply *apply, const char *name, struct error *err);
int apply_conflict_drop(const struct apply *apply, const struct attribute *attribute, struct error *err);
/* -EAGAIN, with both keys: the content of a clip of the set has come under another key. What that means is
 * for who made the set to say. */
int apply_conflict_content(struct apply *apply, const char *key, const uint8_t fingerprint[SHA256_BYTES],
                           struct error *err);
/* -EEXIST if there is any. */
int apply_conflict_check(const struct apply *apply, struct error *err);
