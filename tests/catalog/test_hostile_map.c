// SPDX-License-Identifier: Apache-2.0
/* Maps that somebody made to do harm, with hashes that fit: holes, places that overlap, sizes that lie, packs
 * of others, nodes in the place of pages, pages in the place of others. What a reader is given is what the
 * map vouches for, or it is damage that says where; and SQLite finds its way out of whatever that makes. */
#include <fcntl.h>
#include <stdlib.h>

#include "cache/base/instant.h"
#include "index/catalog/catalog.h"
#include "index/pages/pages_check.h"
#include "tests/catalog/asked.h"
#include "tests/catalog/everything.h"
#include "tests/pages/fixture.h"

enum { PAGES = 40, PACKS_MAX = 4, CLIPS = 200 };

static const struct catalog_patience patient = {0};

/* A map of up to MAP_FAN pages, to be changed and then published in a pack of its own. */
struct forged {
    uint32_t page_bytes, pages, packs;
    struct map_place places[MAP_FAN];
    struct map_pack list[PACKS_MAX];
};

static struct forged forge(const struct map_top *top)
{
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, top, "of a sound one");
    struct forged map = {.page_bytes = top->page_bytes, .pages = top->pages, .packs = 1};
    struct error err = {0};
    cr_assert_leq(map.pages, MAP_FAN);
    for (uint32_t i = 0; i < map.pages; i++)
        cr_assert_eq(pages_place(pages, i, &map.places[i], &err), 0, "%s", err.text);
    cr_assert_eq(pages_pack(pages, 0, &patient, &map.list[0], &err), 0, "%s", err.text);
    return map;
}

/* root, list, hashes, leaf: in one pack, which is the last of the list. */
static struct map_top publish(const struct forged *map)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT, list = BUF_INIT, leaf = BUF_INIT, hashes = BUF_INIT;
    struct map_top top = {.page_bytes = map->page_bytes, .pages = map->pages};
    struct error err = {0};
    uint32_t packs = map->packs + 1;
    random_bytes(top.root.id, MAP_ID_BYTES);
    top.root.len = (uint32_t)map_root_bytes(map->pages, packs);
    struct map_place apart = {.pack = map->packs, .offset = top.root.len + packs * MAP_PACK_BYTES};
    map_put_hashes(&hashes, map->places, map->pages);
    apart.len = (uint32_t)hashes.len;
    apart.zero = !apart.len;
    map_hash(hashes.data, hashes.len, apart.hash);
    map_put_leaf(&leaf, map->places, map->pages, &apart);
    uint32_t leaf_at = apart.offset + apart.len;
    top.root.pack_size = leaf_at + (uint32_t)leaf.len;
    for (uint32_t i = 0; i < map->packs; i++)
        map_put_pack(&list, &map->list[i]);
    struct map_pack own = {.size = top.root.pack_size};
    memcpy(own.id, top.root.id, MAP_ID_BYTES);
    map_put_pack(&list, &own);
    struct map_packs_leaf at = {.at = top.root};
    at.at.offset = top.root.len;
    at.at.len = (uint32_t)list.len;
    map_hash(list.data, list.len, at.hash);
    struct map_place place = {.pack = map->packs, .offset = leaf_at, .len = (uint32_t)leaf.len};
    map_hash(leaf.data, leaf.len, place.hash);
    map_put_root_head(&bytes, map->page_bytes, map->pages, packs);
    map_put_place(&bytes, &place);
    map_put_packs_leaf(&bytes, &at);
    cr_assert_eq(bytes.len, top.root.len);
    sha256_of(bytes.data, bytes.len, top.sha256);
    buf_append(&bytes, list.data, list.len);
    buf_append(&bytes, hashes.data, hashes.len);
    buf_append(&bytes, leaf.data, leaf.len);
    CLEANUP_FREE char *path = pack_path(top.root.id);
    cr_assert_eq(file_replace(path, bytes.data, bytes.len, 0600, &err), 0, "%s", err.text);
    return top;
}

/* ---- what each page is ---- */

static struct forged first;

static void hole(struct forged *map)
{
    map->places[7] = (struct map_place){.zero = true};
}

static void twice(struct forged *map)
{
    map->places[7] = map->places[8];
}

static void overlap(struct forged *map)
{
    map->places[7].offset++;
}

