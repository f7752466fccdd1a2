// SPDX-License-Identifier: Apache-2.0
/*
 * How a version's catalog travels: whole, as one zstd object in elidefs/packs/ that is written once. On the
 * way back it is read through the cache, which asks a source for the ranges it lacks; a source that fetches
 * single pages takes the place of this one without a change elsewhere.
 */
#pragma once

#include <stdint.h>

#include "cache/base/error.h"
#include "cache/cache.h"
#include "cache/store/store.h"
#include "index/base/manifest.h"

/* Puts the SQLite file at `path` into a new pack and fills in what the manifest says about it. Nothing is
 * left in the store on failure. Any thread; waits. */
int pack_write(struct store *store, const char *path, struct manifest_catalog *ret, struct error *err);

/* The cache's key of a catalog (index/FORMAT.md, "Pack"; golden vector in tests/dataset). */
void pack_key(const char *uuid, const uint8_t manifest_sha256[SHA256_BYTES], uint8_t ret_key[SHA256_BYTES]);

/* A source for cache_open() of catalog->size bytes. The first fill fetches, unpacks and verifies the whole
 * pack into a file without a name in `folder`; it is given up once every byte has been handed on. `name`
 * stands in errors ("the catalog of v12 of s3://bucket/data"). Takes a reference to `store`, copies the rest.
 */
struct cache_source *pack_source_new(struct store *store, const struct manifest_catalog *catalog,
                                     const char *name, const char *folder);
