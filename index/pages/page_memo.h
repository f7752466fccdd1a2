// SPDX-License-Identifier: Apache-2.0
/*
 * Pages as they lie in memory, for one connection that reads one version, and the hashes of those it used
 * last: to look a page up in the map takes longer than all else that SQLite does with it.
 *
 * Thread rule: one thread at a time.
 */
#pragma once

#include "index/pages/pages.h"

struct page_memo;

struct page_memo *page_memo_new(struct pages *pages); /* borrowed */
void page_memo_free(struct page_memo *memo);
/* Page `page`, from 0: a reference. NULL: the connection is to read a copy of its own, once: it is a page of
 * zeros, or an interior one of a tree, which look-ups come by again and again. */
int page_memo_get(struct page_memo *memo, uint32_t page, const struct catalog_patience *patience,
                  struct page_bytes **ret, struct error *err);
/* The same of any page that is here, NULL: it is not, or of zeros. */
struct page_bytes *page_memo_find(struct page_memo *memo, uint32_t page);
