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
        struct map_place place = {.pack = i, .offset = 1000 * i, .len = map_leaf_bytes(300, i), .hash = {7}};
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
    cr_assert(place.pack == 2 && place.offset == 2000 && place.len == 44 * MAP_PLACE_BYTES &&
              place.hash[0] == 7);
    cr_assert_eq(map_root_packs_leaf(&root, 1, &packs, &err), 0, "%s", err.text);
    cr_assert(packs.at.offset == 1 && packs.at.len == 2 * MAP_PACK_BYTES && packs.at.id[0] == 9);
    buf_done(&buf);
    check_leaks();
}

Test(map, a_page_that_is_not_stored_is_a_page_of_zeros)
{
    CLEANUP_BUF struct buf buf = BUF_INIT;
    struct map_root root = {.page_bytes = 8192, .pages = 2, .packs = 1};
    struct map_place zero = {.zero = true, .hash = {1}}, place;
    map_put_place(&buf, &zero);
    map_put_place(&buf, &(struct map_place){.len = 8192});
    cr_assert_eq(map_leaf_page(&root, buf.data, 0, &place, NULL), 0);
    cr_assert(place.zero);
    cr_assert_eq(map_leaf_page(&root, buf.data, 1, &place, NULL), 0);
    cr_assert(!place.zero && place.len == 8192);
    buf.data[20] = 1;
    cr_assert_eq(map_leaf_page(&root, buf.data, 0, &place, NULL), -EUCLEAN, "a page of zeros has no hash");
    buf_done(&buf);
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
        {{.pack = 1, .len = 0}, "0 bytes long"},
        {{.pack = 1, .len = 8193}, "8193 bytes, more than it has"},
    };
    struct map_root root = {.page_bytes = 8192, .pages = 1, .packs = 4};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_BUF struct buf buf = BUF_INIT;
        struct map_place place;
        struct error err = {0};
        map_put_place(&buf, &cases[i].place);
        cr_assert_eq(map_leaf_page(&root, buf.data, 0, &place, &err), -EUCLEAN);
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
    buf.data[20 + 8]++; /* the first leaf's length */
    cr_assert_eq(map_root_leaf(&root, 0, &place, NULL), -EUCLEAN);
    buf.data[20 + 3 * MAP_PLACE_BYTES + 24]++; /* the first list's */
    cr_assert_eq(map_root_packs_leaf(&root, 0, &packs, NULL), -EUCLEAN);
    buf_done(&buf);
    check_leaks();
}
