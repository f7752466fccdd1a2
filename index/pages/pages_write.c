// SPDX-License-Identifier: Apache-2.0
/* In this order: what of each page is new is packed into a spool; that tells how many packs there are and,
 * once it is known how long the map's leaves and hashes are, where each frame lies; then these are made, the
 * root last, and the packs go to the store. Whether a page differs from the parent's is told by the hash of
 * its frame, so the parent's is not read for it. */
#include "index/pages/pages_write.h"

#include <errno.h>
#include <string.h>

#include "cache/base/file.h"
#include "index/base/layout.h"
#include "index/pages/btree.h"
#include "index/pages/frame.h"
#include "index/pages/pack_write.h"
#include "index/pages/pages_plan.h"

enum { PACK_FRAMES_BYTES = 32 << 20, SPOOL_BUFFER_BYTES = 1 << 20, NEAR_MAP_PAGES = 1 << 18 };

static const struct catalog_patience patient = {0};

/* ---- frames ---- */

struct spooling {
    struct pages_plan *plan;
    struct framer *framer;
    struct buf frame, waiting; /* of one page; frames that are not in the file yet */
    uint8_t *page;
};

static int flush(struct spooling *s, struct error *err)
{
    int rc = file_write_all(s->plan->spool, s->waiting.data, s->waiting.len);
    buf_clear(&s->waiting);
    return rc < 0 ? file_temp_failed(rc, err) : 0;
}

static int add_frame(struct spooling *s, uint32_t page, struct pages_plan_leaf *leaf, struct error *err)
{
    struct pages_plan *plan = s->plan;
    struct map_place *place = &leaf->places[page % MAP_FAN];
    mem_grow(&plan->frames, &plan->frame_cap, plan->frame_count + 1, sizeof *plan->frames);
    plan->frames[plan->frame_count++] = (struct pages_plan_frame){.page = page,
                                                                  .len = (uint32_t)s->frame.len,
                                                                  .hot = pages_plan_bit(plan->hot, page),
                                                                  .at = plan->spooled};
    plan->spooled += s->frame.len;
    leaf->changed = true;
    place->zero = false;
    place->near = pages_plan_bit(plan->hot, page);
    map_hash(s->frame.data, s->frame.len, place->hash);
    buf_append(&s->waiting, s->frame.data, s->frame.len);
    return s->waiting.len >= SPOOL_BUFFER_BYTES ? flush(s, err) : 0;
}

static int pack_page(struct spooling *s, uint32_t page, struct error *err)
{
    struct overlay *overlay = s->plan->write->overlay;
    struct page_range range = {.page = page, .len = overlay_page_bytes(overlay)};
    int rc = overlay_read(overlay, &range, s->page, &patient, err);
    if (!rc)
        framer_pack(s->framer, s->page, range.len, &s->frame);
    return rc;
}

static bool has_hash(const struct buf *frame, const struct map_place *place)
{
    uint8_t hash[MAP_HASH_BYTES];
    map_hash(frame->data, frame->len, hash);
    return !place->zero && place->len == frame->len && !memcmp(hash, place->hash, MAP_HASH_BYTES);
}

static int free_page(struct pages_plan *plan, uint32_t page, struct error *err)
{
    struct pages_plan_leaf *leaf;
    int rc = pages_plan_leaf(plan, page / MAP_FAN, &leaf, err);
    if (rc < 0)
        return rc;
    leaf->changed |= !leaf->places[page % MAP_FAN].zero;
    leaf->places[page % MAP_FAN] = (struct map_place){.zero = true};
    return 0;
}

/* Nothing becomes of it, or a frame. A hot one that does not lie where a mount looks moves there. */
static int store_page(struct spooling *s, uint32_t page, bool hot, struct error *err)
{
    struct pages_plan *plan = s->plan;
    bool written = overlay_has(plan->write->overlay, page) || !plan->parent;
    struct pages_plan_leaf *leaf;
    if (!written && !hot)
        return 0;
    int rc = pages_plan_leaf(plan, page / MAP_FAN, &leaf, err);
    if (rc < 0)
        return rc;
    const struct map_place *place = &leaf->places[page % MAP_FAN];
    bool stays = !hot || pages_plan_is_near(plan, place);
    if (!written && (stays || place->zero))
        return 0;
    rc = pages_plan_hashed(plan, page / MAP_FAN, &leaf, err);
    if (rc < 0)
        return rc;
    buf_clear(&s->frame);
    rc = written ? pack_page(s, page, err) : pages_frame(plan->parent, page, &patient, &s->frame, err);
    if (rc < 0 || (stays && has_hash(&s->frame, place)))
        return rc;
    return add_frame(s, page, leaf, err);
}

