// SPDX-License-Identifier: Apache-2.0
/* A page map's root: written and read back, and each number in it made wrong. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/base/map.h"
#include "tests/test_leaks.h"

static struct map_top top_of(uint32_t pages)
{
    return (struct map_top){.page_bytes = 8192, .pages = pages};
}

/* A root of 300 pages (three leaves) and 130 packs (two lists). */
static void make_root(struct buf *buf)
{
    map_put_root_head(buf, 8192, 300, 130);
    for (uint32_t i = 0; i < 3; i++) {
        struct map_place place = {
            .pack = i, .offset = 1000 * i, .len = 100 + map_leaf_pages(300, i), .hash = {7}};
        map_put_place(buf, &place);
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct map_packs_leaf leaf = {
            .at = {.id = {9}, .pack_size = 100000, .offset = i, .len = map_packs_leaf_bytes(130, i)}};
        map_put_packs_leaf(buf, &leaf);
    }
}

Test(map, what_was_written_is_read)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    struct map_top top = top_of(300);
    struct map_root root;
    struct map_place place;
    struct map_packs_leaf packs;
    struct error err = {0};
    make_root(&buf);
    cr_assert_eq(buf.len, map_root_bytes(300, 130));
    cr_assert_eq(map_root_read(buf.data, buf.len, &top, &root, &err), 0, "%s", err.text);
    cr_assert_eq(root.leaves, 3);
    cr_assert_eq(root.packs_leaves, 2);
    cr_assert_eq(map_root_leaf(&root, 2, &place, &err), 0, "%s", err.text);
    cr_assert(place.pack == 2 && place.offset == 2000 && place.len == 100 + 44 && place.hash[0] == 7);
    cr_assert_eq(map_root_packs_leaf(&root, 1, &packs, &err), 0, "%s", err.text);
    cr_assert(packs.at.offset == 1 && packs.at.len == 2 * MAP_PACK_BYTES && packs.at.id[0] == 9);
    buf_done(&buf);
    check_leaks();
}

Test(map, a_page_that_is_not_stored_is_a_page_of_zeros)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    struct map_root root = {.page_bytes = 8192, .pages = 2, .packs = 1};
    const struct map_place places[] = {{.zero = true}, {.len = 8192}},
                           apart = {.len = MAP_HASH_BYTES, .hash = {1}};
    struct map_place place;
    struct map_leaf leaf;
    uint32_t far;
    map_put_leaf(&buf, places, 2, &apart);
    cr_assert_eq(map_leaf_open(&root, 0, buf.data, buf.len, &leaf, NULL), 0);
    cr_assert_eq(map_leaf_page(&leaf, 0, &place, &far, NULL), 0);
    cr_assert(place.zero);
    cr_assert_eq(map_leaf_page(&leaf, 1, &place, &far, NULL), 0);
    cr_assert(!place.zero && place.len == 8192 && !far);
    buf.data[26] = 1; /* now there would be two that are stored, and the run has one */
    cr_assert_eq(map_leaf_open(&root, 0, buf.data, buf.len, &leaf, NULL), -EUCLEAN);
    buf_done(&buf);
    check_leaks();
}

/* Pages here and there: in runs of two packs, near and not, with pages of zeros between. */
static void make_places(struct map_place places[MAP_FAN])
{
    uint32_t at = 1000;
    for (uint32_t i = 0; i < MAP_FAN; i++) {
        uint32_t len = 900 + i;
        places[i] = i % 11 == 5 ? (struct map_place){.zero = true}
                                : (struct map_place){.near = i / 8 % 3 == 1,
                                                     .pack = i > 60,
                                                     .offset = at,
                                                     .len = len,
                                                     .hash = {(uint8_t)(i + 1)}};
        at += places[i].zero ? 0 : len + (i % 17 == 3);
    }
}

Test(map, a_leaf_says_of_each_page_where_it_lies_and_where_its_hash_stands)
{
    CLEANUP_BUF struct buf buf = BUF_INIT, hashes = BUF_INIT;
    struct map_root root = {.page_bytes = 8192, .pages = 2 * MAP_FAN, .packs = 2};
    struct map_place places[MAP_FAN], apart = {.pack = 1, .offset = 7};
    struct map_leaf leaf;
    struct error err = {0};
    make_places(places);
    map_put_hashes(&hashes, places, MAP_FAN);
    apart.len = (uint32_t)hashes.len;
    map_put_leaf(&buf, places, MAP_FAN, &apart);
    cr_assert_lt(buf.len, 1200, "%zu", buf.len);
    cr_assert_eq(map_leaf_open(&root, 1, buf.data, buf.len, &leaf, &err), 0, "%s", err.text);
    cr_assert(leaf.apart.pack == 1 && leaf.apart.offset == 7 && leaf.far * MAP_HASH_BYTES == hashes.len);
    for (uint32_t i = 0; i < MAP_FAN; i++) {
        struct map_place place;
        uint32_t far;
        cr_assert_eq(map_leaf_page(&leaf, MAP_FAN + i, &place, &far, &err), 0, "%s", err.text);
        cr_assert(place.zero == places[i].zero && place.near == places[i].near &&
                      place.pack == places[i].pack && place.offset == places[i].offset &&
                      place.len == places[i].len,
                  "page %u", i);
        const void *hash = place.near ? place.hash : (uint8_t *)hashes.data + (size_t)far * MAP_HASH_BYTES;
        cr_assert(place.zero || !memcmp(hash, places[i].hash, MAP_HASH_BYTES), "page %u", i);
    }
    for (size_t len = 0; len < buf.len; len++)
        cr_assert_eq(map_leaf_open(&root, 1, buf.data, len, &leaf, &err), -EUCLEAN, "%zu", len);
    buf.data[8] += MAP_HASH_BYTES; /* of the hashes that stand apart */
    cr_assert_eq(map_leaf_open(&root, 1, buf.data, buf.len, &leaf, &err), -EUCLEAN);
    buf_done(&buf), buf_done(&hashes);
    check_leaks();
}

