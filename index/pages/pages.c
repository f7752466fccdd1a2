// SPDX-License-Identifier: Apache-2.0
/* Nodes of the map are found like pages, by their hash in memory: a version holds its root and no more, so
 * that hundreds of open versions cost what they do not share. */
#include "index/pages/pages.h"

#include <errno.h>
#include <string.h>

struct pages {
    atomic_uint refs;
    struct page_store *store;
    struct map_top top;
    char *name;
    _Atomic(struct page_bytes *) root; /* NULL until it was read; its bytes have been checked */
};

struct pages *pages_new(struct page_store *store, const struct map_top *top, const char *name)
{
    struct pages *pages = MEM_NEW(struct pages);
    atomic_init(&pages->refs, 1);
    pages->store = page_store_ref(store);
    pages->top = *top;
    pages->name = mem_text(name);
    return pages;
}

struct pages *pages_ref(struct pages *pages)
{
    atomic_fetch_add(&pages->refs, 1);
    return pages;
}

void pages_unref(struct pages *pages)
{
    if (!pages || atomic_fetch_sub(&pages->refs, 1) != 1)
        return;
    struct page_bytes *root = atomic_load(&pages->root);
    if (root)
        page_bytes_unref(root);
    page_store_unref(pages->store);
    free(pages->name);
    free(pages);
}

const struct map_top *pages_top(const struct pages *pages)
{
    return &pages->top;
}

const char *pages_name(const struct pages *pages)
{
    return pages->name;
}

struct page_store *pages_store(const struct pages *pages)
{
    return pages->store;
}

/* ---- the map ---- */

static struct piece piece_of(const struct pages *pages, const char *what, uint32_t number)
{
    return (struct piece){.what = what, .number = number, .name = pages->name};
}

static int bring_root(struct pages *pages, const struct catalog_patience *patience, struct error *err)
{
    struct piece piece = piece_of(pages, "the map's root of page", 0);
    struct page_bytes *bytes, *none = NULL;
    struct map_root root;
    struct error why;
    uint8_t digest[SHA256_BYTES];
    piece.at = pages->top.root;
    memcpy(piece.hash, pages->top.sha256, MAP_HASH_BYTES);
    int rc = page_store_piece(pages->store, &piece, patience, &bytes, err);
    if (rc < 0)
        return rc;
    sha256_of(bytes->bytes, bytes->len, digest);
    if (memcmp(digest, pages->top.sha256, SHA256_BYTES) != 0)
        rc = page_store_damaged(&piece, err, "has another SHA-256 than the manifest says");
    else if (map_root_read(bytes->bytes, bytes->len, &pages->top, &root, &why) < 0)
        rc = page_store_damaged(&piece, err, why.text);
    if (rc < 0 || !atomic_compare_exchange_strong(&pages->root, &none, bytes))
        page_bytes_unref(bytes);
    return rc;
}

int pages_root(struct pages *pages, const struct catalog_patience *patience, struct map_root *ret,
               struct error *err)
{
    struct page_bytes *bytes = atomic_load_explicit(&pages->root, memory_order_acquire);
    if (!bytes) {
        int rc = bring_root(pages, patience, err);
        if (rc < 0)
            return rc;
        bytes = atomic_load_explicit(&pages->root, memory_order_acquire);
    }
    return map_root_read(bytes->bytes, bytes->len, &pages->top, ret, err);
}

/* What is wrong with an entry is told with the catalog it stands in. */
static int bad_entry(const struct pages *pages, struct error *err, const char *what, uint32_t number,
                     const struct error *why)
{
    return error_set(err, EUCLEAN, "the catalog %s is damaged: its page map: %s %u %s", pages->name, what,
                     number, why->text);
}

