// SPDX-License-Identifier: Apache-2.0
/*
 * A commit's leaves and the lists of packs lie at the start of its first pack, behind the root: one request a
 * version, as a rule.
 *
 *     packs    all that are listed
 *     order    the same by number, as the version lists them that was looked at last: as a rule what the one
 *              before lists, and more
 *     leaves   hashes of those that were looked at in this order
 *     frames   where pieces lie that are needed: pack and offset, so that what versions share counts once
 */
#include "index/house/reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/strmap.h"
#include "index/dataset/dataset_state.h"
#include "index/pages/pages.h"

enum { AHEAD_BYTES = 64 << 10 };

struct reach_pack {
    struct map_pack is;
    bool needed;
};

/* Numbers other than 0, by themselves. */
struct numbers {
    uint64_t *table;
    size_t size, count;
};

struct reach {
    struct dataset *dataset;
    struct reach_pack *packs;
    size_t count, cap;
    struct strmap *by_id;
    uint32_t *order;
    size_t order_count, order_cap;
    struct numbers leaves, frames;
    uint64_t needed_bytes;
    uint8_t (
        *ids)[MAP_ID_BYTES]; /* of packs that are needed, in order; NULL: not made since the last was added */
    size_t id_count;
};

static const struct catalog_patience patient = {0};

struct reach *reach_new(struct dataset *dataset)
{
    struct reach *reach = MEM_NEW(struct reach);
    reach->dataset = dataset;
    reach->by_id = strmap_new();
    return reach;
}

void reach_free(struct reach *reach)
{
    if (!reach)
        return;
    strmap_free(reach->by_id);
    free(reach->packs);
    free(reach->order);
    free(reach->ids);
    free(reach->leaves.table);
    free(reach->frames.table);
    free(reach);
}

