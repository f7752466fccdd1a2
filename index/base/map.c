// SPDX-License-Identifier: Apache-2.0
/* Every entry has the same size, so an entry is found without reading those before it, and a node's size
 * follows from the counts that stand above it. */
#include "index/base/map.h"

#include <errno.h>
#include <string.h>

#include "cache/base/cursor.h"

static const char magic[8] = {'e', 'l', 'i', 'd', 'm', 'a', 'p', '1'};
enum { HEAD_BYTES = 20, FLAG_ZERO = 1, PACK_BITS = 24 };

uint32_t map_leaves_of(uint32_t count)
{
    return count / MAP_FAN + (count % MAP_FAN != 0);
}

static uint32_t entries_in(uint32_t count, uint32_t leaf)
{
    uint32_t first = leaf * MAP_FAN;
    return count - first < MAP_FAN ? count - first : MAP_FAN;
}

uint32_t map_leaf_bytes(uint32_t pages, uint32_t leaf)
{
    return entries_in(pages, leaf) * MAP_PLACE_BYTES;
}

uint32_t map_packs_leaf_bytes(uint32_t packs, uint32_t leaf)
{
    return entries_in(packs, leaf) * MAP_PACK_BYTES;
}

uint64_t map_root_bytes(uint32_t pages, uint32_t packs)
{
    return HEAD_BYTES + (uint64_t)map_leaves_of(pages) * MAP_PLACE_BYTES +
           (uint64_t)map_leaves_of(packs) * MAP_PACKS_LEAF_BYTES;
}

