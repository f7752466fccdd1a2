// SPDX-License-Identifier: Apache-2.0
/*
 * The writing half of a change set for sources: what those that are imported as a whole say of themselves, in
 * files of their own, and which clip is of which. Thread rule: that of changeset.h.
 */
#pragma once

#include "index/base/source_file.h"
#include "index/commit/changeset.h"

/* Begins a source: a folder ("a/b", "": all) below a root. The files that follow are all it has from this
 * version on. Before the first clip. -EINVAL: no path below a root; -EEXIST: the set has it already. */
int changeset_source_begin(struct changeset *set, uint32_t root, const char *folder, uint32_t *ret_source,
                           struct error *err);
/* Is there room for one more file of this name and size in the source under way? Files come in the order of
 * their names. -EINVAL: no name of a file (source_file_name_is()), or not behind the one before; -EFBIG,
 * -E2BIG: too long, too many. */
int changeset_source_check(const struct changeset *set, const char *name, size_t len, struct error *err);
/* The same, and it is added. */
int changeset_source_file(struct changeset *set, const char *name, const void *bytes, size_t len,
                          struct error *err);
/* The clip under way is of this source. At most once a clip. */
void changeset_of_source(struct changeset *set, uint32_t source);
