// SPDX-License-Identifier: Apache-2.0
/* The map is read from the store itself. Frames are sorted by their places and read in runs; a frame is known
 * by its place and hash, so a page of another hash in the same place is looked at, too. */
#include "index/pages/pages_check.h"

#include <errno.h>
#include <string.h>

#include "index/base/layout.h"
#include "index/pages/frame.h"

enum { RUN_BYTES = 4 << 20, RUN_GAP_BYTES = 64 << 10 };

struct checked_pack {
    uint8_t id[MAP_ID_BYTES];
    char path[LAYOUT_PATH_BYTES];
    struct store_object object;
};

/* A frame of this version; also an entry of the table of frames that were looked at. */
struct frame {
    uint32_t pack; /* index of checked_pack, plus 1; 0: an empty entry */
    uint32_t offset, len, page;
    uint8_t hash[MAP_HASH_BYTES];
};

struct pages_check {
    struct page_store *store;
    struct checked_pack *packs;
    size_t pack_count, pack_cap;
    struct frame *seen; /* open addressing, at most half full */
    size_t seen_count, seen_size;
    struct framer *framer;
    uint64_t bytes;
};

struct version {
    struct pages_check *check;
    const struct pages *pages;
    struct buf root_bytes;
    struct map_root root;
    struct map_pack *listed; /* by number; of which some may be gone that this version does not need */
    uint32_t *packs;         /* index of checked_pack, plus 1, by number; 0: it was not looked for yet */
    struct frame *frames;
    size_t count, cap;
};

struct pages_check *pages_check_new(struct page_store *store)
{
    struct pages_check *check = MEM_NEW(struct pages_check);
    check->store = page_store_ref(store);
    check->framer = framer_new();
    return check;
}

void pages_check_free(struct pages_check *check)
{
    page_store_unref(check->store);
    framer_free(check->framer);
    free(check->packs);
    free(check->seen);
    free(check);
}

uint64_t pages_check_bytes(const struct pages_check *check)
{
    return check->bytes;
}

static int damaged(const struct version *v, struct error *err, const char *what, uint32_t number,
                   const char *why)
{
    return error_set(err, EUCLEAN, "the catalog %s is damaged: %s %u %s", pages_name(v->pages), what, number,
                     why);
}

/* ---- packs ---- */

static int find_pack(struct pages_check *check, const struct map_extent *at, uint32_t *ret, struct error *err)
{
    struct store *store = page_store_inner(check->store);
    uint32_t i = 0;
    while (i < check->pack_count && memcmp(check->packs[i].id, at->id, MAP_ID_BYTES) != 0)
        i++;
    if (i == check->pack_count) {
        char hex[LAYOUT_ID_BYTES];
        struct checked_pack pack;
        memcpy(pack.id, at->id, MAP_ID_BYTES);
        hex_print(at->id, MAP_ID_BYTES, hex);
        layout_pack_path(hex, pack.path);
        int rc = store_head(store, pack.path, &pack.object, err);
        if (rc < 0)
            return rc;
        mem_grow(&check->packs, &check->pack_cap, check->pack_count + 1, sizeof *check->packs);
        check->packs[check->pack_count++] = pack;
    }
    const struct checked_pack *pack = &check->packs[i];
    if (pack->object.size != at->pack_size)
        return error_set(err, EUCLEAN, "%s/%s: is damaged: it has %llu bytes, the catalog says %u",
                         store_url(store), pack->path, (unsigned long long)pack->object.size, at->pack_size);
    *ret = i;
    return 0;
}

static int read_bytes(struct pages_check *check, uint32_t pack, uint32_t offset, uint32_t len, void *to,
                      struct error *err)
{
    const struct checked_pack *from = &check->packs[pack];
    check->bytes += len;
    return store_read(page_store_inner(check->store), from->path, &from->object, offset, len, to, err);
}

static int read_node(struct version *v, uint32_t pack, const struct map_place *place, struct buf *buf,
                     struct error *err)
{
    uint8_t hash[MAP_HASH_BYTES];
    uint8_t *to = buf_room(buf, place->len);
    if (place->offset + (uint64_t)place->len > v->check->packs[pack].object.size)
        return damaged(v, err, "a part of its page map at", place->offset, "lies behind the end of its pack");
    int rc = read_bytes(v->check, pack, place->offset, place->len, to, err);
    if (rc < 0)
        return rc;
    map_hash(to, place->len, hash);
    if (memcmp(hash, place->hash, MAP_HASH_BYTES) != 0)
        return error_set(err, EUCLEAN,
                         "the catalog %s is damaged: its page map in %s at %u+%u has another SHA-256",
                         pages_name(v->pages), v->check->packs[pack].path, place->offset, place->len);
    buf->len += place->len;
    return 0;
}

/* ---- the map ---- */