/* What becomes of a page, once. */
static int take_page(struct spooling *s, uint32_t page, bool hot, struct error *err)
{
    struct pages_plan *plan = s->plan;
    if (page >= plan->pages || pages_plan_bit(plan->hot, page) != hot || pages_plan_bit(plan->taken, page))
        return 0;
    plan->taken[page / 8] |= (uint8_t)(1 << page % 8);
    return pages_plan_bit(plan->free, page) ? free_page(plan, page, err) : store_page(s, page, hot, err);
}

static int take_pages(struct spooling *s, struct error *err)
{
    const struct pages_write *write = s->plan->write;
    int rc = 0;
    for (uint32_t page = 0; !rc && page < s->plan->pages; page++)
        rc = take_page(s, page, true, err);
    for (size_t i = 0; !rc && i < write->first_count; i++)
        rc = take_page(s, write->first[i], false, err);
    for (uint32_t page = 0; !rc && page < s->plan->pages; page++)
        rc = take_page(s, page, false, err);
    return rc;
}

static int spool_frames(struct pages_plan *plan, struct error *err)
{
    struct spooling s = {.plan = plan, .framer = framer_new()};
    s.page = mem_alloc(overlay_page_bytes(plan->write->overlay));
    int rc = file_make_temp(&plan->spool, err);
    if (!rc)
        rc = take_pages(&s, err);
    if (!rc)
        rc = flush(&s, err);
    framer_free(s.framer);
    buf_done(&s.frame);
    buf_done(&s.waiting);
    free(s.page);
    return rc;
}

/* ---- places ---- */

/* One new pack: its frames are [first, end) of the plan's. */
struct new_pack {
    size_t first, end;
    uint64_t frames_bytes;
};

struct writing {
    struct pages_plan *plan;
    struct new_pack *packs;
    size_t count, cap;
    bool near_map;                   /* the leaves stand at the start, so that a mount has all of them */
    uint64_t hot_bytes;              /* of the first pack's frames */
    struct buf head, leaves, hashes; /* of the first pack */
    struct map_place *leaf_places;   /* of the new root */
    struct map_packs_leaf *packs_leaves;
    struct map_top top;
};

static uint64_t frames_max(const struct pages_plan *plan)
{
    return plan->write->pack_bytes ? plan->write->pack_bytes : PACK_FRAMES_BYTES;
}

static void share_out(struct writing *w)
{
    const struct pages_plan *plan = w->plan;
    size_t at = 0;
    do {
        struct new_pack pack = {.first = at};
        for (; at < plan->frame_count; at++) {
            const struct pages_plan_frame *frame = &plan->frames[at];
            if (!frame->hot && pack.frames_bytes + frame->len > frames_max(plan) && at > pack.first)
                break;
            pack.frames_bytes += frame->len;
            w->hot_bytes += frame->hot ? frame->len : 0;
        }
        pack.end = at;
        mem_grow(&w->packs, &w->cap, w->count + 1, sizeof *w->packs);
        w->packs[w->count++] = pack;
    } while (at < plan->frame_count);
}

/* Leaves are written again where they change, or where a mount would not find them. */
static int choose_leaves(struct writing *w, struct error *err)
{
    struct pages_plan *plan = w->plan;
    w->near_map = plan->pages <= NEAR_MAP_PAGES;
    for (uint32_t i = 0; i < plan->leaf_count; i++) {
        struct pages_plan_leaf *leaf = plan->leaves[i];
        struct map_place at;
        bool kept = i < plan->root.leaves && !(leaf && leaf->changed) &&
                    map_leaf_pages(plan->parent_pages, i) == map_leaf_pages(plan->pages, i);
        int rc = kept ? map_root_leaf(&plan->root, i, &at, err) : 0;
        if (rc < 0)
            return rc;
        if (kept && (!w->near_map || pages_plan_is_near(plan, &at))) {
            w->leaf_places[i] = at;
            continue;
        }
        rc = pages_plan_leaf(plan, i, &leaf, err);
        if (!rc && (leaf->changed || !kept))
            rc = pages_plan_hashed(plan, i, &leaf, err);
        if (rc < 0)
            return rc;
        leaf->moved = true;
    }
    return 0;
}

