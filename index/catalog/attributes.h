// SPDX-License-Identifier: Apache-2.0
/* Attributes of a catalog in memory: by id and by name. Thread rule: one thread at a time. */
#pragma once

#include "index/catalog/catalog.h"
#include "index/catalog/cells/state.h"
#include "index/catalog/db.h"

enum { ATTRIBUTES_FIRST = 256 }; /* with numbers below this: what is said of these is hot */

struct attribute {
    struct catalog_attribute info;
    struct state state;     /* what stands above shards and records */
    bool has_state;         /* it is stored */
    bool changed, restated; /* apply's: its row, or its state, is to be written */
};

struct attributes {
    struct attribute *list; /* by id */
    size_t count, cap;
    uint32_t *by_name; /* indices into list, in byte order of name */
    uint32_t *ranks;   /* of list[i] in by_name */
    uint32_t *patched; /* indices of those of which records do not tell all */
    size_t patched_count;
};
#define CLEANUP_ATTRIBUTES CLEANUP(attributes_done)

/* Those with numbers below `end`. */
int attributes_read(struct db *db, uint32_t end, struct attributes *ret, struct error *err);
void attributes_done(struct attributes *attributes);
/* Orders by name, and finds those that are patched, again after `list` became another one. */
void attributes_sort(struct attributes *attributes);
struct attribute *attributes_by_id(const struct attributes *attributes, uint32_t id); /* NULL: none */
struct attribute *attributes_by_name(const struct attributes *attributes, const char *name, size_t len);
/* Does it have columns? Numbers and times of which a clip has one. */
bool attribute_has_column(const struct attribute *attribute);
