// SPDX-License-Identifier: Apache-2.0
/*
 * The packs of a data set as cached files: one local file a pack, so that versions, and mounts, share on disk
 * what they share in the store. Those used last stay open.
 *
 * Thread rule: locks itself; files are opened outside the lock.
 */
#pragma once

#include "cache/cache.h"
#include "cache/store/store.h"
#include "index/base/map.h"

struct packs;
struct pack_file; /* an open one */

/* The store, the cache and `uuid` are borrowed. */
struct packs *packs_new(struct store *store, struct cache *cache, const char *uuid);
void packs_free(struct packs *packs); /* all files must be given back */

/* The pack of an extent; packs_close() gives it back. */
int packs_open(struct packs *packs, const struct map_extent *extent, struct pack_file **ret,
               struct error *err);
void packs_close(struct pack_file *file);
struct cache_file *pack_file_cached(const struct pack_file *file); /* borrowed */

/* The cache's key of a pack (index/FORMAT.md, "Pack"). */
void packs_key(const struct packs *packs, const uint8_t id[MAP_ID_BYTES], uint32_t size,
               uint8_t ret[SHA256_BYTES]);