static int read_root(struct version *v, struct error *err)
{
    const struct map_top *top = pages_top(v->pages);
    struct map_place place = {.offset = top->root.offset, .len = top->root.len};
    uint32_t pack;
    uint8_t digest[SHA256_BYTES];
    struct error why;
    memcpy(place.hash, top->sha256, MAP_HASH_BYTES);
    int rc = find_pack(v->check, &top->root, &pack, err);
    if (!rc)
        rc = read_node(v, pack, &place, &v->root_bytes, err);
    if (rc < 0)
        return rc;
    sha256_of(v->root_bytes.data, v->root_bytes.len, digest);
    if (memcmp(digest, top->sha256, SHA256_BYTES) != 0)
        return damaged(v, err, "the root of its page map in pack", pack, "has another SHA-256");
    rc = map_root_read(v->root_bytes.data, v->root_bytes.len, top, &v->root, &why);
    return rc < 0 ? damaged(v, err, "the root of its page map in pack", pack, why.text) : 0;
}

static int read_packs_leaf(struct version *v, uint32_t leaf, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct map_packs_leaf at;
    struct error why;
    uint32_t pack;
    if (map_root_packs_leaf(&v->root, leaf, &at, &why) < 0)
        return damaged(v, err, "the list of packs from", leaf * MAP_FAN, why.text);
    struct map_place place = {.offset = at.at.offset, .len = at.at.len};
    memcpy(place.hash, at.hash, MAP_HASH_BYTES);
    int rc = find_pack(v->check, &at.at, &pack, err);
    if (!rc)
        rc = read_node(v, pack, &place, &bytes, err);
    for (uint32_t i = leaf * MAP_FAN; !rc && i < v->root.packs && i < (leaf + 1) * MAP_FAN; i++) {
        struct map_pack entry;
        if (map_packs_leaf_pack(bytes.data, i, &entry, &why) < 0)
            return damaged(v, err, "pack", i, why.text);
        v->listed[i] = entry;
    }
    return rc;
}

static int need_pack(struct version *v, uint32_t number, uint32_t *ret, struct error *err)
{
    struct map_extent whole = {.pack_size = v->listed[number].size};
    uint32_t found = v->packs[number] - 1;
    memcpy(whole.id, v->listed[number].id, MAP_ID_BYTES);
    int rc = v->packs[number] ? 0 : find_pack(v->check, &whole, &found, err);
    if (rc < 0)
        return rc;
    v->packs[number] = found + 1;
    *ret = found;
    return 0;
}

static int add_frame(struct version *v, const struct map_leaf *leaf, uint32_t page, const struct buf *hashes,
                     struct error *err)
{
    struct map_place place;
    struct error why;
    uint32_t far = 0;
    if (map_leaf_page(leaf, page, &place, &far, &why) < 0)
        return damaged(v, err, "page", page + 1, why.text);
    if (place.zero)
        return 0;
    uint32_t pack;
    int rc = need_pack(v, place.pack, &pack, err);
    if (rc < 0)
        return rc;
    struct frame frame = {.pack = pack + 1, .offset = place.offset, .len = place.len, .page = page};
    memcpy(frame.hash, place.near ? place.hash : (uint8_t *)hashes->data + (size_t)far * MAP_HASH_BYTES,
           MAP_HASH_BYTES);
    if (place.offset + (uint64_t)place.len > v->check->packs[frame.pack - 1].object.size)
        return damaged(v, err, "page", page + 1, "lies behind the end of its pack");
    mem_grow(&v->frames, &v->cap, v->count + 1, sizeof *v->frames);
    v->frames[v->count++] = frame;
    return 0;
}

static int read_leaf(struct version *v, uint32_t number, struct error *err)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT, hashes = BUF_INIT;
    struct map_place at;
    struct map_leaf leaf;
    struct error why;
    if (map_root_leaf(&v->root, number, &at, &why) < 0)
        return damaged(v, err, "the map of pages from", number * MAP_FAN + 1, why.text);
    uint32_t pack;
    int rc = need_pack(v, at.pack, &pack, err);
    if (!rc)
        rc = read_node(v, pack, &at, &bytes, err);
    if (rc < 0)
        return rc;
    if (map_leaf_open(&v->root, number, bytes.data, bytes.len, &leaf, &why) < 0)
        return damaged(v, err, "the map of pages from", number * MAP_FAN + 1, why.text);
    if (leaf.far)
        rc = need_pack(v, leaf.apart.pack, &pack, err);
    if (!rc && leaf.far)
        rc = read_node(v, pack, &leaf.apart, &hashes, err);
    for (uint32_t i = 0; !rc && i < leaf.count; i++)
        rc = add_frame(v, &leaf, leaf.first + i, &hashes, err);
    return rc;
}

