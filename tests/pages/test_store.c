// SPDX-License-Identifier: Apache-2.0
/* Reading pages: what is damaged is told by its place, what is slow can be given up, what is here stays. */
#include <fcntl.h>
#include <pthread.h>

#include "cache/base/instant.h"
#include "fixture.h"
#include "index/pages/packs.h"
#include "index/pages/pages_check.h"

static const struct catalog_patience patient = {0}, nowait = {.nowait = true};

/* Where page `page` of a version lies. */
static struct map_place place_of(const struct map_top *top, uint32_t page, struct map_pack *ret_pack)
{
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, top, "of a version");
    struct map_place place;
    struct error err = {0};
    cr_assert_eq(pages_place(pages, page, &place, &err), 0, "%s", err.text);
    cr_assert_eq(pages_pack(pages, place.pack, &patient, ret_pack, &err), 0, "%s", err.text);
    return place;
}

/* Reading the page fails, and says all of this; and again when it is asked again. */
static void check_damage(const struct map_top *top, uint32_t page, const char *what, const uint8_t *id)
{
    char hex[2 * MAP_ID_BYTES + 1];
    uint8_t bytes[PAGE_BYTES];
    hex_print(id, MAP_ID_BYTES, hex);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, top, "of v1 of it");
    for (int i = 0; i < 2; i++) {
        struct error err = {0};
        cr_assert_eq(read_page(pages, page, bytes, &err), -EUCLEAN, "%s", err.text);
        cr_assert(strstr(err.text, what) && strstr(err.text, hex) && strstr(err.text, "of v1 of it"), "%s",
                  err.text);
    }
}

CHECKED_TEST(store, a_flipped_byte_in_a_page_is_told_with_page_and_pack_and_others_are_read, fixture_made,
             fixture_removed)
{
    struct map_top top = put_first(300);
    struct map_pack pack;
    struct map_place place = place_of(&top, 130, &pack);
    flip(pack.id, place.offset + place.len / 2);
    start_anew(true);
    check_damage(&top, 130, "page 131 in ", pack.id);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &top, "of v1");
    check_page(pages, 129, 1);
    check_page(pages, 131, 1);
}

CHECKED_TEST(store, a_flipped_byte_in_any_node_of_the_map_is_told, fixture_made, fixture_removed)
{
    struct map_top top = put_first(300);
    struct map_root root;
    struct map_place leaf, places[MAP_FAN], apart;
    struct map_packs_leaf packs;
    struct pages *pages = pages_new(paged.store, &top, "of v1");
    cr_assert_eq(pages_leaf(pages, 1, false, places, &apart, NULL), 0);
    cr_assert_eq(pages_root(pages, &patient, &root, NULL), 0);
    cr_assert_eq(map_root_leaf(&root, 1, &leaf, NULL), 0);
    cr_assert_eq(map_root_packs_leaf(&root, 0, &packs, NULL), 0);
    pages_unref(pages);
    const struct {
        uint32_t offset;
        const char *what;
    } nodes[] = {{top.root.offset + 30, "the map's root"},
                 {leaf.offset + 5, "the map of pages from 129"},
                 {apart.offset + 20, "the hashes of pages from 129"},
                 {packs.at.offset + 3, "the list of packs from 0"}};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        flip(top.root.id, nodes[i].offset);
        start_anew(true);
        check_damage(&top, 130, nodes[i].what, top.root.id);
        flip(top.root.id, nodes[i].offset);
    }
    start_anew(true);
    pages = pages_new(paged.store, &top, "of v1");
    check_page(pages, 130, 1);
    pages_unref(pages);
}

CHECKED_TEST(store, what_was_damaged_on_its_way_is_fetched_again, fixture_made, fixture_removed)
{
    struct map_top top = put_first(50);
    struct map_pack pack;
    struct map_place place = place_of(&top, 7, &pack);
    flip(pack.id, place.offset + 9);
    start_anew(true);
    check_damage(&top, 7, "page 8 in ", pack.id);
    flip(pack.id, place.offset + 9);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &top, "of v1");
    check_page(pages, 7, 1);
    pages_unref(STEAL(pages));
    start_anew(false);
    pages = pages_new(paged.store, &top, "of v1");
    check_page(pages, 7, 1);
}

/* The file in the cache with the bytes of a pack; and the pack, which whoever holds keeps open. */
struct local {
    struct packs *packs;
    struct pack_file *file;
    char *path;
};

static void local_open(const struct map_top *top, struct local *ret)
{
    uint8_t key[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES];
    ret->packs = packs_new(&paged.held->base, paged.cache, "6f9619ff-8b86-4011-b42d-00c04fc964ff");
    packs_key(ret->packs, top->root.id, top->root.pack_size, key);
    hex_print(key, SHA256_BYTES, hex);
    ret->path = mem_printf("%s/cache/%.2s/%.2s/%s", paged.folder, hex, hex + 2, hex);
    cr_assert_eq(packs_open(ret->packs, &top->root, &ret->file, NULL), 0);
}

