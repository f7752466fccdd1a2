// SPDX-License-Identifier: Apache-2.0
/* Every entry of a root or of a list has the same size, so it is found without reading those before it, and
 * the node's size follows from the counts that stand above it. In a leaf the lengths of frames come first,
 * and where they lie is said once for neighbours. */
#include "index/base/map.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "cache/base/cursor.h"

static const char magic[8] = {'e', 'l', 'i', 'd', 'm', 'a', 'p', '2'};
enum { HEAD_BYTES = 20, FLAG_ZERO = 1, PACK_BITS = 24, RUN_NEAR = 0x80 };

uint32_t map_leaves_of(uint32_t count)
{
    return count / MAP_FAN + (count % MAP_FAN != 0);
}

static uint32_t entries_in(uint32_t count, uint32_t leaf)
{
    uint32_t first = leaf * MAP_FAN;
    return count - first < MAP_FAN ? count - first : MAP_FAN;
}

uint32_t map_leaf_pages(uint32_t pages, uint32_t leaf)
{
    return entries_in(pages, leaf);
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
    bool other = !c.failed && start[sizeof magic - 1] != magic[sizeof magic - 1];
    if (other && !memcmp(start, magic, sizeof magic - 1))
        return error_set(err, EUCLEAN,
                         "has a format that this elidefs " ELIDEFS_VERSION
                         " does not know (a newer one does)");
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

static int bad_place(const struct map_place *place, uint32_t packs, struct error *err)
{
    return error_set(err, EUCLEAN, "is said to lie in pack %u of %u, %u bytes long", place->pack, packs,
                     place->len);
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
        return bad_place(&place, root->packs, err);
    *ret = place;
    return 0;
}

int map_root_leaf(const struct map_root *root, uint32_t leaf, struct map_place *ret, struct error *err)
{
    struct map_place place;
    int rc = read_place(root, root->leaf_bytes + (size_t)leaf * MAP_PLACE_BYTES, &place, err);
    if (!rc && (place.zero || place.len > MAP_LEAF_BYTES_MAX))
        rc = error_set(err, EUCLEAN, "is said to be %u bytes long, it may be %u", place.len,
                       MAP_LEAF_BYTES_MAX);
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

/* ---- leaves ---- */

static uint32_t len_of(const struct map_leaf *leaf, uint32_t i)
{
    return leaf->lens[2 * i] | (uint32_t)leaf->lens[2 * i + 1] << 8;
}

/* A run of pages that are stored, as it stands in a leaf. */
struct run {
    uint32_t pages, pack, offset;
    bool near;
};

static struct run run_at(const uint8_t *bytes)
{
    uint64_t word; /* a leaf has some seventy, and all are looked at each time */
    memcpy(&word, bytes, sizeof word);
    word = le64toh(word);
    return (struct run){.pages = (word >> PACK_BITS & (RUN_NEAR - 1)) + 1,
                        .near = word >> PACK_BITS & RUN_NEAR,
                        .pack = word & MAP_PACKS_MAX,
                        .offset = (uint32_t)(word >> 32)};
}

/* Runs hold all pages that are stored: how many bytes that takes, and how many of the pages are near. */
static bool count_runs(const struct map_leaf *leaf, struct cursor c, uint32_t stored, size_t *ret_bytes,
                       uint32_t *ret_near)
{
    size_t start = c.at;
    uint32_t near = 0;
    while (stored) {
        const uint8_t *bytes = cursor_bytes(&c, MAP_RUN_BYTES);
        struct run run = bytes ? run_at(bytes) : (struct run){0};
        if (!bytes || run.pages > stored)
            return false;
        stored -= run.pages;
        near += run.near ? run.pages : 0;
    }
    *ret_bytes = c.at - start;
    *ret_near = near;
    return true;
}

int map_leaf_open(const struct map_root *root, uint32_t number, const void *bytes, size_t len,
                  struct map_leaf *ret, struct error *err)
{
    struct cursor c = cursor_of(bytes, len);
    struct map_leaf leaf = {.first = number * MAP_FAN,
                            .count = entries_in(root->pages, number),
                            .page_bytes = root->page_bytes,
                            .packs = root->packs};
    const uint8_t *apart = cursor_bytes(&c, MAP_PLACE_BYTES);
    leaf.lens = cursor_bytes(&c, 2 * (uint64_t)leaf.count);
    uint32_t stored = 0, near = 0;
    size_t run_bytes = 0;
    for (uint32_t i = 0; leaf.lens && i < leaf.count; i++)
        stored += len_of(&leaf, i) > 0;
    bool good = leaf.lens && count_runs(&leaf, c, stored, &run_bytes, &near);
    leaf.runs = cursor_bytes(&c, run_bytes);
    leaf.hashes = cursor_bytes(&c, (uint64_t)near * MAP_HASH_BYTES);
    leaf.far = stored - near;
    if (!good || c.failed || cursor_left(&c))
        return error_set(err, EUCLEAN, "is %zu bytes long, but of %u pages", len, leaf.count);
    int rc = read_place(root, apart, &leaf.apart, err);
    if (!rc && leaf.apart.len != leaf.far * MAP_HASH_BYTES)
        rc = error_set(err, EUCLEAN, "is said to have %u bytes of hashes, it must be %u", leaf.apart.len,
                       leaf.far * MAP_HASH_BYTES);
    if (!rc)
        *ret = leaf;
    return rc;
}

int map_leaf_page(const struct map_leaf *leaf, uint32_t page, struct map_place *ret, uint32_t *ret_far,
                  struct error *err)
{
    const uint8_t *runs = leaf->runs, *hash = leaf->hashes;
    struct run run = {0};
    uint32_t far = 0, left = 0, at = page - leaf->first;
    uint64_t offset = 0;
    if (!len_of(leaf, at)) {
        *ret = (struct map_place){.zero = true};
        return 0;
    }
    for (uint32_t i = 0;; i++) {
        uint32_t len = len_of(leaf, i);
        if (len && !left) {
            run = run_at(runs);
            runs += MAP_RUN_BYTES;
            left = run.pages;
            offset = run.offset;
        }
        if (i == at)
            break;
        offset += len;
        left -= len > 0;
        hash += len && run.near ? MAP_HASH_BYTES : 0;
        far += len && !run.near;
    }
    struct map_place place = {
        .near = run.near, .pack = run.pack, .offset = (uint32_t)offset, .len = len_of(leaf, at)};
    if (place.pack >= leaf->packs || offset > UINT32_MAX)
        return bad_place(&place, leaf->packs, err);
    if (place.len > leaf->page_bytes)
        return error_set(err, EUCLEAN, "is said to be packed into %u bytes, more than it has", place.len);
    if (place.near)
        memcpy(place.hash, hash, MAP_HASH_BYTES);
    *ret = place;
    *ret_far = far;
    return 0;
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

/* Of the pages from the first one on, which is stored: those that lie behind it. */
static uint32_t run_from(const struct map_place *places, uint32_t count)
{
    uint32_t pages = 1;
    const struct map_place *before = places;
    for (uint32_t i = 1; i < count; i++) {
        if (places[i].zero)
            continue;
        if (places[i].pack != before->pack || places[i].near != before->near ||
            places[i].offset != before->offset + before->len)
            break;
        before = &places[i];
        pages++;
    }
    return pages;
}

static void put_runs(struct buf *buf, const struct map_place *places, uint32_t count)
{
    for (uint32_t i = 0, left = 0; i < count; i++) {
        if (places[i].zero)
            continue;
        if (!left) {
            left = run_from(places + i, count - i);
            uint32_t head = (left - 1) | (places[i].near ? RUN_NEAR : 0u);
            buf_le32(buf, head << PACK_BITS | places[i].pack);
            buf_le32(buf, places[i].offset);
        }
        left--;
    }
}

static void put_hashes(struct buf *buf, const struct map_place *places, uint32_t count, bool near)
{
    for (uint32_t i = 0; i < count; i++)
        if (!places[i].zero && places[i].near == near)
            buf_append(buf, places[i].hash, MAP_HASH_BYTES);
}

void map_put_leaf(struct buf *buf, const struct map_place *places, uint32_t count,
                  const struct map_place *apart)
{
    map_put_place(buf, apart);
    for (uint32_t i = 0; i < count; i++)
        buf_le16(buf, (uint16_t)(places[i].zero ? 0 : places[i].len));
    put_runs(buf, places, count);
    put_hashes(buf, places, count, true);
}

void map_put_hashes(struct buf *buf, const struct map_place *places, uint32_t count)
{
    put_hashes(buf, places, count, false);
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
