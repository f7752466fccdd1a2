// SPDX-License-Identifier: Apache-2.0
/* Pages in memory: what stays, and what goes. */
#include <criterion/criterion.h>
#include <string.h>

#include "index/pages/page_cache.h"
#include "tests/test_leaks.h"

enum { LEN = 1000, LIMIT_PAGES = 800 };

static struct page_cache *cache;

static void cache_made(void)
{
    cache = page_cache_new((sizeof(struct page_bytes) + LEN + PAGE_SLACK_BYTES) * LIMIT_PAGES);
}

static void cache_removed(void)
{
    page_cache_free(cache);
}

static void hash_of(uint32_t number, uint8_t hash[MAP_HASH_BYTES])
{
    memset(hash, 0, MAP_HASH_BYTES);
    hash[0] = (uint8_t)number; /* evenly over its parts */
    memcpy(hash + 1, &number, sizeof number);
}

/* Asks for pages as a reader does: those that are not here are added. How many were here. */
static uint32_t ask(uint32_t first, uint32_t count)
{
    uint32_t here = 0;
    for (uint32_t number = first; number < first + count; number++) {
        uint8_t hash[MAP_HASH_BYTES];
        hash_of(number, hash);
        CLEANUP_PAGE_BYTES struct page_bytes *page = page_cache_find(cache, hash);
        here += page != NULL;
        if (!page) {
            page = page_bytes_new(LEN);
            page_cache_add(cache, hash, page);
        }
    }
    return here;
}

CHECKED_TEST(cache, pages_that_fit_stay, cache_made, cache_removed)
{
    cr_assert_eq(ask(0, LIMIT_PAGES), 0);
    cr_assert_eq(ask(0, LIMIT_PAGES), LIMIT_PAGES);
    cr_assert_eq(ask(0, LIMIT_PAGES), LIMIT_PAGES);
}

CHECKED_TEST(cache, pages_asked_for_again_and_again_outlast_a_long_scan, cache_made, cache_removed)
{
    ask(0, 100);
    for (uint32_t i = 0; i < 40; i++) {
        ask(1000 + i * 100, 100);
        ask(0, 100);
    }
    cr_assert_eq(ask(0, 100), 100);
}

/* Whatever the hand has done before. */
CHECKED_TEST(cache, what_is_asked_for_now_takes_the_place_of_what_was_asked_for_before, cache_made,
             cache_removed)
{
    for (uint32_t before = 0; before < 4 * LIMIT_PAGES; before += LIMIT_PAGES / 10) {
        uint32_t now = 100000 + before * 10;
        ask(now + 50000, before);
        for (int i = 0; i < 6; i++)
            ask(now, LIMIT_PAGES / 2);
        cr_assert_eq(ask(now, LIMIT_PAGES / 2), LIMIT_PAGES / 2, "after %u others", before);
    }
}

CHECKED_TEST(cache, a_page_in_use_outlives_its_place_in_memory_with_its_bytes, cache_made, cache_removed)
{
    uint8_t hash[MAP_HASH_BYTES];
    hash_of(7, hash);
    CLEANUP_PAGE_BYTES struct page_bytes *page = page_bytes_new(LEN);
    memset(page->bytes, 'a', LEN);
    page_cache_add(cache, hash, page);
    for (uint32_t i = 0; i < 4; i++)
        ask(1000 + i * LIMIT_PAGES, LIMIT_PAGES);
    cr_assert_null(page_cache_find(cache, hash));
    cr_assert_eq(atomic_load(&page->refs), 1);
    for (uint32_t i = 0; i < LEN + PAGE_SLACK_BYTES; i++)
        cr_assert_eq(page->bytes[i], i < LEN ? 'a' : 0);
    cr_assert_eq(page_bytes_of(page->bytes), page);
}
