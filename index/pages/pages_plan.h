// SPDX-License-Identifier: Apache-2.0
/* The insides of pages_write(): what of a map changes, and where it goes. */
#pragma once

#include "index/pages/pages_write.h"

/* Where a mount looks at once, as the parent has it. */
struct pages_plan_region {
    struct map_extent at;
    uint32_t pack; /* its number */
    uint64_t live; /* bytes in it that still count */
    bool taken;    /* what counts in it is written again */
};

struct pages_plan_leaf {
    struct map_place places[MAP_FAN];
    struct map_place apart; /* where the hashes of those lie that are not near */
    bool hashed;            /* they are known, too */
    bool changed;           /* other pages, or elsewhere */
    bool moved;             /* it is stored again */
    bool anew;              /* so are the hashes */
};

/* A page that goes into a new pack. */
struct pages_plan_frame {
    uint32_t page;
    uint32_t len;
    bool hot;
    uint64_t at; /* in the spool */
};

struct pages_plan {
    struct page_store *store;
    const struct pages_write *write;
    struct pages *parent; /* NULL: none */
    uint32_t pages, leaf_count;
    uint32_t parent_pages, parent_packs;
    struct map_root root;            /* the parent's; its bytes live as long as the parent */
    uint8_t *free;                   /* a bit a page that is on SQLite's list */
    uint8_t *hot;                    /* and a page that every reader needs */
    uint8_t *taken;                  /* and one that is stored, or stays */
    struct pages_plan_leaf **leaves; /* NULL: as the parent's */
    struct pages_plan_region regions[MAP_HOT_MAX];
    unsigned region_count;
    struct map_pack *packs; /* all there are, new ones behind the parent's */
    size_t pack_count, pack_cap;
    int spool; /* frames one behind the other */
    uint64_t spooled;
    struct pages_plan_frame *frames;
    size_t frame_count, frame_cap;
};

static inline bool pages_plan_bit(const uint8_t *bits, uint32_t page)
{
    return bits[page / 8] >> page % 8 & 1;
}

/* Reads the parent's map as far as it is needed, and what is free. */
int pages_plan_begin(struct pages_plan *plan, struct error *err);
void pages_plan_done(struct pages_plan *plan);
/* A leaf to be changed: the parent's, or of pages of zeros. */
int pages_plan_leaf(struct pages_plan *plan, uint32_t leaf, struct pages_plan_leaf **ret, struct error *err);
/* The same, with the hashes of all its pages. */
int pages_plan_hashed(struct pages_plan *plan, uint32_t leaf, struct pages_plan_leaf **ret,
                      struct error *err);
/* Does a place lie where a mount looks, and does it stay there? */
bool pages_plan_is_near(const struct pages_plan *plan, const struct map_place *place);
