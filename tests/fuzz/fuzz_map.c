// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come as a root of a page map, a leaf and a list of packs: what is read of them lies inside
 * of what they say there is, and is written as it was read. Input: u32 pages, u16 length of the root, the
 * root, then the bytes of both nodes. */
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
            check(place.len == map_leaf_bytes(root->pages, i));
            check_place(&place, root->leaf_bytes + (size_t)i * MAP_PLACE_BYTES, root);
        }
    }
    for (uint32_t i = 0; i < root->packs_leaves; i++) {
        struct map_packs_leaf leaf;
        if (!map_root_packs_leaf(root, i, &leaf, NULL))
            check(leaf.at.offset + leaf.at.len <= leaf.at.pack_size);
    }
}

static void check_nodes(const struct map_root *root, const uint8_t *bytes, size_t len)
{
    for (uint32_t page = 0; (page % MAP_FAN + 1) * MAP_PLACE_BYTES <= len && page < MAP_FAN; page++) {
        struct map_place place;
        struct map_pack pack;
        if (map_leaf_page(root, bytes, page, &place, NULL))
            continue;
        check(place.len <= root->page_bytes);
        check_place(&place, bytes + (size_t)page * MAP_PLACE_BYTES, root);
        if (!map_packs_leaf_pack(bytes, page, &pack, NULL) && !map_place_check(&place, &pack, NULL))
            check((uint64_t)place.offset + place.len <= pack.size);
    }
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
    size_t left = cursor_left(&c);
    check_nodes(&root, cursor_bytes(&c, left), left);
    return 0;
}
