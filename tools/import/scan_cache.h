// SPDX-License-Identifier: Apache-2.0
/*
 * The scans of an import under way, in a local file, so that one that is killed need not read again what it
 * has read. The file goes when the import has committed: what it told is in the catalog then. Format:
 * tools/FORMAT.md.
 *
 * Nothing here fails: a file that is not there, not ours, of another version, damaged or in use by another
 * import means that recordings are read, as without it. A record is used for exactly the object, under
 * exactly the pin, that it was made of.
 *
 * Thread rule: scan_cache_find() and scan_cache_put() from any thread; the others by one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/memory.h"
#include "cache/store/store.h"
#include "tools/import/scan.h"

struct scan_cache;

struct scan_of { /* an object; borrowed */
    const char *root, *path;
    const struct store_object *pinned;
};

/* The file of this source below the cache folder; `source` is any text that names it. `write`: it is made,
 * and added to. */
struct scan_cache *scan_cache_open(const char *folder, const char *source, bool write);
void scan_cache_free(struct scan_cache *cache);
CLEANUP_DEFINE(struct scan_cache, scan_cache_free, cleanup_scan_cache)
#define CLEANUP_SCAN_CACHE CLEANUP(cleanup_scan_cache)

/* These do nothing where `cache` is NULL. */
bool scan_cache_find(struct scan_cache *cache, const struct scan_of *object, struct scan *ret);
void scan_cache_put(struct scan_cache *cache, const struct scan_of *object, const struct scan *scan);
/* Removes the file. */
void scan_cache_forget(struct scan_cache *cache);
/* How many scans were found. */
uint64_t scan_cache_found(const struct scan_cache *cache);
