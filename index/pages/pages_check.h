// SPDX-License-Identifier: Apache-2.0
/* Is all that a version's catalog is made of still in the store, as it was stored? What is in the cache does
 * not count. What several versions share is looked at once. One thread at a time; waits. */
#pragma once

#include "index/pages/pages.h"

struct pages_check;

/* A reference to the store's is taken. */
struct pages_check *pages_check_new(struct page_store *store);
void pages_check_free(struct pages_check *check);
CLEANUP_DEFINE(struct pages_check, pages_check_free, cleanup_pages_check)
#define CLEANUP_PAGES_CHECK CLEANUP(cleanup_pages_check)

/* The map is whole, each pack that the version needs is there with its size, and each page is as the map
 * says. -EUCLEAN with the first that is not, naming page and pack; -ENOENT where a pack is gone. */
int pages_check_version(struct pages_check *check, const struct pages *pages, struct error *err);
uint64_t pages_check_bytes(const struct pages_check *check); /* read so far */
