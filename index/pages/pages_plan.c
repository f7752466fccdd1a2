// SPDX-License-Identifier: Apache-2.0
/* What a commit does not touch is not read: of the parent's map only the leaves of pages that were written,
 * freed or are hot, and the table of packs, which is small. */
#include "index/pages/pages_plan.h"

#include <errno.h>
#include <string.h>

#include "index/pages/btree.h"

static const struct catalog_patience patient = {0};

static int read_overlay(void *ctx, uint32_t page, void *to, struct error *err)
{
    struct overlay *overlay = ctx;
    struct page_range range = {.page = page, .len = overlay_page_bytes(overlay)};
    return overlay_read(overlay, &range, to, &patient, err);
}

static int note_free(void *ctx, uint32_t page, struct error *err)
{
    struct pages_plan *plan = ctx;
    plan->free[page / 8] |= (uint8_t)(1 << page % 8);
    return 0;
}

static int find_free(struct pages_plan *plan, struct error *err)
{
    struct overlay *overlay = plan->write->overlay;
    struct btree_file file = {.page_bytes = overlay_page_bytes(overlay),
                              .pages = plan->pages,
                              .read = read_overlay,
                              .ctx = overlay};
    uint32_t lock = btree_lock_page(file.page_bytes);
    if (lock < plan->pages)
        note_free(plan, lock, NULL);
    return btree_free_pages(&file, note_free, plan, err);
}

/* ---- the parent's map ---- */

static int read_packs(struct pages_plan *plan, struct error *err)
{
    int rc = 0;
    for (uint32_t i = 0; !rc && i < plan->parent_packs; i++) {
        mem_grow(&plan->packs, &plan->pack_cap, plan->pack_count + 1, sizeof *plan->packs);
        rc = pages_pack(plan->parent, i, &patient, &plan->packs[plan->pack_count++], err);
    }
    return rc;
}

static int read_regions(struct pages_plan *plan, struct error *err)
{
    const struct map_top *top = pages_top(plan->parent);
    for (unsigned i = 0; i < top->hot_count; i++) {
        uint32_t pack = plan->parent_packs;
        while (pack && memcmp(plan->packs[pack - 1].id, top->hot[i].id, MAP_ID_BYTES) != 0)
            pack--;
        if (!pack)
            return error_set(
                err, EUCLEAN,
                "the catalog %s is damaged: its manifest names a pack that its page map does not",
                pages_name(plan->parent));
        plan->regions[plan->region_count++] = (struct pages_plan_region){.at = top->hot[i], .pack = pack - 1};
    }
    return 0;
}

int pages_plan_leaf(struct pages_plan *plan, uint32_t leaf, struct pages_plan_leaf **ret, struct error *err)
{
    uint32_t first = leaf * MAP_FAN;
    bool there = first < plan->parent_pages;
    struct map_place places[MAP_FAN], apart = {.zero = true};
    for (uint32_t i = 0; i < MAP_FAN; i++)
        places[i] = (struct map_place){.zero = true};
    int rc = there && !plan->leaves[leaf] ? pages_leaf(plan->parent, leaf, false, places, &apart, err) : 0;
    if (rc < 0)
        return rc;
    if (!plan->leaves[leaf]) {
        struct pages_plan_leaf *made = plan->leaves[leaf] = MEM_NEW(struct pages_plan_leaf);
        memcpy(made->places, places, sizeof places);
        made->apart = apart;
        made->hashed = apart.zero;
        made->changed = first + MAP_FAN > plan->parent_pages && plan->pages != plan->parent_pages;
    }
    *ret = plan->leaves[leaf];
    return 0;
}

/* What is known of others by then stays. */
int pages_plan_hashed(struct pages_plan *plan, uint32_t leaf, struct pages_plan_leaf **ret, struct error *err)
{
    struct map_place places[MAP_FAN], apart;
    struct pages_plan_leaf *of;
    int rc = pages_plan_leaf(plan, leaf, &of, err);
    if (!rc && !of->hashed)
        rc = pages_leaf(plan->parent, leaf, true, places, &apart, err);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; !of->hashed && i < map_leaf_pages(plan->parent_pages, leaf); i++)
        if (!of->places[i].zero && !of->places[i].near && of->places[i].pack == places[i].pack &&
            of->places[i].offset == places[i].offset)
            memcpy(of->places[i].hash, places[i].hash, MAP_HASH_BYTES);
    of->hashed = true;
    *ret = of;
    return 0;
}

/* A writer needs the hashes of what it changes, to tell what says the same again: all are asked for at once.
 */
static int want_hashes(struct pages_plan *plan, struct error *err)
{
    CLEANUP_FREE uint32_t *leaves = mem_alloc((plan->root.leaves + 1) * sizeof *leaves);
    size_t count = 0;
    for (uint32_t page = 0; page < plan->parent_pages && page < plan->pages; page++)
        if (overlay_has(plan->write->overlay, page) && (!count || leaves[count - 1] != page / MAP_FAN))
            leaves[count++] = page / MAP_FAN;
    return pages_want_hashes(plan->parent, leaves, count, err);
}

static struct pages_plan_region *region_of(const struct pages_plan *plan, const struct map_place *place)
{
    for (unsigned i = 0; !place->zero && i < plan->region_count; i++) {
        const struct pages_plan_region *region = &plan->regions[i];
        if (region->pack == place->pack && place->offset >= region->at.offset &&
            place->offset - region->at.offset + (uint64_t)place->len <= region->at.len)
            return (struct pages_plan_region *)region;
    }
    return NULL;
}