int pages_pack(struct pages *pages, uint32_t pack, const struct catalog_patience *patience,
               struct map_pack *ret, struct error *err)
{
    struct map_root root;
    struct map_packs_leaf leaf;
    struct error why;
    struct piece piece = piece_of(pages, "the list of packs from", pack / MAP_FAN * MAP_FAN);
    int rc = pages_root(pages, patience, &root, err);
    if (rc < 0)
        return rc;
    if (map_root_packs_leaf(&root, pack / MAP_FAN, &leaf, &why) < 0)
        return bad_entry(pages, err, piece.what, piece.number, &why);
    piece.at = leaf.at;
    memcpy(piece.hash, leaf.hash, MAP_HASH_BYTES);
    CLEANUP_PAGE_BYTES struct page_bytes *bytes = NULL;
    rc = page_store_piece(pages->store, &piece, patience, &bytes, err);
    if (rc < 0)
        return rc;
    return map_packs_leaf_pack(bytes->bytes, pack, ret, &why) < 0 ? bad_entry(pages, err, "pack", pack, &why)
                                                                  : 0;
}

/* Where a piece lies becomes what can be asked of the store. */
static int locate(struct pages *pages, const struct map_place *place, const struct catalog_patience *patience,
                  struct piece *piece, struct error *err)
{
    struct map_pack pack;
    struct error why;
    int rc = pages_pack(pages, place->pack, patience, &pack, err);
    if (rc < 0)
        return rc;
    if (map_place_check(place, &pack, &why) < 0)
        return bad_entry(pages, err, piece->what, piece->number, &why);
    piece->at = (struct map_extent){.pack_size = pack.size, .offset = place->offset, .len = place->len};
    memcpy(piece->at.id, pack.id, MAP_ID_BYTES);
    memcpy(piece->hash, place->hash, MAP_HASH_BYTES);
    return 0;
}

/* Where a leaf of the map lies. */
static int find_leaf(struct pages *pages, uint32_t leaf, const struct catalog_patience *patience,
                     struct piece *ret, struct error *err)
{
    struct map_root root;
    struct map_place place;
    struct error why;
    *ret = piece_of(pages, "the map of pages from", leaf * MAP_FAN + 1);
    int rc = pages_root(pages, patience, &root, err);
    if (rc < 0)
        return rc;
    if (map_root_leaf(&root, leaf, &place, &why) < 0)
        return bad_entry(pages, err, ret->what, ret->number, &why);
    return locate(pages, &place, patience, ret, err);
}

static int bring_leaf(struct pages *pages, uint32_t leaf, const struct catalog_patience *patience,
                      struct page_bytes **ret, struct error *err)
{
    struct piece piece;
    int rc = find_leaf(pages, leaf, patience, &piece, err);
    return rc < 0 ? rc : page_store_piece(pages->store, &piece, patience, ret, err);
}

/* The same, opened; it borrows *ret_bytes. */
static int open_leaf(struct pages *pages, uint32_t leaf, const struct catalog_patience *patience,
                     struct page_bytes **ret_bytes, struct map_leaf *ret, struct error *err)
{
    struct map_root root;
    struct error why;
    int rc = bring_leaf(pages, leaf, patience, ret_bytes, err);
    if (!rc)
        rc = pages_root(pages, patience, &root, err);
    if (!rc && map_leaf_open(&root, leaf, (*ret_bytes)->bytes, (*ret_bytes)->len, ret, &why) < 0)
        rc = bad_entry(pages, err, "the map of pages from", leaf * MAP_FAN + 1, &why);
    return rc;
}

/* ---- pages ---- */

/* A page, and the hashes that its own is among, if that does not stand in the leaf. */
struct found {
    bool zero, near;
    uint32_t far; /* its number in them */
    struct piece page, hashes;
};

static int find_hashes(struct pages *pages, const struct map_leaf *leaf,
                       const struct catalog_patience *patience, struct piece *ret, struct error *err)
{
    *ret = piece_of(pages, "the hashes of pages from", leaf->first + 1);
    return locate(pages, &leaf->apart, patience, ret, err);
}

