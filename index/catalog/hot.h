// SPDX-License-Identifier: Apache-2.0
/* The pages of a catalog that every reader needs: those above the leaves of all tables, and the leaves of the
 * small ones that are read first (schema_hot_tables); where these are looked up by attribute and long, those
 * of the first attributes. And those that shall lie side by side in the store: the leaves of tables of which
 * many rows are read at a time (schema_listed_tables). Waits. */
#pragma once

#include "index/pages/overlay.h"

struct hot_pages {
    uint32_t *list; /* ascending, from 0; owned, as `listed`: */
    size_t count, cap;
    uint32_t *listed; /* table by table */
    size_t listed_count, listed_cap;
};
int hot_pages_find(struct overlay *overlay, struct hot_pages *ret, struct error *err);
void hot_pages_done(struct hot_pages *hot);
