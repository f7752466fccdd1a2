// SPDX-License-Identifier: Apache-2.0
/*
 * The pages of all versions of one data set: its packs as cached files, and what was verified of them in
 * memory. A stored piece (a frame of a page, a node of a map) is asked for by its place and hash:
 *
 *     memory, by hash --> local file of its pack --> store
 *                         `--- verified, unpacked ---'--> memory
 *
 * Bytes that do not have the hash are forgotten and fetched again once; then it is damage, and is told with
 * pack and place. Thread rule: locks itself; shared by reference count.
 */
#pragma once

#include "cache/cache.h"
#include "cache/store/store.h"
#include "index/base/map.h"
#include "index/base/patience.h"
#include "index/pages/page_cache.h"

struct page_store;

/* Takes a reference to `store`; `cache` is borrowed, and may be NULL where nothing is read; `uuid` is the
 * data set's. */
struct page_store *page_store_new(struct store *store, struct cache *cache, const char *uuid);
struct page_store *page_store_ref(struct page_store *store);
void page_store_unref(
    struct page_store *store); /* the last one ends what is being fetched ahead, and waits for that */
struct store *page_store_inner(const struct page_store *store); /* borrowed */

struct piece {
    struct map_extent at;
    uint8_t hash[MAP_HASH_BYTES];
    uint32_t page_bytes; /* 0: a node, kept as it is; else a frame of one page, unpacked */
    const char *what;    /* these two for errors: "page", 17 */
    uint32_t number;
    const char *name; /* of the catalog: "of v12 of s3://..." */
};
/* The piece, verified and unpacked: a reference. -EAGAIN where the patience does not wait; it is then on its
 * way. -EUCLEAN: damaged. */
int page_store_piece(struct page_store *store, const struct piece *piece,
                     const struct catalog_patience *patience, struct page_bytes **ret, struct error *err);
/* The bytes as they are stored, verified; appended. */
int page_store_raw(struct page_store *store, const struct piece *piece,
                   const struct catalog_patience *patience, struct buf *buf, struct error *err);
bool page_store_here(struct page_store *store, const struct piece *piece); /* in memory? */
/* A page that is in memory under this hash, of `len` bytes: a reference, or NULL. */
struct page_bytes *page_store_find(struct page_store *store, const uint8_t hash[MAP_HASH_BYTES],
                                   uint32_t len);
/* Bytes of a pack that will be asked for: fetched where they are not here. Never waits, never fails. */
void page_store_want(struct page_store *store, const struct map_extent *extent);
/* Waits until nothing is being fetched ahead. */
void page_store_settle(struct page_store *store);
/* As error_set(), naming the piece: "the catalog of v1 of x is damaged: page 17 in elidefs/packs/... at 4+100
 * ...". */
int page_store_damaged(const struct piece *piece, struct error *err, const char *what);