/* ---- frames ---- */

static struct frame *slot_of(struct frame *table, size_t size, const struct frame *frame)
{
    uint64_t number;
    memcpy(&number, frame->hash, sizeof number);
    size_t at = (size_t)(number + frame->offset) & (size - 1);
    while (table[at].pack && (table[at].pack != frame->pack || table[at].offset != frame->offset ||
                              memcmp(table[at].hash, frame->hash, MAP_HASH_BYTES) != 0))
        at = (at + 1) & (size - 1);
    return &table[at];
}

static bool was_seen(const struct pages_check *check, const struct frame *frame)
{
    return check->seen_size && slot_of(check->seen, check->seen_size, frame)->pack;
}

static void note_seen(struct pages_check *check, const struct frame *frame)
{
    if (2 * (check->seen_count + 1) > check->seen_size) {
        size_t size = check->seen_size ? 2 * check->seen_size : 4096;
        struct frame *table = mem_zero(size * sizeof *table);
        for (size_t i = 0; i < check->seen_size; i++)
            if (check->seen[i].pack)
                *slot_of(table, size, &check->seen[i]) = check->seen[i];
        free(check->seen);
        check->seen = table;
        check->seen_size = size;
    }
    struct frame *slot = slot_of(check->seen, check->seen_size, frame);
    check->seen_count += !slot->pack;
    *slot = *frame;
}

static int by_place(const void *a, const void *b)
{
    const struct frame *x = a, *y = b;
    if (x->pack != y->pack)
        return x->pack < y->pack ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int check_frame(struct version *v, const struct frame *frame, const uint8_t *bytes, uint8_t *page,
                       struct error *err)
{
    const struct checked_pack *pack = &v->check->packs[frame->pack - 1];
    struct error why = {.text = "has another SHA-256 than its page map says"};
    uint8_t hash[MAP_HASH_BYTES];
    map_hash(bytes, frame->len, hash);
    bool good = !memcmp(hash, frame->hash, MAP_HASH_BYTES);
    if (good && !framer_unpack(v->check->framer, bytes, frame->len, v->root.page_bytes, page, &why)) {
        note_seen(v->check, frame);
        return 0;
    }
    return error_set(err, EUCLEAN, "the catalog %s is damaged: page %u in %s at %u+%u %s",
                     pages_name(v->pages), frame->page + 1, pack->path, frame->offset, frame->len, why.text);
}

/* Frames [first, *ret_end) that lie close together. */
static int check_run(struct version *v, size_t first, size_t *ret_end, struct error *err)
{
    const struct frame *from = &v->frames[first];
    uint64_t end = from->offset + (uint64_t)from->len;
    size_t next = first + 1;
    for (; next < v->count && v->frames[next].pack == from->pack; next++) {
        const struct frame *frame = &v->frames[next];
        uint64_t to = frame->offset + (uint64_t)frame->len;
        if (frame->offset > end + RUN_GAP_BYTES || to - from->offset > RUN_BYTES)
            break;
        end = to > end ? to : end;
    }
    CLEANUP_FREE uint8_t *bytes = mem_alloc(end - from->offset), *page = mem_alloc(v->root.page_bytes);
    int rc = read_bytes(v->check, from->pack - 1, from->offset, (uint32_t)(end - from->offset), bytes, err);
    for (size_t i = first; !rc && i < next; i++)
        rc = check_frame(v, &v->frames[i], bytes + (v->frames[i].offset - from->offset), page, err);
    *ret_end = next;
    return rc;
}

static int check_frames(struct version *v, struct error *err)
{
    size_t left = 0;
    for (size_t i = 0; i < v->count; i++)
        if (!was_seen(v->check, &v->frames[i]))
            v->frames[left++] = v->frames[i];
    v->count = left;
    qsort(v->frames, v->count, sizeof *v->frames, by_place);
    int rc = 0;
    for (size_t i = 0; !rc && i < v->count;)
        rc = check_run(v, i, &i, err);
    return rc;
}

int pages_check_version(struct pages_check *check, const struct pages *pages, struct error *err)
{
    struct version v = {.check = check, .pages = pages};
    int rc = read_root(&v, err);
    if (!rc) {
        v.packs = mem_zero((size_t)v.root.packs * sizeof *v.packs);
        v.listed = mem_zero((size_t)v.root.packs * sizeof *v.listed);
    }
    for (uint32_t i = 0; !rc && i < v.root.packs_leaves; i++)
        rc = read_packs_leaf(&v, i, err);
    for (uint32_t i = 0; !rc && i < v.root.leaves; i++)
        rc = read_leaf(&v, i, err);
    if (!rc)
        rc = check_frames(&v, err);
    buf_done(&v.root_bytes);
    free(v.packs);
    free(v.listed);
    free(v.frames);
    return rc;
}