bool pages_plan_is_near(const struct pages_plan *plan, const struct map_place *place)
{
    const struct pages_plan_region *region = region_of(plan, place);
    return region && !region->taken;
}

/* ---- what still counts where a mount looks ---- */

static int count_live(struct pages_plan *plan, struct error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < plan->write->hot_count; i++) {
        uint32_t page = plan->write->hot[i];
        struct pages_plan_leaf *leaf;
        rc = pages_plan_leaf(plan, page / MAP_FAN, &leaf, err);
        if (rc < 0 || overlay_has(plan->write->overlay, page))
            continue;
        struct pages_plan_region *region = region_of(plan, &leaf->places[page % MAP_FAN]);
        if (region)
            region->live += leaf->places[page % MAP_FAN].len;
    }
    for (uint32_t i = 0; !rc && i < plan->root.leaves; i++) {
        struct map_place place;
        rc = map_root_leaf(&plan->root, i, &place, err);
        struct pages_plan_region *region = rc ? NULL : region_of(plan, &place);
        if (region)
            region->live += place.len;
    }
    return rc;
}

static void take(struct pages_plan_region *region, uint64_t *budget)
{
    region->taken = true;
    *budget -= region->live < *budget ? region->live : *budget;
}

/* Where there is no room for one more extent, the newest are gathered in it: one at least. */
static void make_room(struct pages_plan *plan, uint64_t *budget)
{
    uint64_t taken = 0;
    unsigned kept = 0;
    for (unsigned i = 0; i < plan->region_count; i++)
        kept += !plan->regions[i].taken;
    for (unsigned i = plan->region_count; kept == MAP_HOT_MAX && i--;) {
        struct pages_plan_region *region = &plan->regions[i];
        if (taken && (region->live > taken || region->live > *budget))
            return;
        taken += region->live + 1;
        take(region, budget);
    }
}

static uint64_t waste_of(const struct pages_plan_region *region)
{
    return region->taken || region->live > region->at.len ? 0 : region->at.len - region->live;
}

/* Does more of it go for each byte that is written again? */
static bool is_worse(const struct pages_plan_region *a, const struct pages_plan_region *b)
{
    return waste_of(a) * (b->live + 1) > waste_of(b) * (a->live + 1);
}

/* Of what a mount fetches two thirds shall count. */
static void take_wasteful(struct pages_plan *plan, uint64_t *budget)
{
    uint64_t live = 0, waste = 0;
    for (unsigned i = 0; i < plan->region_count; i++) {
        live += plan->regions[i].live;
        waste += waste_of(&plan->regions[i]);
    }
    while (waste > live / 2) {
        struct pages_plan_region *worst = &plan->regions[0];
        for (unsigned i = 1; i < plan->region_count; i++)
            if (is_worse(&plan->regions[i], worst))
                worst = &plan->regions[i];
        if (worst->live > *budget)
            return;
        waste -= waste_of(worst);
        take(worst, budget);
    }
}

/* Nothing is looked for where nothing counts any more. */
static void take_regions(struct pages_plan *plan)
{
    uint64_t budget = plan->write->gather_bytes;
    for (unsigned i = 0; i < plan->region_count; i++)
        plan->regions[i].taken = !plan->regions[i].live;
    make_room(plan, &budget);
    take_wasteful(plan, &budget);
}

static int read_parent(struct pages_plan *plan, struct error *err)
{
    int rc = pages_root(plan->parent, &patient, &plan->root, err);
    if (rc < 0)
        return rc;
    plan->parent_pages = plan->root.pages;
    plan->parent_packs = plan->root.packs;
    rc = read_packs(plan, err);
    if (!rc)
        rc = read_regions(plan, err);
    if (!rc)
        rc = count_live(plan, err);
    if (!rc)
        rc = want_hashes(plan, err);
    take_regions(plan);
    return rc;
}

int pages_plan_begin(struct pages_plan *plan, struct error *err)
{
    plan->parent = overlay_parent(plan->write->overlay);
    plan->pages = overlay_pages(plan->write->overlay);
    plan->leaf_count = map_leaves_of(plan->pages);
    plan->free = mem_zero(plan->pages / 8 + 1);
    plan->hot = mem_zero(plan->pages / 8 + 1);
    plan->taken = mem_zero(plan->pages / 8 + 1);
    /* a parent may have had more pages than there are now */
    plan->leaves = mem_zero((plan->leaf_count + 1) * sizeof *plan->leaves);
    for (size_t i = 0; i < plan->write->hot_count; i++)
        plan->hot[plan->write->hot[i] / 8] |= (uint8_t)(1 << plan->write->hot[i] % 8);
    int rc = find_free(plan, err);
    return rc || !plan->parent ? rc : read_parent(plan, err);
}

void pages_plan_done(struct pages_plan *plan)
{
    for (uint32_t i = 0; plan->leaves && i < plan->leaf_count; i++)
        free(plan->leaves[i]);
    free(plan->leaves);
    free(plan->free);
    free(plan->hot);
    free(plan->taken);
    free(plan->packs);
    free(plan->frames);
    cleanup_close(&plan->spool);
}
