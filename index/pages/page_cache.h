// SPDX-License-Identifier: Apache-2.0
/*
 * Unpacked, verified pages and map nodes in memory, by the hash of what is stored: so versions share what
 * they share in the store, and what is found under a hash has been compared with it. Bounded by bytes.
 *
 * Thread rule: locks itself; nothing is read or unpacked under a lock.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "index/base/map.h"

struct page_cache;

/* Immutable; shared by reference count. Behind the bytes lie PAGE_SLACK_BYTES zeros: SQLite may read a little
 * past the end of a page whose cells are not in order (its own VFS leaves as many for what it maps). */
enum { PAGE_SLACK_BYTES = 256 };
struct page_bytes {
    struct page_bytes *next, *newer, *older; /* the cache's own */
    uint8_t hash[MAP_HASH_BYTES];
    atomic_uint refs;
    atomic_bool touched;
    uint32_t len;
    uint8_t bytes[];
};

struct page_cache *page_cache_new(size_t limit_bytes);
void page_cache_free(struct page_cache *cache);

struct page_bytes *page_bytes_new(uint32_t len); /* one reference */
/* Whose `bytes` these are. */
static inline struct page_bytes *page_bytes_of(void *bytes)
{
    return (struct page_bytes *)((char *)bytes - offsetof(struct page_bytes, bytes));
}
static inline struct page_bytes *page_bytes_ref(struct page_bytes *page)
{
    atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);
    return page;
}
void page_bytes_unref(struct page_bytes *page);
CLEANUP_DEFINE(struct page_bytes, page_bytes_unref, cleanup_page_bytes)
#define CLEANUP_PAGE_BYTES CLEANUP(cleanup_page_bytes)

/* A reference, or NULL. */
struct page_bytes *page_cache_find(struct page_cache *cache, const uint8_t hash[MAP_HASH_BYTES]);
/* Names a new page and keeps it, unless another thread was faster; drops others over the limit. */
void page_cache_add(struct page_cache *cache, const uint8_t hash[MAP_HASH_BYTES], struct page_bytes *page);