static void longer(struct forged *map)
{
    map->places[7].len++;
}

static void node(struct forged *map)
{
    struct map_top top = publish(&first); /* the end of its leaf, and a hash that fits */
    uint32_t len = first.pages * 2;
    map->list[map->packs].size = top.root.pack_size;
    memcpy(map->list[map->packs].id, top.root.id, MAP_ID_BYTES);
    CLEANUP_FREE char *path = pack_path(top.root.id);
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    cr_assert_eq(file_read(path, 1 << 20, &bytes, NULL), 0);
    map->places[7] = (struct map_place){.pack = map->packs++, .offset = top.root.pack_size - len, .len = len};
    map_hash(bytes.data + bytes.len - len, len, map->places[7].hash);
}

static void another_pack(struct forged *map)
{
    random_bytes(map->list[map->packs].id, MAP_ID_BYTES); /* of another data set: it is not here */
    map->list[map->packs].size = 1 << 20;
    map->places[7].pack = map->packs++;
}

static void no_pack(struct forged *map)
{
    map->places[7].pack = 9;
}

static void larger_pack(struct forged *map)
{
    map->list[map->packs] = map->list[0];
    map->list[map->packs].size += 10000;
    map->places[7].pack = map->packs++;
    map->places[7].offset = map->list[0].size - 10; /* goes on behind its true end */
}

static void smaller_pack(struct forged *map)
{
    map->list[map->packs] = map->list[0];
    map->list[map->packs].size = map->places[7].offset + map->places[7].len - 1;
    map->places[7].pack = map->packs++;
}

static void huge_pack(struct forged *map)
{
    map->list[0].size = UINT32_MAX;
}

CHECKED_TEST(hostile_map, what_a_map_does_not_vouch_for_is_damage_that_says_where, fixture_made,
             fixture_removed)
{
    static const struct {
        void (*change)(struct forged *map);
        const char *says; /* NULL: it is read */
        unsigned shown;   /* then: 0: zeros, else that page */
    } cases[] = {
        {hole, NULL, 0},
        {twice, NULL, 8},
        {overlap, "page 8 in elidefs/packs/", 0},
        {longer, "page 8 in elidefs/packs/", 0},
        {node, "does not unpack to one page", 0},
        {another_pack, "no such object", 0},
        {no_pack, "page 8 is said to lie in pack 9 of 2", 0},
        {larger_pack, "is shorter than its catalog says", 0},
        {smaller_pack, "page 8 is said to be bytes ", 0},
        {huge_pack, "pack 0", 0},
    };
    struct map_top top = put_first(PAGES);
    first = forge(&top);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct forged map = first;
        uint8_t bytes[PAGE_BYTES], want[PAGE_BYTES] = {0};
        struct error err = {0};
        cases[i].change(&map);
        struct map_top bad = publish(&map);
        start_anew(true);
        CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &bad, "of v1 of it");
        int rc = read_page(pages, 7, bytes, &err);
        if (cases[i].says) {
            cr_assert(rc == -EUCLEAN && strstr(err.text, cases[i].says) && strstr(err.text, "of v1 of it"),
                      "case %zu: %d %s", i, rc, err.text);
            CLEANUP_PAGES_CHECK struct pages_check *check = pages_check_new(paged.store);
            rc = pages_check_version(check, pages, &err);
            cr_assert(rc == -EUCLEAN || rc == -ENOENT, "case %zu: %d %s", i, rc, err.text);
        } else {
            cr_assert_eq(rc, 0, "case %zu: %s", i, err.text);
            if (cases[i].shown)
                fill_page(cases[i].shown, 1, want);
            cr_assert(!memcmp(bytes, want, PAGE_BYTES), "case %zu", i);
        }
        if (cases[i].change != huge_pack)
            check_page(pages, 9, 1);
    }
}

