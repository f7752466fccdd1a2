// SPDX-License-Identifier: Apache-2.0
/* Versions of a file in pages that is no catalog: page `i` of version `v` says so, over and over. Include in
 * one test file each. */
#pragma once

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/catalog/paged.h"
#include "tests/test_leaks.h"

enum { PAGE_BYTES = 4096 };

static struct paged paged;

static inline void fixture_made(void)
{
    struct error err = {0};
    cr_assert_eq(paged_init(&paged, &err), 0, "%s", err.text);
}

static inline void fixture_removed(void)
{
    paged_done(&paged);
}

/* The first page holds SQLite's list of free pages, which is empty. */
static inline void fill_page(uint32_t page, unsigned version, uint8_t bytes[PAGE_BYTES])
{
    uint64_t state = page * UINT64_C(0x9e3779b97f4a7c15) + version * 77 + 1;
    memset(bytes, 0, PAGE_BYTES);
    for (size_t i = 128; i < PAGE_BYTES - 1000; i += 8) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        memcpy(bytes + i, &state, 8);
    }
    snprintf((char *)bytes + 64, 60, "page %u of v%u", page, version);
}

static inline void write_page(struct overlay *overlay, uint32_t page, unsigned version)
{
    uint8_t bytes[PAGE_BYTES];
    struct error err = {0};
    fill_page(page, version, bytes);
    cr_assert_eq(overlay_write(overlay, page, bytes, &err), 0, "%s", err.text);
}

static inline int read_page(struct pages *pages, uint32_t page, uint8_t bytes[PAGE_BYTES], struct error *err)
{
    struct page_range range = {.page = page, .len = PAGE_BYTES};
    return pages_read(pages, &range, bytes, &(struct catalog_patience){0}, err);
}

static inline void check_page(struct pages *pages, uint32_t page, unsigned version)
{
    uint8_t want[PAGE_BYTES], got[PAGE_BYTES];
    struct error err = {0};
    fill_page(page, version, want);
    cr_assert_eq(read_page(pages, page, got, &err), 0, "%s", err.text);
    cr_assert(!memcmp(want, got, PAGE_BYTES), "page %u: %s instead of %s", page, (char *)got + 64,
              (char *)want + 64);
}

static inline struct map_top put(struct overlay *overlay, const uint32_t *hot, size_t hot_count)
{
    struct pages_write write = {.overlay = overlay, .hot = hot, .hot_count = hot_count};
    struct pages_written written;
    struct error err = {0};
    cr_assert_eq(pages_write(paged.store, &write, &written, &err), 0, "%s", err.text);
    struct map_top top = written.top;
    pages_written_done(&written);
    return top;
}

/* v1: `count` pages, of which the first is hot. */
static inline struct map_top put_first(uint32_t count)
{
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    const uint32_t hot = 0;
    cr_assert_eq(overlay_new(NULL, PAGE_BYTES, &overlay, NULL), 0);
    for (uint32_t i = 0; i < count; i++)
        write_page(overlay, i, 1);
    return put(overlay, &hot, 1);
}

/* The next version: these pages are written. */
static inline struct map_top put_next(const struct map_top *parent, unsigned version, const uint32_t *list,
                                      size_t count)
{
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, parent, "of the parent");
    const uint32_t hot = 0;
    cr_assert_eq(overlay_new(pages, PAGE_BYTES, &overlay, NULL), 0);
    for (size_t i = 0; i < count; i++)
        write_page(overlay, list[i], version);
    return put(overlay, &hot, 1);
}

static inline char *pack_path(const uint8_t id[MAP_ID_BYTES])
{
    char hex[2 * MAP_ID_BYTES + 1];
    hex_print(id, MAP_ID_BYTES, hex);
    return mem_printf("%s/store/elidefs/packs/%s", paged.folder, hex);
}

/* One byte of a pack gets another value. */
static inline void flip(const uint8_t id[MAP_ID_BYTES], uint32_t offset)
{
    CLEANUP_FREE char *path = pack_path(id);
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct error err = {0};
    cr_assert_eq(file_read(path, 1 << 30, &bytes, &err), 0, "%s", err.text);
    cr_assert_lt(offset, bytes.len);
    bytes.data[offset] ^= 1;
    cr_assert_eq(file_replace(path, bytes.data, bytes.len, 0600, &err), 0, "%s", err.text);
}

/* As if by another process: nothing is in memory any more; `cold`: nor in the cache. */
static inline void start_anew(bool cold)
{
    struct error err = {0};
    page_store_unref(paged.store);
    cache_free(paged.cache);
    CLEANUP_FREE char *folder = mem_printf("%s/cache", paged.folder);
    if (cold)
        file_remove_tree(folder, NULL);
    struct cache_options options = {.folder = folder, .size_bytes = 1 << 30};
    cr_assert_eq(cache_new(&options, &paged.cache, &err), 0, "%s", err.text);
    paged.store = page_store_new(&paged.held->base, paged.cache, "6f9619ff-8b86-4011-b42d-00c04fc964ff");
}