static void local_close(struct local *local)
{
    packs_close(local->file);
    packs_free(local->packs);
    free(local->path);
}

/* Until the cache gives it so: what was fetched a moment ago may be written over it yet. */
static void flip_in_place(const struct local *local, uint32_t offset)
{
    CLEANUP_CLOSE int fd = open(local->path, O_RDWR | O_CLOEXEC);
    uint8_t right, byte;
    cr_assert_eq(cache_read_now(pack_file_cached(local->file), offset, 1, &right, NULL), 0);
    const uint8_t wrong = right ^ 1;
    for (byte = right; byte != wrong; usleep(1000)) {
        cr_assert_eq(pwrite(fd, &wrong, 1, offset), 1);
        cr_assert_eq(cache_read_now(pack_file_cached(local->file), offset, 1, &byte, NULL), 0);
    }
}

/* What was checked once in this process is not looked at again by the cache: only the hash can tell. */
CHECKED_TEST(store, a_byte_that_flips_in_the_cache_is_fetched_again_once_whatever_it_is_of, fixture_made,
             fixture_removed)
{
    struct map_top top = put_first(300);
    struct map_pack pack;
    struct map_root root;
    struct map_place leaf, page = place_of(&top, 130, &pack);
    struct map_packs_leaf packs;
    start_anew(true);
    struct pages *kept = pages_new(paged.store, &top, "of v1");
    for (uint32_t i = 0; i < 300; i++)
        check_page(kept, i, 1);
    cr_assert_eq(pages_root(kept, &patient, &root, NULL), 0);
    cr_assert_eq(map_root_leaf(&root, 1, &leaf, NULL), 0);
    cr_assert_eq(map_root_packs_leaf(&root, 0, &packs, NULL), 0);
    const uint32_t offsets[] = {page.offset + page.len / 2, leaf.offset + 5, packs.at.offset + 3, 30};
    struct local local;
    local_open(&top, &local);
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        unsigned before = atomic_load(&paged.held->reads);
        flip_in_place(&local, offsets[i]);
        for (int again = 0; again < 2; again++) { /* each with nothing in memory */
            struct page_store *store =
                page_store_new(&paged.held->base, paged.cache, "6f9619ff-8b86-4011-b42d-00c04fc964ff");
            CLEANUP_PAGES struct pages *pages = pages_new(store, &top, "of v1");
            check_page(pages, 130, 1);
            page_store_unref(store);
            cr_assert_eq(atomic_load(&paged.held->reads) - before, 1, "case %zu", i);
        }
    }
    local_close(&local);
    pages_unref(kept);
}

CHECKED_TEST(store, a_pack_that_is_gone_or_short_is_damage_and_named, fixture_made, fixture_removed)
{
    struct map_top top = put_first(50);
    CLEANUP_FREE char *path = pack_path(top.root.id);
    start_anew(true);
    cr_assert_eq(truncate(path, 100), 0);
    check_damage(&top, 3, "is shorter than its catalog says", top.root.id);
    cr_assert_eq(unlink(path), 0);
    start_anew(true);
    check_damage(&top, 3, "no such object", top.root.id);
}

CHECKED_TEST(store, packs_of_another_data_set_are_not_taken_from_the_cache, fixture_made, fixture_removed)
{
    uint8_t one[SHA256_BYTES], other[SHA256_BYTES], id[MAP_ID_BYTES] = {5};
    struct packs *a = packs_new(&paged.held->base, paged.cache, "6f9619ff-8b86-4011-b42d-00c04fc964ff");
    struct packs *b = packs_new(&paged.held->base, paged.cache, "6f9619ff-8b86-4011-b42d-00c04fc964f0");
    packs_key(a, id, 100, one);
    packs_key(b, id, 100, other);
    cr_assert(memcmp(one, other, SHA256_BYTES) != 0);
    packs_key(a, id, 101, other);
    cr_assert(memcmp(one, other, SHA256_BYTES) != 0);
    packs_free(a), packs_free(b);
}

CHECKED_TEST(store, who_does_not_wait_is_told_and_the_page_is_on_its_way, fixture_made, fixture_removed)
{
    struct map_top top = put_first(300);
    uint8_t bytes[PAGE_BYTES];
    struct page_range range = {.page = 200, .len = PAGE_BYTES};
    start_anew(true);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &top, "of v1");
    int rc, tries = 0;
    while ((rc = pages_read(pages, &range, bytes, &nowait, NULL)) == -EAGAIN && ++tries < 10000)
        usleep(1000);
    cr_assert(!rc && tries, "%d after %d", rc, tries);
    check_page(pages, 200, 1);
}

