// SPDX-License-Identifier: Apache-2.0
/*
 * Tags: names of versions, in elidefs/series/tags/<name>/<seq> (index/FORMAT.md, "Roots and tags"). A store
 * that does not list still has those that the newest manifest lists.
 *
 * Thread rule: locks itself; no I/O under the lock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/base/layout.h"
#include "index/base/manifest.h"
#include "index/base/series.h"

struct tags;

struct tags *tags_new(struct layout *layout); /* borrowed */
void tags_free(struct tags *tags);
CLEANUP_DEFINE(struct tags, tags_free, cleanup_tags)
#define CLEANUP_TAGS CLEANUP(cleanup_tags)

/* Reads what is new: what `listing` has, or where that is refused, or NULL, what stands behind those that are
 * known; and what the newest manifest, which may be NULL, says. Waits. */
int tags_load(struct tags *tags, const struct manifest *newest, struct series_listing *listing,
              struct error *err);
uint32_t tags_find(struct tags *tags, const char *name); /* the version, 0: no such tag */
/* One of the tags that name the version. */
bool tags_name_version(struct tags *tags, uint32_t version, char ret_name[MANIFEST_TAG_BYTES]);
/* One of those that cannot be read: it may name any version, for whom can read it. */
bool tags_name_damaged(struct tags *tags, char ret_name[MANIFEST_TAG_BYTES]);
/* A copy of all of them, by name: the caller frees *ret. How many. */
size_t tags_copy(struct tags *tags, struct manifest_tag **ret);
/* Makes the tag name a version. Fine if it does already; -EEXIST if it names another, unless `move`.
 * -EUCLEAN: one stands there that cannot be read. Waits. */
int tags_put(struct tags *tags, const char *name, uint32_t version, bool move, struct error *err);
/* From now on the tag names nothing; also one that cannot be read. -ENOENT: it does not now. Waits. */
int tags_remove(struct tags *tags, const char *name, struct error *err);
