// SPDX-License-Identifier: Apache-2.0
/*
 * --stream A=B: streams get other names than the source gives them. A is the name as the mount would show it,
 * as the source spells it, or the feature of a LeRobot camera ("observation.images.top", though its stream is
 * called "top"). One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/error.h"
#include "cache/base/memory.h"

struct stream_names;

/* -EINVAL: no A=B; -EEXIST: two for one A. */
int stream_names_new(const char *const *specs, size_t count, struct stream_names **ret, struct error *err);
void stream_names_free(struct stream_names *names);
CLEANUP_DEFINE(struct stream_names, stream_names_free, cleanup_stream_names)
#define CLEANUP_STREAM_NAMES CLEANUP(cleanup_stream_names)

/* What a source's `name` is to be called, escaped, or NULL: as it is. `names` may be NULL. An importer that
 * asks for a name of its own marks the stream as renamed (draft_stream.renamed). */
const char *stream_names_find(struct stream_names *names, const char *name);

/* Renames the streams of all clips that their importer did not. -EEXIST: two of a clip would be one file;
 * -ENOENT: nothing has the name A. */
struct drafts;
int stream_names_apply(struct stream_names *names, struct drafts *drafts, struct error *err);