/* What lies in front of them in the first pack is added when that is known. Hashes that are the same as the
 * parent's stay where they are. */
static void make_hashes(struct writing *w)
{
    struct pages_plan *plan = w->plan;
    for (uint32_t i = 0; i < plan->leaf_count; i++) {
        struct pages_plan_leaf *leaf = plan->leaves[i];
        if (!leaf || !leaf->changed)
            continue;
        size_t from = w->hashes.len;
        struct map_place made = {.pack = plan->parent_packs, .offset = (uint32_t)from};
        map_put_hashes(&w->hashes, leaf->places, map_leaf_pages(plan->pages, i));
        made.len = (uint32_t)(w->hashes.len - from);
        made.zero = !made.len;
        map_hash(w->hashes.data + from, made.len, made.hash);
        bool same = leaf->apart.zero == made.zero && leaf->apart.len == made.len &&
                    !memcmp(leaf->apart.hash, made.hash, MAP_HASH_BYTES);
        if (same)
            buf_truncate(&w->hashes, from);
        else
            leaf->apart = made.zero ? (struct map_place){.zero = true} : made;
        leaf->anew = !same && !made.zero;
    }
}

static bool packs_leaf_stays(const struct writing *w, uint32_t leaf, struct map_packs_leaf *ret)
{
    const struct pages_plan *plan = w->plan;
    uint32_t first = leaf * MAP_FAN;
    if (first + MAP_FAN > plan->parent_packs || map_root_packs_leaf(&plan->root, leaf, ret, NULL) < 0)
        return false;
    for (unsigned i = 0; i < plan->region_count; i++) {
        const struct map_extent *at = &plan->regions[i].at;
        if (!plan->regions[i].taken && !memcmp(at->id, ret->at.id, MAP_ID_BYTES) &&
            ret->at.offset >= at->offset && ret->at.offset + ret->at.len <= at->offset + at->len)
            return true;
    }
    return false;
}

struct sizes {
    uint64_t head, leaves, hashes;
};

/* Now that it is known what lies before them, frames get their places, and packs their sizes. */
static void place_frames(struct writing *w, struct sizes sizes)
{
    struct pages_plan *plan = w->plan;
    for (size_t i = 0; i < w->count; i++) {
        const struct new_pack *pack = &w->packs[i];
        uint64_t at = i ? 0 : sizes.head + (w->near_map ? sizes.leaves : 0),
                 behind = (w->near_map ? 0 : sizes.leaves) + sizes.hashes;
        for (size_t j = pack->first; j < pack->end; j++) {
            const struct pages_plan_frame *frame = &plan->frames[j];
            struct map_place *place = &plan->leaves[frame->page / MAP_FAN]->places[frame->page % MAP_FAN];
            place->pack = plan->parent_packs + (uint32_t)i;
            place->offset = (uint32_t)(at + (i || frame->hot ? 0 : behind));
            place->len = frame->len;
            at += frame->len;
        }
    }
}

static void name_new_packs(struct writing *w, struct sizes sizes)
{
    struct pages_plan *plan = w->plan;
    for (size_t i = 0; i < w->count; i++) {
        uint64_t before = i ? 0 : sizes.head + sizes.leaves + sizes.hashes;
        struct map_pack made = {.size = (uint32_t)(w->packs[i].frames_bytes + before)};
        random_bytes(made.id, sizeof made.id);
        mem_grow(&plan->packs, &plan->pack_cap, plan->pack_count + 1, sizeof *plan->packs);
        plan->packs[plan->pack_count++] = made;
    }
}

/* ---- nodes ---- */

static void make_leaves(struct writing *w, struct sizes sizes)
{
    struct pages_plan *plan = w->plan;
    uint64_t start = sizes.head + (w->near_map ? 0 : w->hot_bytes),
             hashes = sizes.head + sizes.leaves + w->hot_bytes;
    buf_clear(&w->leaves);
    for (uint32_t i = 0; i < plan->leaf_count; i++) {
        const struct pages_plan_leaf *leaf = plan->leaves[i];
        if (!leaf || !leaf->moved)
            continue;
        size_t from = w->leaves.len;
        struct map_place *place = &w->leaf_places[i], apart = leaf->apart;
        apart.offset += leaf->anew ? (uint32_t)hashes : 0;
        map_put_leaf(&w->leaves, leaf->places, map_leaf_pages(plan->pages, i), &apart);
        uint32_t len = (uint32_t)(w->leaves.len - from);
        *place =
            (struct map_place){.pack = plan->parent_packs, .offset = (uint32_t)(start + from), .len = len};
        map_hash(w->leaves.data + from, len, place->hash);
    }
}

