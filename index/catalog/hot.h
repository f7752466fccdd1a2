// SPDX-License-Identifier: Apache-2.0
/* The pages of a catalog that every reader needs: those above the leaves of all tables, and the leaves of the
 * small ones that are read first (schema_hot_tables). Waits. */
#pragma once

#include "index/pages/overlay.h"

struct hot_pages {
    uint32_t *list; /* ascending, from 0; owned */
    size_t count, cap;
};
int hot_pages_find(struct overlay *overlay, struct hot_pages *ret, struct error *err);
void hot_pages_done(struct hot_pages *hot);
