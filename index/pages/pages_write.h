// SPDX-License-Identifier: Apache-2.0
/*
 * From an overlay to the next version's pages: what differs from the parent's goes into new packs, everything
 * else stays where it is.
 *
 *     first new pack: [root, lists of packs, leaves][hot pages][leaves, where they are many][hashes][pages]
 *     others:         [pages]
 *
 * What a mount needs at once is the start of one pack: one extent (struct map_top). Eight are enough: the
 * ninth takes the place of those written last, as long as one before them holds no more that still counts
 * than what was taken already. So what was written once is written again a logarithm of times, and the first,
 * which is the largest, seldom. Where less than two thirds of what a mount fetches still count, those of
 * which least does are written again, too. Both within a budget; only for the ninth one is taken without any.
 */
#pragma once

#include "index/pages/overlay.h"

struct pages_write {
    struct overlay *overlay;
    const uint32_t *hot; /* pages that every reader needs, ascending; they count from 0 */
    size_t hot_count;
    const uint32_t *first; /* of the others these come first, in this order, so that they lie side by side */
    size_t first_count;
    uint64_t pack_bytes;   /* frames of a pack, about; 0: those of the format */
    uint64_t gather_bytes; /* of what every reader needs may be written again */
};
struct pages_written {
    struct map_top top;
    uint8_t (*ids)[MAP_ID_BYTES]; /* the packs that were made; owned */
    size_t id_count;
    uint64_t pages, bytes; /* that were stored */
};
/* Nothing is left in the store on failure. Waits. */
int pages_write(struct page_store *store, const struct pages_write *write, struct pages_written *ret,
                struct error *err);
/* Takes the packs back: nothing names them. */
void pages_written_remove(struct page_store *store, const struct pages_written *written);
void pages_written_done(struct pages_written *written);