Test(map, a_root_of_other_sizes_is_refused)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    struct map_top top = top_of(300);
    struct map_root root;
    struct error err = {0};
    make_root(&buf);
    for (size_t len = 0; len < buf.len; len++)
        cr_assert_eq(map_root_read(buf.data, len, &top, &root, &err), -EUCLEAN, "%zu", len);
    buf_u8(&buf, 0);
    cr_assert_eq(map_root_read(buf.data, buf.len, &top, &root, &err), -EUCLEAN);
    buf_truncate(&buf, buf.len - 1);
    top.pages = 301;
    cr_assert_eq(map_root_read(buf.data, buf.len, &top, &root, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "the manifest says 301"), "%s", err.text);
    top = top_of(300);
    top.page_bytes = 4096;
    cr_assert_eq(map_root_read(buf.data, buf.len, &top, &root, &err), -EUCLEAN);
    top = top_of(300);
    buf.data[7]++;
    cr_assert_eq(map_root_read(buf.data, buf.len, &top, &root, &err), -EUCLEAN);
    cr_assert(strstr(err.text, "has a format that this elidefs " ELIDEFS_VERSION " does not know"), "%s",
              err.text);
    buf.data[7]--;
    buf.data[0] ^= 1;
    cr_assert_eq(map_root_read(buf.data, buf.len, &top, &root, &err), -EUCLEAN);
    buf_done(&buf);
    check_leaks();
}

Test(map, a_place_outside_of_what_there_is_is_refused)
{
    static const struct {
        struct map_place place;
        const char *says;
    } cases[] = {
        {{.pack = 4, .len = 100}, "pack 4 of 4"},
        {{.pack = MAP_PACKS_MAX, .len = 100}, "of 4"},
        {{.pack = 1, .len = 8193}, "8193 bytes, more than it has"},
    };
    struct map_root root = {.page_bytes = 8192, .pages = 1, .packs = 4};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_BUF struct buf buf = BUF_INIT;
        struct map_place place;
        struct map_leaf leaf;
        struct error err = {0};
        uint32_t far;
        map_put_leaf(&buf, &cases[i].place, 1, &(struct map_place){.len = MAP_HASH_BYTES});
        cr_assert_eq(map_leaf_open(&root, 0, buf.data, buf.len, &leaf, &err), 0, "%s", err.text);
        cr_assert_eq(map_leaf_page(&leaf, 0, &place, &far, &err), -EUCLEAN);
        cr_assert(strstr(err.text, cases[i].says), "%s", err.text);
        buf_done(&buf);
    }
    struct map_pack pack = {.size = 1000};
    cr_assert_eq(map_place_check(&(struct map_place){.offset = 900, .len = 100}, &pack, NULL), 0);
    cr_assert_eq(map_place_check(&(struct map_place){.offset = 901, .len = 100}, &pack, NULL), -EUCLEAN);
    cr_assert_eq(map_place_check(&(struct map_place){.offset = UINT32_MAX, .len = 100}, &pack, NULL),
                 -EUCLEAN);
    check_leaks();
}

Test(map, a_node_is_as_long_as_its_count_says_or_refused)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    struct map_top top = top_of(300);
    struct map_root root;
    struct map_place place;
    struct map_packs_leaf packs;
    make_root(&buf);
    cr_assert_eq(map_root_read(buf.data, buf.len, &top, &root, NULL), 0);
    buf.data[20 + 8] = buf.data[20 + 9] = 0xff; /* the first leaf's length */
    cr_assert_eq(map_root_leaf(&root, 0, &place, NULL), -EUCLEAN);
    buf.data[20 + 3 * MAP_PLACE_BYTES + 24]++; /* the first list's */
    cr_assert_eq(map_root_packs_leaf(&root, 0, &packs, NULL), -EUCLEAN);
    buf_done(&buf);
    check_leaks();
}