/* Where they lie; the page's hash is known if it is near. */
static int find(struct pages *pages, uint32_t page, const struct catalog_patience *patience,
                struct found *ret, struct error *err)
{
    CLEANUP_PAGE_BYTES struct page_bytes *bytes = NULL;
    struct map_leaf leaf;
    struct map_place place;
    struct error why;
    int rc = open_leaf(pages, page / MAP_FAN, patience, &bytes, &leaf, err);
    if (rc < 0)
        return rc;
    if (map_leaf_page(&leaf, page, &place, &ret->far, &why) < 0)
        return bad_entry(pages, err, "page", page + 1, &why);
    ret->zero = place.zero;
    ret->near = place.near;
    ret->page = piece_of(pages, "page", page + 1); /* SQLite counts pages from 1, and so do errors */
    if (place.zero)
        return 0;
    rc = locate(pages, &place, patience, &ret->page, err);
    return rc < 0 || place.near ? rc : find_hashes(pages, &leaf, patience, &ret->hashes, err);
}

/* The hash of a page, out of those that stand apart. Both will be waited for, so both are asked for. */
static int bring_hash(struct pages *pages, struct found *found, const struct catalog_patience *patience,
                      struct error *err)
{
    CLEANUP_PAGE_BYTES struct page_bytes *hashes = NULL;
    if (!patience->local && !page_store_here(pages->store, &found->hashes))
        page_store_want(pages->store, &found->page.at);
    int rc = page_store_piece(pages->store, &found->hashes, patience, &hashes, err);
    if (!rc)
        memcpy(found->page.hash, hashes->bytes + (size_t)found->far * MAP_HASH_BYTES, MAP_HASH_BYTES);
    return rc;
}

/* 1: it is a page of zeros. */
static int find_page(struct pages *pages, uint32_t page, const struct catalog_patience *patience,
                     struct piece *ret, struct error *err)
{
    struct found found;
    int rc = find(pages, page, patience, &found, err);
    if (!rc && !found.zero && !found.near)
        rc = bring_hash(pages, &found, patience, err);
    if (rc < 0)
        return rc;
    *ret = found.page;
    return found.zero;
}

int pages_get(struct pages *pages, uint32_t page, const struct catalog_patience *patience,
              struct page_bytes **ret, struct error *err)
{
    struct piece piece;
    int rc = find_page(pages, page, patience, &piece, err);
    if (rc > 0)
        *ret = NULL;
    if (rc)
        return rc < 0 ? rc : 0;
    piece.page_bytes = pages->top.page_bytes;
    return page_store_piece(pages->store, &piece, patience, ret, err);
}

int pages_read(struct pages *pages, const struct page_range *range, void *to,
               const struct catalog_patience *patience, struct error *err)
{
    CLEANUP_PAGE_BYTES struct page_bytes *page = NULL;
    int rc = pages_get(pages, range->page, patience, &page, err);
    if (!rc && page)
        memcpy(to, page->bytes + range->offset, range->len);
    else if (!rc)
        memset(to, 0, range->len);
    return rc;
}

int pages_frame(struct pages *pages, uint32_t page, const struct catalog_patience *patience, struct buf *buf,
                struct error *err)
{
    struct piece piece;
    int rc = find_page(pages, page, patience, &piece, err);
    return rc < 0 ? rc : rc > 0 ? 0 : page_store_raw(pages->store, &piece, patience, buf, err);
}

/* ---- for who writes the next version, checks or counts ---- */

static int add_hashes(struct pages *pages, const struct map_leaf *leaf, const uint32_t far[MAP_FAN],
                      struct map_place places[MAP_FAN], struct error *err)
{
    const struct catalog_patience patient = {0};
    CLEANUP_PAGE_BYTES struct page_bytes *bytes = NULL;
    struct piece piece;
    int rc = leaf->far ? find_hashes(pages, leaf, &patient, &piece, err) : 0;
    if (!rc && leaf->far)
        rc = page_store_piece(pages->store, &piece, &patient, &bytes, err);
    for (uint32_t i = 0; !rc && i < leaf->count; i++)
        if (!places[i].zero && !places[i].near)
            memcpy(places[i].hash, bytes->bytes + (size_t)far[i] * MAP_HASH_BYTES, MAP_HASH_BYTES);
    return rc;
}

