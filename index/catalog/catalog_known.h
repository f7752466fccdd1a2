// SPDX-License-Identifier: Apache-2.0
/*
 * What a version knows already: asked by whoever adds to it, and by who checks that it can still be read.
 * Reads the same catalogs as index/catalog/catalog.h, under the same rules.
 */
#pragma once

#include "cache/base/hash.h"
#include "index/base/clip.h"
#include "index/catalog/catalog.h"

struct catalog_known {
    uint32_t row;
    bool live;                       /* else it was removed */
    uint8_t print[CLIP_PRINT_BYTES]; /* of the fingerprint of the content it has, or had */
};
/* Is this the fingerprint of its content? */
bool catalog_known_has(const struct catalog_known *known, const uint8_t fingerprint[SHA256_BYTES]);
/* The clip of this key, removed or not: 1, 0 or -errno. */
int catalog_known_key(struct catalog_reader *reader, const char *key, struct catalog_known *ret,
                      struct error *err);

/* Each clip that has, or had, this content. Non-zero from `each` ends the walk with it. `key` is borrowed. */
typedef int catalog_known_fn(void *ctx, const char *key, const struct catalog_known *known,
                             struct error *err);
int catalog_known_content(struct catalog_reader *reader, const uint8_t fingerprint[SHA256_BYTES],
                          catalog_known_fn *each, void *ctx, struct error *err);

/* What an import means by this name: the attribute of this name, else the one that had it before. 1, 0 or
 * -errno. */
int catalog_known_attribute(struct catalog_reader *reader, const char *name, struct catalog_attribute *ret,
                            struct error *err);

/* Was this the name of an attribute that has another one now (*ret_id), or of one that was dropped
 * (CATALOG_DROPPED)? 1, 0 or -errno. */
#define CATALOG_DROPPED UINT32_MAX
int catalog_known_former(struct catalog_reader *reader, const char *name, uint32_t *ret_id,
                         struct error *err);

/* The object of this root and path; with `pin`, only if its size and pin are these. 1 and its number, 0 or
 * -errno. */
int catalog_known_object(struct catalog_reader *reader, uint32_t root, const char *path, uint64_t size,
                         const char *pin, uint32_t *ret, struct error *err);
/* Every object of this root and path, whatever pins it. Non-zero from `each` ends the walk with it. */
typedef int catalog_object_fn(void *ctx, uint32_t id, const struct catalog_object *object, struct error *err);
int catalog_known_objects(struct catalog_reader *reader, uint32_t root, const char *path,
                          catalog_object_fn *each, void *ctx, struct error *err);
/* Appends the index of a recording (operation 3 of a change set): 1, 0 where it has none of this container.
 */
int catalog_known_recording(struct catalog_reader *reader, uint32_t object, const char *container,
                            struct buf *buf, struct error *err);

/* What was seen of an object of this size when it was imported: 1, 0 where nothing is known. */
int catalog_known_evidence(struct catalog_reader *reader, uint32_t object, uint64_t size,
                           struct evidence *ret, struct error *err);

/* Each stream that was cut out of an object, by row. Streams of clips that were removed are left out. */
typedef int catalog_stream_fn(void *ctx, uint32_t row, uint32_t object, struct error *err);
int catalog_known_streams(struct catalog_reader *reader, catalog_stream_fn *each, void *ctx,
                          struct error *err);
/* Those of them that read it: not those whose bytes were all copied into the catalog. */
int catalog_known_reads(struct catalog_reader *reader, catalog_stream_fn *each, void *ctx, struct error *err);
