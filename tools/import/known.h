// SPDX-License-Identifier: Apache-2.0
/*
 * What the newest version knows of a source: which of its objects it has under the same pin, so that no byte
 * of them need be read again, and which clips came from it. A source is the place an import was given: the
 * root of its objects, or of the copies that were made of them (tools/import/copy.h).
 *
 * Everything is "unknown" where there is no version yet. Thread rule: one thread at a time; may wait.
 */
#pragma once

#include "index/catalog/catalog_known.h"
#include "index/containers/slice.h"
#include "index/dataset/dataset.h"
#include "tools/import/source.h"

struct known;

int known_open(struct dataset *dataset, const char *source_url, struct known **ret, struct error *err);
/* Clips of this root came from the source, too: a manifest names several. */
int known_add_root(struct known *known, const char *url, struct error *err);
/* As if all that came from this source had come from `source_url`. -ENOENT: nothing of the data set did. */
int known_take_over(struct known *known, const char *url, struct error *err);
void known_free(struct known *known);
CLEANUP_DEFINE(struct known, known_free, cleanup_known)
#define CLEANUP_KNOWN CLEANUP(cleanup_known)

uint32_t known_version(const struct known *known);    /* the newest when it was opened; 0: none */
const char *known_own_url(const struct known *known); /* of the data set */
/* NULL where there is no version yet. */
struct catalog_reader *known_reader(struct known *known);
struct dataset *known_dataset(const struct known *known);
uint32_t known_root(const struct known *known); /* of the source's objects; 0: the data set knows none */

/* ---- objects ---- */

struct known_object {
    uint32_t id;
    bool copy;                  /* a copy in the data set's own folder: */
    bool made;                  /* by this import: the data set does not know it, and it has no id */
    char path[64];              /* below that folder */
    struct store_object pinned; /* of the copy */
};
/* Is this object known, with this pin, where it lies or as a copy? 1, 0 or -errno. */
int known_object(struct known *known, const struct source_object *object, struct known_object *ret,
                 struct error *err);
/* The same of where it lies alone, whether there is a copy of it or not. */
int known_in_source(struct known *known, const struct source_object *object, uint32_t *ret,
                    struct error *err);
/* Is the object as it is now, which the data set knows pinned by `was`, the very file of its copy? So is a
 * source that was copied with --copy=link. 1, 0 or -errno. */
int known_is_link(struct known *known, const struct source_object *object, const struct store_object *was,
                  struct error *err);
/* Every object of the source's root at this path, whatever pins it; as catalog_known_objects(). */
int known_objects(struct known *known, const char *path, catalog_object_fn *each, void *ctx,
                  struct error *err);
/* What a known object is pinned by, with its evidence. */
int known_pinned(struct known *known, uint32_t id, struct store_object *ret, struct error *err);
/* Appends the index of a known recording: 1, 0 or -errno. */
int known_recording(struct known *known, const struct source_object *object, const char *container,
                    struct buf *buf, struct error *err);
/* What tells sources apart in the paths of copies: elidefs/data/DIGITS/... */
enum { KNOWN_SOURCE_DIGITS = 16 };
void known_source_digits(const char *url, char ret[KNOWN_SOURCE_DIGITS + 1]);
/* The digits of a copy's source, which `path` goes on with; NULL: it is no copy. */
const char *known_copy_source(const char *path);
/* Where copies of a source's objects lie, below the data set's folder: the same bytes have the same path. */
void known_copy_path(const struct known *known, const struct source_object *object, char ret[64]);

/* ---- clips ---- */

/* The type of the attribute that an import means by this name; 0: there is none. */
int known_attribute(struct known *known, const char *name, enum value_type *ret, struct error *err);

/* The live clip of this key: 1, 0 or -errno. */
int known_clip(struct known *known, const char *key, struct catalog_known *ret, struct error *err);
/* The clip of this key that was removed: 1, 0 or -errno. */
int known_removed(struct known *known, const char *key, struct catalog_known *ret, struct error *err);
/* The stream of the clip in `row` that is cut out of this object, if the object is known under this pin: 1
 * with the slice, 0 or -errno. */
int known_stream(struct known *known, uint32_t row, const struct source_object *object, struct slice *slice,
                 struct error *err);
/* Did the clip in `row` come from this source? A clip without recordings came from anywhere. 1, 0 or -errno.
 */
int known_is_ours(struct known *known, uint32_t row, struct error *err);
/* Appends the URL of the source that the clip in `row` came from. */
int known_source(struct known *known, uint32_t row, struct buf *buf, struct error *err);
/* What was imported when the clip in `row` got the files it has; borrowed. NULL: that is not known. */
int known_given_by(struct known *known, uint32_t row, const char **ret, struct error *err);
/* Each live clip of this source, by row. */
typedef int known_clip_fn(void *ctx, uint32_t row, const char *key, struct error *err);
int known_clips(struct known *known, known_clip_fn *each, void *ctx, struct error *err);