void map_hash(const void *bytes, size_t len, uint8_t ret[MAP_HASH_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    sha256_of(bytes, len, digest);
    memcpy(ret, digest, MAP_HASH_BYTES);
}

int map_root_read(const void *bytes, size_t len, const struct map_top *top, struct map_root *ret,
                  struct error *err)
{
    struct cursor c = cursor_of(bytes, len);
    const uint8_t *start = cursor_bytes(&c, sizeof magic);
    struct map_root root = {
        .page_bytes = cursor_le32(&c), .pages = cursor_le32(&c), .packs = cursor_le32(&c)};
    if (c.failed || memcmp(start, magic, sizeof magic) != 0)
        return error_set(err, EUCLEAN, "is no root of a page map");
    if (root.page_bytes != top->page_bytes || root.pages != top->pages)
        return error_set(err, EUCLEAN, "is of %u pages of %u bytes, the manifest says %u of %u", root.pages,
                         root.page_bytes, top->pages, top->page_bytes);
    if (!root.packs || root.packs > MAP_PACKS_MAX)
        return error_set(err, EUCLEAN, "names %u packs", root.packs);
    if (len != map_root_bytes(root.pages, root.packs))
        return error_set(err, EUCLEAN, "is %zu bytes long, but of %u pages and %u packs", len, root.pages,
                         root.packs);
    root.leaves = map_leaves_of(root.pages);
    root.packs_leaves = map_leaves_of(root.packs);
    root.leaf_bytes = cursor_bytes(&c, (uint64_t)root.leaves * MAP_PLACE_BYTES);
    root.packs_bytes = cursor_bytes(&c, (uint64_t)root.packs_leaves * MAP_PACKS_LEAF_BYTES);
    *ret = root;
    return 0;
}

static int read_place(const struct map_root *root, const uint8_t bytes[MAP_PLACE_BYTES],
                      struct map_place *ret, struct error *err)
{
    static const uint8_t nothing[MAP_PLACE_BYTES - 4];
    struct cursor c = cursor_of(bytes, MAP_PLACE_BYTES);
    uint32_t word = cursor_le32(&c);
    struct map_place place = {.zero = word >> PACK_BITS == FLAG_ZERO, .pack = word & MAP_PACKS_MAX};
    place.offset = cursor_le32(&c);
    place.len = cursor_le16(&c);
    memcpy(place.hash, cursor_bytes(&c, MAP_HASH_BYTES), MAP_HASH_BYTES);
    if (word >> PACK_BITS > FLAG_ZERO ||
        (place.zero && (place.pack || memcmp(bytes + 4, nothing, sizeof nothing) != 0)))
        return error_set(err, EUCLEAN, "has flags or a place that cannot be");
    if (!place.zero && (place.pack >= root->packs || !place.len))
        return error_set(err, EUCLEAN, "is said to lie in pack %u of %u, %u bytes long", place.pack,
                         root->packs, place.len);
    *ret = place;
    return 0;
}

int map_root_leaf(const struct map_root *root, uint32_t leaf, struct map_place *ret, struct error *err)
{
    struct map_place place;
    int rc = read_place(root, root->leaf_bytes + (size_t)leaf * MAP_PLACE_BYTES, &place, err);
    if (!rc && (place.zero || place.len != map_leaf_bytes(root->pages, leaf)))
        rc = error_set(err, EUCLEAN, "is said to be %u bytes long, it must be %u", place.len,
                       map_leaf_bytes(root->pages, leaf));
    if (!rc)
        *ret = place;
    return rc;
}

int map_root_packs_leaf(const struct map_root *root, uint32_t leaf, struct map_packs_leaf *ret,
                        struct error *err)
{
    struct cursor c =
        cursor_of(root->packs_bytes + (size_t)leaf * MAP_PACKS_LEAF_BYTES, MAP_PACKS_LEAF_BYTES);
    struct map_packs_leaf made;
    memcpy(made.at.id, cursor_bytes(&c, MAP_ID_BYTES), MAP_ID_BYTES);
    made.at.pack_size = cursor_le32(&c);
    made.at.offset = cursor_le32(&c);
    made.at.len = cursor_le16(&c);
    memcpy(made.hash, cursor_bytes(&c, MAP_HASH_BYTES), MAP_HASH_BYTES);
    if (made.at.pack_size > MAP_PACK_SIZE_MAX || made.at.offset > made.at.pack_size ||
        made.at.len > made.at.pack_size - made.at.offset ||
        made.at.len != map_packs_leaf_bytes(root->packs, leaf))
        return error_set(err, EUCLEAN, "is said to be bytes %u+%u of a pack of %u, %u bytes are needed",
                         made.at.offset, made.at.len, made.at.pack_size,
                         map_packs_leaf_bytes(root->packs, leaf));
    *ret = made;
    return 0;
}

int map_leaf_page(const struct map_root *root, const void *leaf, uint32_t page, struct map_place *ret,
                  struct error *err)
{
    const uint8_t *bytes = (const uint8_t *)leaf + (size_t)(page % MAP_FAN) * MAP_PLACE_BYTES;
    struct map_place place;
    int rc = read_place(root, bytes, &place, err);
    if (!rc && place.len > root->page_bytes)
        rc = error_set(err, EUCLEAN, "is said to be packed into %u bytes, more than it has", place.len);
    if (!rc)
        *ret = place;
    return rc;
}

int map_packs_leaf_pack(const void *leaf, uint32_t pack, struct map_pack *ret, struct error *err)
{
    struct cursor c =
        cursor_of((const uint8_t *)leaf + (size_t)(pack % MAP_FAN) * MAP_PACK_BYTES, MAP_PACK_BYTES);
    struct map_pack made;
    memcpy(made.id, cursor_bytes(&c, MAP_ID_BYTES), MAP_ID_BYTES);
    made.size = cursor_le32(&c);
    if (!made.size || made.size > MAP_PACK_SIZE_MAX)
        return error_set(err, EUCLEAN, "is said to be %u bytes long", made.size);
    *ret = made;
    return 0;
}

int map_place_check(const struct map_place *place, const struct map_pack *pack, struct error *err)
{
    if (place->offset <= pack->size && place->len <= pack->size - place->offset)
        return 0;
    return error_set(err, EUCLEAN, "is said to be bytes %u+%u of a pack of %u", place->offset, place->len,
                     pack->size);
}

/* ---- writing ---- */

void map_put_root_head(struct buf *buf, uint32_t page_bytes, uint32_t pages, uint32_t packs)
{
    buf_append(buf, magic, sizeof magic);
    buf_le32(buf, page_bytes);
    buf_le32(buf, pages);
    buf_le32(buf, packs);
}

void map_put_place(struct buf *buf, const struct map_place *place)
{
    static const uint8_t none[MAP_HASH_BYTES];
    buf_le32(buf, place->zero ? (uint32_t)FLAG_ZERO << PACK_BITS : place->pack);
    buf_le32(buf, place->zero ? 0 : place->offset);
    buf_le16(buf, (uint16_t)(place->zero ? 0 : place->len));
    buf_append(buf, place->zero ? none : place->hash, MAP_HASH_BYTES);
}

void map_put_packs_leaf(struct buf *buf, const struct map_packs_leaf *leaf)
{
    buf_append(buf, leaf->at.id, MAP_ID_BYTES);
    buf_le32(buf, leaf->at.pack_size);
    buf_le32(buf, leaf->at.offset);
    buf_le16(buf, (uint16_t)leaf->at.len);
    buf_append(buf, leaf->hash, MAP_HASH_BYTES);
}

void map_put_pack(struct buf *buf, const struct map_pack *pack)
{
    buf_append(buf, pack->id, MAP_ID_BYTES);
    buf_le32(buf, pack->size);
}