static uint64_t *slot_of(uint64_t *table, size_t size, uint64_t number)
{
    size_t at = (size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (size - 1);
    while (table[at] && table[at] != number)
        at = (at + 1) & (size - 1);
    return &table[at];
}

/* Was it not there yet? */
static bool add_number(struct numbers *numbers, uint64_t number)
{
    if (2 * (numbers->count + 1) > numbers->size) {
        size_t size = numbers->size ? 2 * numbers->size : 1024;
        uint64_t *table = mem_zero(size * sizeof *table);
        for (size_t i = 0; i < numbers->size; i++)
            if (numbers->table[i])
                *slot_of(table, size, numbers->table[i]) = numbers->table[i];
        free(numbers->table);
        numbers->table = table;
        numbers->size = size;
    }
    uint64_t *slot = slot_of(numbers->table, numbers->size, number);
    bool is_new = !*slot;
    numbers->count += is_new;
    *slot = number;
    return is_new;
}

/* ---- one version ---- */

static void need(struct reach *reach, uint32_t pack, uint32_t offset, uint32_t len)
{
    reach->packs[pack].needed = true;
    if (add_number(&reach->frames, ((uint64_t)pack << 32 | offset) + 1))
        reach->needed_bytes += len;
}

static void need_place(struct reach *reach, const struct map_place *place)
{
    if (!place->zero)
        need(reach, reach->order[place->pack], place->offset, place->len);
}

/* What is asked for by the pack's id. */
static int need_extent(struct reach *reach, const struct pages *pages, const struct map_extent *at,
                       struct error *err)
{
    const struct strmap_entry *entry = strmap_find(reach->by_id, (const char *)at->id, MAP_ID_BYTES);
    if (entry) {
        reach->packs[entry->value].needed = true;
        if (at->len)
            need(reach, (uint32_t)entry->value, at->offset, at->len);
        return 0;
    }
    return error_set(err, EUCLEAN,
                     "the catalog %s is damaged: it needs a pack that its page map does not list",
                     pages_name(pages));
}

static void add_pack(struct reach *reach, const struct map_pack *pack)
{
    bool is_new;
    struct strmap_entry *entry = strmap_put(reach->by_id, (const char *)pack->id, MAP_ID_BYTES, &is_new);
    if (is_new) {
        entry->value = reach->count;
        mem_grow(&reach->packs, &reach->cap, reach->count + 1, sizeof *reach->packs);
        reach->packs[reach->count++] = (struct reach_pack){.is = *pack};
    }
    mem_grow(&reach->order, &reach->order_cap, reach->order_count + 1, sizeof *reach->order);
    reach->order[reach->order_count++] = (uint32_t)entry->value;
}

/* Where numbers mean other packs than before, what is known of leaves does not hold. */
static void begin_order(struct reach *reach, size_t same)
{
    reach->order_count = same;
    free(reach->leaves.table);
    reach->leaves = (struct numbers){0};
}

static int take_packs(struct reach *reach, struct pages *pages, uint32_t count, struct error *err)
{
    int rc = 0;
    for (uint32_t i = 0; !rc && i < count; i++) {
        struct map_pack pack;
        rc = pages_pack(pages, i, &patient, &pack, err);
        if (!rc && i < reach->order_count &&
            memcmp(reach->packs[reach->order[i]].is.id, pack.id, MAP_ID_BYTES) != 0)
            begin_order(reach, i);
        if (!rc && i == reach->order_count)
            add_pack(reach, &pack);
    }
    return rc;
}

static int add_leaf(struct reach *reach, struct pages *pages, const struct map_root *root, uint32_t leaf,
                    struct error *err)
{
    struct map_place place, places[MAP_FAN], apart;
    uint64_t hash;
    struct error why;
    if (map_root_leaf(root, leaf, &place, &why) < 0)
        return error_set(err, EUCLEAN, "the catalog %s is damaged: its page map: leaf %u %s",
                         pages_name(pages), leaf, why.text);
    need_place(reach, &place);
    memcpy(&hash, place.hash, sizeof hash);
    if (!add_number(&reach->leaves, hash | 1))
        return 0;
    int rc = pages_leaf(pages, leaf, false, places, &apart, err);
    if (rc < 0)
        return rc;
    need_place(reach, &apart);
    for (uint32_t i = 0; i < map_leaf_pages(root->pages, leaf); i++)
        need_place(reach, &places[i]);
    return 0;
}

static int add_lists(struct reach *reach, const struct pages *pages, const struct map_root *root,
                     struct error *err)
{
    int rc = 0;
    for (uint32_t i = 0; !rc && i < root->packs_leaves; i++) {
        struct map_packs_leaf list;
        rc = map_root_packs_leaf(root, i, &list, err);
        if (!rc)
            rc = need_extent(reach, pages, &list.at, err);
    }
    return rc;
}

/* What a mount asks for at once must be there; which bytes of it count, leaves say. */
static int add_hot(struct reach *reach, const struct pages *pages, struct error *err)
{
    const struct map_top *top = pages_top(pages);
    int rc = need_extent(reach, pages, &top->root, err);
    for (unsigned i = 0; !rc && i < top->hot_count; i++) {
        struct map_extent start = top->hot[i];
        start.len = 0;
        rc = need_extent(reach, pages, &start, err);
    }
    return rc;
}

void reach_want(struct reach *reach, const struct manifest *manifest)
{
    struct map_top top;
    if (!dataset_is_purged(reach->dataset, manifest->version, &top))
        top = manifest->catalog;
    struct map_extent start = top.root;
    start.offset = 0;
    start.len = start.pack_size < AHEAD_BYTES ? start.pack_size : AHEAD_BYTES;
    if (top.pages)
        page_store_want(reach->dataset->pages, &start);
}

int reach_add(struct reach *reach, const struct manifest *manifest, struct error *err)
{
    CLEANUP_PAGES struct pages *pages = NULL;
    struct map_root root;
    if (!manifest->version)
        return 0;
    free(STEAL(reach->ids));
    int rc = dataset_pages(reach->dataset, manifest, &pages, err);
    if (!rc)
        rc = pages_root(pages, &patient, &root, err);
    if (!rc)
        rc = take_packs(reach, pages, root.packs, err);
    if (!rc)
        rc = add_hot(reach, pages, err);
    if (!rc)
        rc = add_lists(reach, pages, &root, err);
    for (uint32_t leaf = 0; !rc && leaf < root.leaves; leaf++)
        rc = add_leaf(reach, pages, &root, leaf, err);
    return rc;
}

/* ---- what came of it ---- */

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, MAP_ID_BYTES);
}

static void sort_ids(struct reach *reach)
{
    reach->ids = mem_alloc((reach->count + 1) * sizeof *reach->ids);
    reach->id_count = 0;
    for (size_t i = 0; i < reach->count; i++)
        if (reach->packs[i].needed)
            memcpy(reach->ids[reach->id_count++], reach->packs[i].is.id, MAP_ID_BYTES);
    qsort(reach->ids, reach->id_count, sizeof *reach->ids, by_id);
}

bool reach_has(struct reach *reach, const char *pack_id)
{
    uint8_t id[MAP_ID_BYTES];
    if (hex_parse(pack_id, strlen(pack_id), id, sizeof id))
        return false;
    if (!reach->ids)
        sort_ids(reach);
    return bsearch(id, reach->ids, reach->id_count, sizeof *reach->ids, by_id) != NULL;
}

struct reach_counts reach_counts(const struct reach *reach)
{
    struct reach_counts counts = {.needed_bytes = reach->needed_bytes};
    for (size_t i = 0; i < reach->count; i++) {
        counts.packs += reach->packs[i].needed;
        counts.bytes += reach->packs[i].needed ? reach->packs[i].is.size : 0;
    }
    return counts;
}