/* How long leaves are does not depend on where frames lie, but on which lie side by side. */
static struct sizes measure(struct writing *w)
{
    struct pages_plan *plan = w->plan;
    uint32_t packs = plan->parent_packs + (uint32_t)w->count;
    struct sizes sizes = {.head = map_root_bytes(plan->pages, packs), .hashes = w->hashes.len};
    for (uint32_t i = 0; i < map_leaves_of(packs); i++)
        if (!packs_leaf_stays(w, i, &w->packs_leaves[i]))
            sizes.head += map_packs_leaf_bytes(packs, i);
    place_frames(w, sizes);
    make_leaves(w, sizes);
    sizes.leaves = w->leaves.len;
    return sizes;
}

/* The root stands first, and is made last: it holds the hashes of all others. */
static void make_head(struct writing *w)
{
    struct pages_plan *plan = w->plan;
    const struct map_pack *first = &plan->packs[plan->parent_packs];
    uint32_t packs = (uint32_t)plan->pack_count, page_bytes = overlay_page_bytes(plan->write->overlay);
    size_t root_bytes = map_root_bytes(plan->pages, packs);
    CLEANUP_BUF struct buf lists = BUF_INIT;
    for (uint32_t i = 0; i < map_leaves_of(packs); i++) {
        struct map_packs_leaf *leaf = &w->packs_leaves[i];
        if (packs_leaf_stays(w, i, leaf))
            continue;
        size_t from = lists.len;
        for (uint32_t j = i * MAP_FAN; j < packs && j < (i + 1) * MAP_FAN; j++)
            map_put_pack(&lists, &plan->packs[j]);
        leaf->at = (struct map_extent){.pack_size = first->size,
                                       .offset = (uint32_t)(root_bytes + from),
                                       .len = (uint32_t)(lists.len - from)};
        memcpy(leaf->at.id, first->id, MAP_ID_BYTES);
        map_hash(lists.data + from, leaf->at.len, leaf->hash);
    }
    map_put_root_head(&w->head, page_bytes, plan->pages, packs);
    for (uint32_t i = 0; i < plan->leaf_count; i++)
        map_put_place(&w->head, &w->leaf_places[i]);
    for (uint32_t i = 0; i < map_leaves_of(packs); i++)
        map_put_packs_leaf(&w->head, &w->packs_leaves[i]);
    w->top = (struct map_top){.page_bytes = page_bytes,
                              .pages = plan->pages,
                              .root = {.pack_size = first->size, .len = (uint32_t)root_bytes}};
    memcpy(w->top.root.id, first->id, MAP_ID_BYTES);
    sha256_of(w->head.data, w->head.len, w->top.sha256);
    buf_append(&w->head, lists.data, lists.len);
}

static void name_regions(struct writing *w)
{
    const struct pages_plan *plan = w->plan;
    for (unsigned i = 0; i < plan->region_count; i++)
        if (!plan->regions[i].taken)
            w->top.hot[w->top.hot_count++] = plan->regions[i].at;
    struct map_extent own = w->top.root;
    own.len = (uint32_t)(w->head.len + (w->near_map ? w->leaves.len : 0) + w->hot_bytes);
    w->top.hot[w->top.hot_count++] = own;
}

static int check_limits(const struct writing *w, struct sizes sizes, struct error *err)
{
    const struct pages_plan *plan = w->plan;
    uint64_t largest = sizes.head + sizes.leaves + sizes.hashes + w->hot_bytes + frames_max(plan);
    if (plan->parent_packs + w->count <= MAP_PACKS_MAX && sizes.head <= MAP_ROOT_BYTES_MAX &&
        largest <= MAP_PACK_SIZE_MAX)
        return 0;
    return error_set(err, EFBIG, "the catalog would have more pages or packs than can be listed");
}

/* ---- to the store ---- */