static void *cancel_soon(void *flag)
{
    usleep(50000);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

CHECKED_TEST(store, with_the_store_stalled_waits_end_and_what_is_here_answers, fixture_made, fixture_removed)
{
    struct map_top top = put_first(300);
    uint8_t bytes[PAGE_BYTES];
    struct page_range cold = {.page = 200, .len = PAGE_BYTES};
    atomic_bool cancelled = false;
    struct catalog_patience late = {.deadline_ns = clock_now_ns() + 50000000},
                            cancellable = {.cancelled = &cancelled};
    start_anew(true);
    struct pages *pages = pages_new(paged.store, &top, "of v1");
    check_page(pages, 5, 1);
    held_set_mode(paged.held, HELD_HOLD);
    cr_assert_eq(pages_read(pages, &cold, bytes, &late, NULL), -ETIMEDOUT);
    pthread_t thread;
    pthread_create(&thread, NULL, cancel_soon, &cancelled);
    cr_assert_eq(pages_read(pages, &cold, bytes, &cancellable, NULL), -ECANCELED);
    pthread_join(thread, NULL);
    check_page(pages, 5, 1);
    cr_assert_eq(pages_read(pages, &cold, bytes, &nowait, NULL), -EAGAIN);
    pages_unref(pages); /* and what is on its way is given up */
    start_anew(false);
    pages = pages_new(paged.store, &top, "of v1");
    check_page(pages, 5, 1);
    pages_unref(pages);
    held_set_mode(paged.held, HELD_GIVE);
}

CHECKED_TEST(store, pages_that_lie_together_come_in_one_request, fixture_made, fixture_removed)
{
    struct map_top top = put_first(300);
    const uint32_t list[] = {103, 101, 104, 102, 100, 250};
    start_anew(true);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &top, "of v1");
    check_page(pages, 1, 1);
    check_page(pages, 201, 1);
    unsigned before = atomic_load(&paged.held->reads);
    cr_assert_eq(pages_want(pages, list, 6, &patient, NULL), 0);
    for (size_t i = 0; i < 6; i++)
        check_page(pages, list[i], 1);
    cr_assert_eq(atomic_load(&paged.held->reads) - before, 2);
}

/* The first leaf of the map is here, the two others are not. */
CHECKED_TEST(store, pages_come_together_too_where_the_map_does_not_say_yet_where_they_lie, fixture_made,
             fixture_removed)
{
    struct map_top top = put_first(300);
    const uint32_t list[] = {200, 201, 202, 203, 290, 291};
    start_anew(true);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &top, "of v1");
    check_page(pages, 1, 1);
    held_set_mode(paged.held, HELD_HOLD);
    cr_assert_eq(pages_want(pages, list, 6, &nowait, NULL), -EAGAIN);
    held_set_mode(paged.held, HELD_GIVE);
    unsigned before = atomic_load(&paged.held->reads);
    cr_assert_eq(pages_want(pages, list, 6, &patient, NULL), 0);
    for (size_t i = 0; i < 6; i++)
        check_page(pages, list[i], 1);
    cr_assert_leq(atomic_load(&paged.held->reads) - before, 3, "%u reads",
                  atomic_load(&paged.held->reads) - before);
}

CHECKED_TEST(store, what_one_version_brought_another_does_not_fetch, fixture_made, fixture_removed)
{
    struct map_top v1 = put_first(300);
    const uint32_t changed[] = {0, 7};
    struct map_top v2 = put_next(&v1, 2, changed, 2);
    start_anew(true);
    CLEANUP_PAGES struct pages *first = pages_new(paged.store, &v1, "of v1");
    CLEANUP_PAGES struct pages *second = pages_new(paged.store, &v2, "of v2");
    for (uint32_t i = 0; i < 300; i++)
        check_page(first, i, 1);
    check_page(second, 7, 2);
    unsigned before = atomic_load(&paged.held->reads);
    check_page(second, 6, 1);
    check_page(second, 120, 1);
    cr_assert_eq(atomic_load(&paged.held->reads), before);
}

CHECKED_TEST(store, every_page_is_checked_in_the_store_and_shared_ones_once, fixture_made, fixture_removed)
{
    struct map_top v1 = put_first(300);
    const uint32_t changed[] = {0, 7};
    struct map_top v2 = put_next(&v1, 2, changed, 2);
    struct error err = {0};
    struct map_pack pack;
    struct map_place place = place_of(&v1, 299, &pack);
    CLEANUP_PAGES struct pages *first = pages_new(paged.store, &v1, "of v1");
    CLEANUP_PAGES struct pages *second = pages_new(paged.store, &v2, "of v2");
    struct pages_check *check = pages_check_new(paged.store);
    cr_assert_eq(pages_check_version(check, first, &err), 0, "%s", err.text);
    uint64_t bytes = pages_check_bytes(check);
    cr_assert_eq(pages_check_version(check, second, &err), 0, "%s", err.text);
    cr_assert_lt(pages_check_bytes(check) - bytes, bytes / 10);
    pages_check_free(check);
    check_page(first, 299, 1);
    flip(pack.id, place.offset + 1);
    check_page(first, 299, 1); /* out of the cache */
    check = pages_check_new(paged.store);
    cr_assert_eq(pages_check_version(check, second, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "page 300 in elidefs/packs/"), "%s", err.text);
    pages_check_free(check);
}