int pages_leaf(struct pages *pages, uint32_t number, bool hashes, struct map_place ret[MAP_FAN],
               struct map_place *ret_apart, struct error *err)
{
    const struct catalog_patience patient = {0};
    CLEANUP_PAGE_BYTES struct page_bytes *bytes = NULL;
    struct map_leaf leaf;
    struct map_place places[MAP_FAN];
    uint32_t far[MAP_FAN] = {0};
    struct error why;
    int rc = open_leaf(pages, number, &patient, &bytes, &leaf, err);
    for (uint32_t i = 0; !rc && i < leaf.count; i++)
        if (map_leaf_page(&leaf, leaf.first + i, &places[i], &far[i], &why) < 0)
            rc = bad_entry(pages, err, "page", leaf.first + i + 1, &why);
    if (!rc && hashes)
        rc = add_hashes(pages, &leaf, far, places, err);
    if (rc < 0)
        return rc;
    memcpy(ret, places, leaf.count * sizeof *ret);
    *ret_apart = leaf.apart;
    return 0;
}

int pages_place(struct pages *pages, uint32_t page, struct map_place *ret, struct error *err)
{
    struct map_place places[MAP_FAN], apart;
    int rc = pages_leaf(pages, page / MAP_FAN, true, places, &apart, err);
    if (!rc)
        *ret = places[page % MAP_FAN];
    return rc;
}

/* ---- ahead ---- */

static int by_place(const void *a, const void *b)
{
    const struct map_extent *x = a, *y = b;
    int order = memcmp(x->id, y->id, MAP_ID_BYTES);
    return order ? order : x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Extents in order of their places; those that lie close together are asked for as one. */
static void want_joined(struct page_store *store, struct map_extent *list, size_t count)
{
    enum { GAP_BYTES = 8192 }; /* costs less than another request */
    qsort(list, count, sizeof *list, by_place);
    for (size_t i = 0, next; i < count; i = next) {
        struct map_extent joined = list[i];
        for (next = i + 1; next < count && !memcmp(list[next].id, joined.id, MAP_ID_BYTES) &&
                           list[next].offset <= joined.offset + joined.len + GAP_BYTES;
             next++) {
            uint32_t end = list[next].offset + list[next].len;
            if (end > joined.offset + joined.len)
                joined.len = end - joined.offset;
        }
        page_store_want(store, &joined);
    }
}

/* Of something with a number: the pieces that are not here, at most two. */
typedef int missing_fn(struct pages *pages, uint32_t number, const struct catalog_patience *patience,
                       struct map_extent ret[2], struct error *err);

static int missing_leaf(struct pages *pages, uint32_t number, const struct catalog_patience *patience,
                        struct map_extent ret[2], struct error *err)
{
    struct piece piece;
    int rc = find_leaf(pages, number, patience, &piece, err);
    if (rc < 0 || page_store_here(pages->store, &piece))
        return rc;
    ret[0] = piece.at;
    return 1;
}

static int missing_hashes(struct pages *pages, uint32_t number, const struct catalog_patience *patience,
                          struct map_extent ret[2], struct error *err)
{
    CLEANUP_PAGE_BYTES struct page_bytes *bytes = NULL;
    struct map_leaf leaf;
    struct piece piece;
    int rc = open_leaf(pages, number, patience, &bytes, &leaf, err);
    if (rc < 0 || !leaf.far)
        return rc;
    rc = find_hashes(pages, &leaf, patience, &piece, err);
    if (rc < 0 || page_store_here(pages->store, &piece))
        return rc;
    ret[0] = piece.at;
    return 1;
}

static int missing_page(struct pages *pages, uint32_t number, const struct catalog_patience *patience,
                        struct map_extent ret[2], struct error *err)
{
    const struct catalog_patience local = {.nowait = true, .local = true};
    struct found found;
    int rc = find(pages, number, patience, &found, err), count = 0;
    if (rc < 0 || found.zero)
        return rc;
    bool known = found.near || !bring_hash(pages, &found, &local, NULL);
    if (known && page_store_here(pages->store, &found.page))
        return 0;
    ret[count++] = found.page.at;
    if (!known)
        ret[count++] = found.hashes.at;
    return count;
}

/* Asks for what is not here. -EAGAIN: where some lie is not known yet. */
static int want(struct pages *pages, missing_fn *missing, const uint32_t *list, size_t count)
{
    const struct catalog_patience nowait = {.nowait = true};
    CLEANUP_FREE struct map_extent *extents = mem_alloc((2 * count + 1) * sizeof *extents);
    size_t wanted = 0;
    int unknown = 0;
    for (size_t i = 0; i < count; i++) {
        int found = missing(pages, list[i], &nowait, extents + wanted, NULL);
        unknown = found < 0 ? found : unknown;
        wanted += found > 0 ? (size_t)found : 0;
    }
    want_joined(pages->store, extents, wanted);
    return unknown;
}

/* The same, where they lie being found out first, as far as the patience goes. */
static int want_found(struct pages *pages, missing_fn *missing, const uint32_t *list, size_t count,
                      const struct catalog_patience *patience, struct error *err)
{
    int rc = want(pages, missing, list, count);
    if (rc != -EAGAIN || patience->nowait)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct map_extent extents[2];
        rc = missing(pages, list[i], patience, extents, err);
        if (rc < 0)
            return rc;
    }
    return want(pages, missing, list, count);
}

