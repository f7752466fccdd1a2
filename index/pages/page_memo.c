// SPDX-License-Identifier: Apache-2.0
/* A slot a page, by its lowest bits: who loses one looks into the map again. It holds a hash and no page, so
 * that what many connections remember takes no memory from the pages that are in use. */
#include "index/pages/page_memo.h"

#include <string.h>

#include "index/pages/btree.h"

enum { SLOTS = 16384 };

struct slot {
    uint32_t number; /* of the page, from 1; 0: none */
    bool interior;
    uint8_t hash[MAP_HASH_BYTES];
};

struct page_memo {
    struct pages *pages;
    struct slot slots[SLOTS];
};

struct page_memo *page_memo_new(struct pages *pages)
{
    struct page_memo *memo = MEM_NEW(struct page_memo);
    memo->pages = pages;
    return memo;
}

void page_memo_free(struct page_memo *memo)
{
    free(memo);
}

static void note(struct slot *slot, uint32_t page, const struct page_bytes *found)
{
    *slot = (struct slot){.number = page + 1, .interior = btree_interior(found->bytes, page)};
    memcpy(slot->hash, found->hash, MAP_HASH_BYTES);
}

struct page_bytes *page_memo_find(struct page_memo *memo, uint32_t page)
{
    const struct catalog_patience here = {.nowait = true, .local = true};
    struct slot *slot = &memo->slots[page % SLOTS];
    struct page_bytes *found = NULL;
    if (slot->number == page + 1)
        found = page_store_find(pages_store(memo->pages), slot->hash, pages_top(memo->pages)->page_bytes);
    if (found || pages_get(memo->pages, page, &here, &found, NULL) || !found)
        return found;
    note(slot, page, found);
    return found;
}

int page_memo_get(struct page_memo *memo, uint32_t page, const struct catalog_patience *patience,
                  struct page_bytes **ret, struct error *err)
{
    struct page_store *store = pages_store(memo->pages);
    uint32_t page_bytes = pages_top(memo->pages)->page_bytes;
    struct slot *slot = &memo->slots[page % SLOTS];
    CLEANUP_PAGE_BYTES struct page_bytes *found = NULL;
    if (slot->number == page + 1) {
        found = slot->interior ? NULL : page_store_find(store, slot->hash, page_bytes);
        if (slot->interior || found) {
            *ret = STEAL(found);
            return 0;
        }
    }
    int rc = pages_get(memo->pages, page, patience, &found, err);
    if (rc < 0)
        return rc;
    if (found)
        note(slot, page, found);
    *ret = found && !slot->interior ? STEAL(found) : NULL;
    return 0;
}
