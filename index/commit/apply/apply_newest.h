// SPDX-License-Identifier: Apache-2.0
/* The newest version in each group of a table, written along with the groups. Groups come in ascending order,
 * or the part that holds them is read again. Thread rule: one thread at a time. Private to apply(). */
#pragma once

#include "index/catalog/groups/clips.h"

struct apply_newest {
    struct db *db;
    enum newest_table table;
    uint64_t part; /* plus 1; 0: none is read */
    uint32_t groups;
    uint32_t *versions; /* NEWEST_GROUPS of them, or NULL */
};

int apply_newest_put(struct apply_newest *newest, uint32_t group, uint32_t version, struct error *err);
int apply_newest_flush(struct apply_newest *newest, struct error *err);
void apply_newest_done(struct apply_newest *newest);
