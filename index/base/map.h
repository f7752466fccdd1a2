// SPDX-License-Identifier: Apache-2.0
/*
 * The page map of a version: where each page of its catalog lies (format: index/FORMAT.md, "Page map").
 *
 *     manifest --> root --+--> leaf: 128 pages --+--> frame of a page, in a pack
 *                         |                      +--> hashes of these frames
 *                         +--> packs leaf: 128 packs --> id and size of a pack
 *
 * Each is vouched for by the one above: the manifest holds the root's SHA-256, the root a hash of each leaf,
 * a leaf one of the hashes of its frames. These stand apart, since they are most of a map and only those of
 * pages that are read are needed: a reader asks for them together with the pages. Those of pages that every
 * reader needs stand in the leaf. What is asked for by its hash cannot lead back to who asks, so there are no
 * cycles. Pure: bytes in, bytes out; whatever comes from a store is hostile and -EUCLEAN if it does not check
 * out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/hash.h"

enum {
    MAP_HASH_BYTES = 16, /* the first half of a SHA-256 */
    MAP_ID_BYTES = 16,   /* of a pack */
    MAP_PLACE_BYTES = 26,
    MAP_RUN_BYTES = 8, /* neighbouring pages of a leaf that lie side by side */
    MAP_PACK_BYTES = 20,
    MAP_PACKS_LEAF_BYTES = 42, /* of one in the root */
    MAP_FAN = 128,             /* pages of a leaf, packs of a packs leaf */
    MAP_LEAF_BYTES_MAX = MAP_PLACE_BYTES + MAP_FAN * (2 + MAP_RUN_BYTES + MAP_HASH_BYTES),
    MAP_PACKS_MAX = (1 << 24) - 1,
    MAP_PACK_SIZE_MAX = 1 << 30,
    MAP_PAGE_BYTES_MIN = 4096,
    MAP_PAGE_BYTES_MAX = 32768,
    MAP_ROOT_BYTES_MAX = 64 << 20,
    MAP_HOT_MAX = 8, /* extents that a mount fetches at once */
};

/* Bytes of a pack. */
struct map_extent {
    uint8_t id[MAP_ID_BYTES];
    uint32_t pack_size; /* of the whole pack */
    uint32_t offset, len;
};

/* What a manifest says of its catalog: all that is needed to read it. */
struct map_top {
    uint32_t page_bytes;
    uint32_t pages; /* 0: there is no catalog (v0) */
    struct map_extent root;
    uint8_t sha256[SHA256_BYTES];       /* of the root's bytes */
    struct map_extent hot[MAP_HOT_MAX]; /* what every reader needs, in the order they were written */
    unsigned hot_count;
};

/* Where a leaf, hashes or a page's frame lies. */
struct map_place {
    bool zero;     /* a page that is on SQLite's list of free ones: it is read as zeros and stored nowhere */
    bool near;     /* its hash stands in the leaf */
    uint32_t pack; /* its number */
    uint32_t offset, len;
    uint8_t hash[MAP_HASH_BYTES]; /* of the bytes stored there */
};

struct map_pack {
    uint8_t id[MAP_ID_BYTES];
    uint32_t size;
};

/* Where a leaf of the table of packs lies: by the pack's id, since numbers are what it is there for. */
struct map_packs_leaf {
    struct map_extent at;
    uint8_t hash[MAP_HASH_BYTES];
};

/* A root, read in place. */
struct map_root {
    uint32_t page_bytes, pages, packs;
    uint32_t leaves, packs_leaves;
    const uint8_t *leaf_bytes, *packs_bytes; /* borrowed */
};

/* A leaf, read in place. */
struct map_leaf {
    uint32_t first, count, far; /* its pages; those whose hashes stand apart */
    uint32_t page_bytes, packs;
    const uint8_t *lens, *runs, *hashes; /* borrowed */
    struct map_place apart;              /* where these hashes lie; zero: there are none */
};

uint32_t map_leaves_of(uint32_t count);                       /* leaves for so many pages, or packs */
uint32_t map_leaf_pages(uint32_t pages, uint32_t leaf);       /* pages of leaf number `leaf` */
uint32_t map_packs_leaf_bytes(uint32_t packs, uint32_t leaf); /* the same of the table of packs */
uint64_t map_root_bytes(uint32_t pages, uint32_t packs);

/* The first half of the SHA-256. */
void map_hash(const void *bytes, size_t len, uint8_t ret[MAP_HASH_BYTES]);

/* Checks sizes and counts against the manifest's; -EUCLEAN with the reason. */
int map_root_read(const void *bytes, size_t len, const struct map_top *top, struct map_root *ret,
                  struct error *err);
/* The places in a root and in leaves. Their bounds are checked against the count of packs, a frame's length
 * against a page's. */
int map_root_leaf(const struct map_root *root, uint32_t leaf, struct map_place *ret, struct error *err);
int map_root_packs_leaf(const struct map_root *root, uint32_t leaf, struct map_packs_leaf *ret,
                        struct error *err);
/* Leaf number `leaf` of this root. */
int map_leaf_open(const struct map_root *root, uint32_t leaf, const void *bytes, size_t len,
                  struct map_leaf *ret, struct error *err);
/* *ret_far: which of the hashes that stand apart is its own, if it is not near. */
int map_leaf_page(const struct map_leaf *leaf, uint32_t page, struct map_place *ret, uint32_t *ret_far,
                  struct error *err);
int map_packs_leaf_pack(const void *leaf, uint32_t pack, struct map_pack *ret, struct error *err);
/* Does it lie inside its pack? */
int map_place_check(const struct map_place *place, const struct map_pack *pack, struct error *err);

/* ---- writing ---- */

void map_put_root_head(struct buf *buf, uint32_t page_bytes, uint32_t pages, uint32_t packs);
void map_put_place(struct buf *buf, const struct map_place *place);
/* A leaf of these pages, and the hashes of those that are not near, which lie `apart`. */
void map_put_leaf(struct buf *buf, const struct map_place *places, uint32_t count,
                  const struct map_place *apart);
void map_put_hashes(struct buf *buf, const struct map_place *places, uint32_t count);
void map_put_packs_leaf(struct buf *buf, const struct map_packs_leaf *leaf);
void map_put_pack(struct buf *buf, const struct map_pack *pack);