static int send_first(struct writing *w, struct pack_write *out, struct error *err)
{
    const struct new_pack *pack = &w->packs[0];
    const struct buf *before = w->near_map ? &w->leaves : NULL, *behind = w->near_map ? NULL : &w->leaves;
    int rc = pack_write_add(out, w->head.data, w->head.len, err);
    if (!rc && before)
        rc = pack_write_add(out, before->data, before->len, err);
    if (!rc)
        rc = pack_write_copy(out, w->plan->spool, 0, w->hot_bytes, err);
    if (!rc && behind)
        rc = pack_write_add(out, behind->data, behind->len, err);
    if (!rc)
        rc = pack_write_add(out, w->hashes.data, w->hashes.len, err);
    return rc ? rc
              : pack_write_copy(out, w->plan->spool, w->hot_bytes, pack->frames_bytes - w->hot_bytes, err);
}

static int send_pack(struct writing *w, size_t i, struct error *err)
{
    const struct pages_plan *plan = w->plan;
    const struct new_pack *pack = &w->packs[i];
    struct pack_write out CLEANUP(pack_write_done);
    pack_write_begin(&out, page_store_inner(plan->store), plan->packs[plan->parent_packs + i].id);
    int rc = i ? pack_write_copy(&out, plan->spool, plan->frames[pack->first].at, pack->frames_bytes, err)
               : send_first(w, &out, err);
    return rc ? rc : pack_write_end(&out, err);
}

static void name_packs(const struct writing *w, struct pages_written *ret)
{
    const struct pages_plan *plan = w->plan;
    *ret = (struct pages_written){.top = w->top, .id_count = w->count, .pages = plan->frame_count};
    ret->ids = mem_alloc(w->count * sizeof *ret->ids);
    for (size_t i = 0; i < w->count; i++) {
        memcpy(ret->ids[i], plan->packs[plan->parent_packs + i].id, MAP_ID_BYTES);
        ret->bytes += plan->packs[plan->parent_packs + i].size;
    }
}

static int send_packs(struct writing *w, struct pages_written *ret, struct error *err)
{
    struct pages_written made;
    name_packs(w, &made);
    int rc = 0;
    for (size_t i = 0; !rc && i < w->count; i++)
        rc = send_pack(w, i, err);
    if (rc < 0) {
        pages_written_remove(w->plan->store, &made); /* their names are our own: nobody else made them */
        pages_written_done(&made);
        return rc;
    }
    *ret = made;
    return 0;
}

static int write_all(struct writing *w, struct pages_written *ret, struct error *err)
{
    struct pages_plan *plan = w->plan;
    share_out(w);
    w->leaf_places = mem_zero((plan->leaf_count + 1) * sizeof *w->leaf_places);
    w->packs_leaves = mem_zero((plan->parent_packs + w->count) * sizeof *w->packs_leaves);
    int rc = choose_leaves(w, err);
    if (rc < 0)
        return rc;
    make_hashes(w);
    struct sizes sizes = measure(w);
    rc = check_limits(w, sizes, err);
    if (rc < 0)
        return rc;
    place_frames(w, sizes);
    name_new_packs(w, sizes);
    make_leaves(w, sizes);
    make_head(w);
    name_regions(w);
    return send_packs(w, ret, err);
}

int pages_write(struct page_store *store, const struct pages_write *write, struct pages_written *ret,
                struct error *err)
{
    struct pages_plan plan CLEANUP(pages_plan_done) = {.store = store, .write = write, .spool = -1};
    struct writing w = {.plan = &plan};
    int rc = pages_plan_begin(&plan, err);
    if (!rc)
        rc = spool_frames(&plan, err);
    if (!rc)
        rc = write_all(&w, ret, err);
    buf_done(&w.head);
    buf_done(&w.leaves);
    buf_done(&w.hashes);
    free(w.packs);
    free(w.leaf_places);
    free(w.packs_leaves);
    return rc;
}

void pages_written_remove(struct page_store *store, const struct pages_written *written)
{
    for (size_t i = 0; i < written->id_count; i++) {
        char hex[LAYOUT_ID_BYTES], path[LAYOUT_PATH_BYTES];
        hex_print(written->ids[i], MAP_ID_BYTES, hex);
        layout_pack_path(hex, path);
        store_remove(page_store_inner(store), path, NULL);
    }
}

void pages_written_done(struct pages_written *written)
{
    free(written->ids);
    *written = (struct pages_written){0};
}