/* The leaves of the map that say where these pages lie: all are asked for before the first is waited for. */
static int bring_leaves(struct pages *pages, const uint32_t *list, size_t count,
                        const struct catalog_patience *patience, struct error *err)
{
    CLEANUP_FREE uint32_t *leaves = mem_alloc((count + 1) * sizeof *leaves);
    size_t leaf_count = 0;
    for (size_t i = 0; i < count; i++)
        if (!leaf_count || leaves[leaf_count - 1] != list[i] / MAP_FAN)
            leaves[leaf_count++] = list[i] / MAP_FAN;
    int rc = want_found(pages, missing_leaf, leaves, leaf_count, patience, err);
    for (size_t i = 0; !rc && i < leaf_count; i++) {
        CLEANUP_PAGE_BYTES struct page_bytes *leaf = NULL;
        rc = bring_leaf(pages, leaves[i], patience, &leaf, err);
    }
    return rc;
}

int pages_want(struct pages *pages, const uint32_t *list, size_t count,
               const struct catalog_patience *patience, struct error *err)
{
    CLEANUP_FREE uint32_t *inside = mem_alloc((count + 1) * sizeof *inside);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (list[i] < pages->top.pages)
            inside[kept++] = list[i];
    int rc = bring_leaves(pages, inside, kept, patience, err);
    return rc < 0 && rc != -EAGAIN ? rc : want_found(pages, missing_page, inside, kept, patience, err);
}

int pages_want_hashes(struct pages *pages, const uint32_t *leaves, size_t count, struct error *err)
{
    const struct catalog_patience patient = {0};
    int rc = want_found(pages, missing_leaf, leaves, count, &patient, err);
    return rc < 0 ? rc : want_found(pages, missing_hashes, leaves, count, &patient, err);
}

void pages_want_hot(struct pages *pages)
{
    for (unsigned i = 0; i < pages->top.hot_count; i++)
        page_store_want(pages->store, &pages->top.hot[i]);
}
