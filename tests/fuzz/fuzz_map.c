// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come as a root of a page map, a leaf and a list of packs: what is read of them lies inside
 * of what they say there is, and is written as it was read. Input: u32 pages, u16 length of the root, the
 * root, u16 length of its first leaf, the leaf, then a list. */
#include <errno.h>
#include <string.h>

#include "cache/base/cursor.h"
#include "index/base/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
    if (!ok)
        __builtin_trap();
}

static void check_place(const struct map_place *place, const uint8_t *bytes, const struct map_root *root)
{
    CLEANUP_BUF struct buf again = BUF_INIT;
    check(place->zero || (place->pack < root->packs && place->len > 0));
    map_put_place(&again, place);
    check(again.len == MAP_PLACE_BYTES && !memcmp(again.data, bytes, again.len));
}

static void check_root(const struct map_root *root)
{
    for (uint32_t i = 0; i < root->leaves; i++) {
        struct map_place place;
        if (!map_root_leaf(root, i, &place, NULL)) {
            check(place.len <= MAP_LEAF_BYTES_MAX);
            check_place(&place, root->leaf_bytes + (size_t)i * MAP_PLACE_BYTES, root);
        }
    }
    for (uint32_t i = 0; i < root->packs_leaves; i++) {
        struct map_packs_leaf leaf;
        if (!map_root_packs_leaf(root, i, &leaf, NULL))
            check(leaf.at.offset + leaf.at.len <= leaf.at.pack_size);
    }
}

static void check_list(const struct map_place *place, const uint8_t *bytes, size_t len)
{
    struct map_pack pack;
    for (uint32_t i = 0; (i + 1) * MAP_PACK_BYTES <= len && i < MAP_FAN; i++)
        if (!map_packs_leaf_pack(bytes, i, &pack, NULL) && !map_place_check(place, &pack, NULL))
            check((uint64_t)place->offset + place->len <= pack.size);
}

/* What is read, written again, is read again; in as many bytes, or less. */
static void check_again(const struct map_root *root, const struct map_leaf *leaf,
                        const struct map_place *places, size_t len)
{
    CLEANUP_BUF struct buf again = BUF_INIT;
    struct map_leaf other;
    map_put_leaf(&again, places, leaf->count, &leaf->apart);
    check(again.len <= len && !map_leaf_open(root, 0, again.data, again.len, &other, NULL));
    check(other.far == leaf->far);
    for (uint32_t page = 0; page < leaf->count; page++) {
        struct map_place place;
        uint32_t far = 0;
        check(!map_leaf_page(&other, page, &place, &far, NULL) && place.zero == places[page].zero);
        check(place.near == places[page].near && place.pack == places[page].pack &&
              place.offset == places[page].offset && place.len == places[page].len);
    }
}

static void check_leaf(const struct map_root *root, const uint8_t *bytes, size_t len, struct cursor list)
{
    struct map_leaf leaf;
    struct map_place places[MAP_FAN];
    uint32_t good = 0;
    if (!root->leaves || map_leaf_open(root, 0, bytes, len, &leaf, NULL))
        return;
    for (uint32_t page = 0; page < leaf.count; page++) {
        uint32_t far = 0;
        if (map_leaf_page(&leaf, page, &places[page], &far, NULL))
            continue;
        good++;
        check(places[page].zero || (places[page].len <= root->page_bytes && places[page].pack < root->packs));
        check(places[page].zero || places[page].near || far < leaf.far);
        check_list(&places[page], list.data + list.at, cursor_left(&list));
    }
    if (good == leaf.count)
        check_again(root, &leaf, places, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_of(data, size);
    struct map_top top = {.page_bytes = 8192, .pages = cursor_le32(&c)};
    uint16_t len = cursor_le16(&c);
    const uint8_t *bytes = cursor_bytes(&c, len);
    struct map_root root;
    struct error err = {0};
    if (!bytes)
        return 0;
    if (map_root_read(bytes, len, &top, &root, &err)) {
        check(err.code == EUCLEAN && *err.text);
        return 0;
    }
    check_root(&root);
    len = cursor_le16(&c);
    bytes = cursor_bytes(&c, len);
    if (bytes)
        check_leaf(&root, bytes, len, c);
    return 0;
}
