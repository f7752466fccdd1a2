// SPDX-License-Identifier: Apache-2.0
/*
 * The pages of one version's catalog, read through its page map: lazily, verified, and shared in memory and
 * on disk with the other versions of the data set.
 *
 * Making one reads nothing; the map is read as pages are asked for. So every call may give -EAGAIN where its
 * patience does not wait, and can be repeated; what is missing is then on its way.
 * Thread rule: immutable but for a root that is read once; any thread; shared by reference count.
 */
#pragma once

#include "index/pages/page_store.h"

struct pages;

/* A reference to `store` is taken; `name` stands in errors ("of v12 of s3://bucket/data"). */
struct pages *pages_new(struct page_store *store, const struct map_top *top, const char *name);
struct pages *pages_ref(struct pages *pages);
void pages_unref(struct pages *pages);
CLEANUP_DEFINE(struct pages, pages_unref, cleanup_pages)
#define CLEANUP_PAGES CLEANUP(cleanup_pages)

const struct map_top *pages_top(const struct pages *pages);
const char *pages_name(const struct pages *pages);
struct page_store *pages_store(const struct pages *pages);

/* Bytes of one page, which counts from 0; [offset, offset + len) lies inside it. */
struct page_range {
    uint32_t page, offset, len;
};
int pages_read(struct pages *pages, const struct page_range *range, void *to,
               const struct catalog_patience *patience, struct error *err);
/* All of a page as it lies in memory: a reference, or NULL for a page of zeros. */
int pages_get(struct pages *pages, uint32_t page, const struct catalog_patience *patience,
              struct page_bytes **ret, struct error *err);
/* Starts to fetch what is not here of these pages (they count from 0, in any order), neighbours in one
 * request. Waits only for the map, which says where they lie, all of its parts at once; without waiting
 * -EAGAIN if some are missing, which are then on their way. */
int pages_want(struct pages *pages, const uint32_t *list, size_t count,
               const struct catalog_patience *patience, struct error *err);
/* Starts to fetch what every reader of this version needs. */
void pages_want_hot(struct pages *pages);

/* ---- for who writes the next version, checks or counts ---- */

int pages_root(struct pages *pages, const struct catalog_patience *patience, struct map_root *ret,
               struct error *err);
/* Where the pages of a leaf of the map lie, at most MAP_FAN of them; `hashes`: and the hashes of those that
 * are not near, which are zero else. *ret_apart: where these lie. */
int pages_leaf(struct pages *pages, uint32_t leaf, bool hashes, struct map_place ret[MAP_FAN],
               struct map_place *ret_apart, struct error *err);
/* Starts to fetch the hashes of these leaves. */
int pages_want_hashes(struct pages *pages, const uint32_t *leaves, size_t count, struct error *err);
/* A pack of its table. */
int pages_pack(struct pages *pages, uint32_t pack, const struct catalog_patience *patience,
               struct map_pack *ret, struct error *err);
/* Where a page lies, with its hash. */
int pages_place(struct pages *pages, uint32_t page, struct map_place *ret, struct error *err);
/* A page's frame as it is stored, appended. */
int pages_frame(struct pages *pages, uint32_t page, const struct catalog_patience *patience, struct buf *buf,
                struct error *err);
