// SPDX-License-Identifier: Apache-2.0
/*
 * The scans of an import under way, in a local file, so that one that is killed need not read again what it
 * has read. The file goes when the import has committed: what it told is in the catalog then. Format:
 * tools/FORMAT.md. Its records are also what a part of an import hands over (part_record.h).
 *
 * Nothing here fails, but the last two: a file that is not there, not ours, of another version, damaged or in
 * use by another import means that recordings are read, as without it. A record is used for exactly the
 * object, under exactly the pin, that it was made of.
 *
 * Thread rule: finding and putting from any thread; the others by one, before any of these.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
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
/* However much it is; else 16 GiB. */
void scan_cache_keep_all(struct scan_cache *cache);
void scan_cache_free(struct scan_cache *cache);
CLEANUP_DEFINE(struct scan_cache, scan_cache_free, cleanup_scan_cache)
#define CLEANUP_SCAN_CACHE CLEANUP(cleanup_scan_cache)

/* These do nothing where `cache` is NULL. */
bool scan_cache_find(struct scan_cache *cache, const struct scan_of *object, struct scan *ret);
void scan_cache_put(struct scan_cache *cache, const struct scan_of *object, const struct scan *scan);

/* What else a part knows of an object, whose bytes are the caller's. */
enum scan_note {
    SCAN_EVIDENCE = 1, /* evidence_encode() */
    SCAN_PIN,          /* store_object_encode(), where a manifest named it: found by root and path alone */
    SCAN_COPY,         /* the same, of its copy in the data set */
};
bool scan_cache_noted(struct scan_cache *cache, enum scan_note note, const struct scan_of *object,
                      struct buf *ret);
void scan_cache_note(struct scan_cache *cache, enum scan_note note, const struct scan_of *object,
                     const struct buf *bytes);

/* Removes the file. */
void scan_cache_forget(struct scan_cache *cache);
/* How many scans were found. */
uint64_t scan_cache_found(const struct scan_cache *cache);
/* How many were put. */
uint64_t scan_cache_read(const struct scan_cache *cache);

/* Whole records as they stand in the file, from *at (at first 0) on, appended up to `max` bytes, or one. 1,
 * 0: there are no more; -ENOSPC: not all could be written. */
int scan_cache_export(struct scan_cache *cache, int64_t *at, size_t max, struct buf *ret, struct error *err);
enum { SCAN_RECORDS_MAX = 96 << 20 }; /* bytes of such an answer where `max` is at most half of that */
/* Takes such records, from outside: all of them, or -EINVAL. -ENOSPC as above. */
int scan_cache_import(struct scan_cache *cache, const struct buf *records, struct error *err);
