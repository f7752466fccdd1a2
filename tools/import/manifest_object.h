// SPDX-License-Identifier: Apache-2.0
/*
 * The objects a manifest names: where they lie, each once, pinned. Every place outside the manifest's own
 * folder is a root of its own, so that a data set reads from it only where its reader trusts that root:
 *
 *     below the manifest's folder          that folder
 *     another bucket, or part of it        s3://bucket, https://host
 *     another local folder                 the deepest folder that holds all such files, but never "/"
 *
 * Links and ".." are resolved before it is decided; web addresses, relative ones too, are escaped (%20). A
 * manifest in a bucket cannot name local files. Thread rule: one thread at a time; several inside
 * manifest_objects_pin().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/store/store.h"
#include "tools/import/draft.h"
#include "tools/import/notes.h"
#include "tools/import/source.h"

struct manifest_object {
    struct source_object *object; /* in source->objects */
    const struct source *source;
    uint32_t id;       /* in the change set */
    struct error *why; /* it could not be pinned: `object` and `source` may be NULL; or NULL */
};

struct manifest_objects;

/* `file`: the manifest, a path or URL. */
int manifest_objects_new(struct stores *stores, const char *file, struct manifest_objects **ret,
                         struct error *err);
void manifest_objects_free(struct manifest_objects *objects);
CLEANUP_DEFINE(struct manifest_objects, manifest_objects_free, cleanup_manifest_objects)
#define CLEANUP_MANIFEST_OBJECTS CLEANUP(cleanup_manifest_objects)

/* Of objects that another part pins nothing is asked, nor of those that parts have pinned. Both may be NULL.
 */
void manifest_objects_share(struct manifest_objects *objects, const struct import_part *part,
                            struct scan_cache *scans);

/* Takes note of a URL: absolute, a local path, or relative to the manifest's folder. *ret: its number, the
 * same for the same object. -EINVAL, -EACCES. */
int manifest_objects_add(struct manifest_objects *objects, const char *url, size_t *ret, struct error *err);
/* Once all are noted: gives each its root, and pins it, or says why not. */
int manifest_objects_pin(struct manifest_objects *objects, struct notes *notes, struct error *err);
/* The URL of the root that all of them lie below; NULL: there are several. */
const char *manifest_objects_root(const struct manifest_objects *objects);
/* Each root, as a source of the objects below it. */
typedef int manifest_source_fn(void *ctx, struct source *source, struct error *err);
int manifest_objects_each_root(struct manifest_objects *objects, manifest_source_fn *each, void *ctx,
                               struct error *err);
/* Gives them ids in the change set. */
int manifest_objects_enter(struct manifest_objects *objects, struct drafts *drafts, struct error *err);

size_t manifest_objects_count(const struct manifest_objects *objects);
/* After they were entered. */
const struct manifest_object *manifest_objects_at(const struct manifest_objects *objects, size_t i);
/* "video.mp4": the last part of its URL. */
const char *manifest_objects_name(const struct manifest_objects *objects, size_t i);