CHECKED_TEST(hostile_map, a_pack_that_is_named_with_two_sizes_is_read_by_the_true_one, fixture_made,
             fixture_removed)
{
    struct map_top top = put_first(PAGES);
    struct forged map = forge(&top);
    map.list[map.packs] = map.list[0];
    map.list[map.packs].size += 1000;
    for (uint32_t i = 0; i < PAGES; i += 2)
        map.places[i].pack = map.packs;
    map.packs++;
    struct map_top bad = publish(&map);
    start_anew(true);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &bad, "of v1 of it");
    for (uint32_t i = 0; i < PAGES; i++) {
        uint8_t bytes[PAGE_BYTES], want[PAGE_BYTES];
        fill_page(i, 1, want);
        int rc = read_page(pages, i, bytes, NULL);
        cr_assert(rc ? rc == -EUCLEAN && i % 2 == 0 : !memcmp(bytes, want, PAGE_BYTES), "page %u: %d", i, rc);
    }
    CLEANUP_PAGES_CHECK struct pages_check *check = pages_check_new(paged.store);
    cr_assert_eq(pages_check_version(check, pages, NULL), -EUCLEAN);
}

CHECKED_TEST(hostile_map, what_a_mount_would_fetch_at_once_may_lie_anywhere, fixture_made, fixture_removed)
{
    struct map_top top = put_first(PAGES);
    const struct map_extent lies[] = {{.id = {9}, .pack_size = 1 << 20, .len = 1 << 20},
                                      {.id = {9}, .pack_size = 100, .offset = 90, .len = 10},
                                      top.root,
                                      top.root};
    for (size_t i = 0; i < 4; i++)
        top.hot[i] = lies[i];
    top.hot[2].len = 0;
    top.hot[3].pack_size += 5000;
    top.hot[3].offset = top.hot[3].pack_size - 100;
    top.hot[3].len = 100;
    top.hot_count = 4;
    start_anew(true);
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, &top, "of v1");
    for (int i = 0; i < 3; i++) {
        pages_want_hot(pages);
        for (uint32_t page = 0; page < PAGES; page++)
            check_page(pages, page, 1);
    }
}

/* ---- what SQLite makes of it ---- */

static struct map_top put_catalog(void)
{
    struct versions v;
    struct map_top top;
    CLEANUP_OVERLAY struct overlay *overlay = NULL;
    everything_make(&v, CLIPS);
    CLEANUP_FREE char *path = versions_path(&v, v.head);
    cr_assert_eq(overlay_new_plain(path, SCHEMA_PAGE_BYTES, &overlay, &v.err), 0, "%s", v.err.text);
    cr_assert_eq(paged_put(&paged, overlay, &top, &v.err), 0, "%s", v.err.text);
    versions_done(&v);
    return top;
}

static struct asked ask(const struct map_top *top)
{
    struct asked asked = {0};
    struct error err = {0};
    CLEANUP_PAGES struct pages *pages = pages_new(paged.store, top, "of v1 of it");
    struct catalog *catalog = catalog_open_pages(pages);
    struct catalog_patience late = {.deadline_ns = clock_now_ns() + 5000000000};
    struct catalog_reader *reader;
    int rc = catalog_reader_acquire(catalog, &late, &reader, &err);
    if (!rc)
        ask_all(reader, 20, &asked);
    if (!rc)
        catalog_reader_release(reader);
    asked.damaged += rc == -EUCLEAN;
    cr_assert(!rc || rc == -EUCLEAN, "%s", err.text);
    catalog_unref(catalog);
    return asked;
}

CHECKED_TEST(hostile_map, pages_in_the_place_of_others_end_in_an_answer_or_damage, fixture_made,
             fixture_removed)
{
    struct map_top top = put_catalog();
    const struct forged sound = forge(&top);
    struct asked good = ask(&top);
    unsigned seed = 4711, damaged = 0;
    cr_assert(!good.damaged && !good.strange.code, "%s %s", good.said.text, good.strange.text);
    for (uint32_t page = 0; page < sound.pages; page++)
        for (int kind = 0; kind < 3; kind++) {
            struct forged map = sound;
            if (kind == 0)
                map.places[page] = (struct map_place){.zero = true};
            else if (kind == 1)
                map.places[page] = sound.places[(unsigned)rand_r(&seed) % sound.pages];
            else
                map.pages = page + 1; /* the rest is not there, whatever the file's header says */
            struct map_top bad = publish(&map);
            struct asked asked = ask(&bad);
            cr_assert(!asked.strange.code, "page %u, kind %d: %s", page, kind, asked.strange.text);
            cr_assert(kind < 2 || page + 1 == sound.pages || asked.damaged, "%u pages are enough", page + 1);
            damaged += asked.damaged > 0;
        }
    cr_assert_gt(damaged, sound.pages, "%u", damaged);
}
