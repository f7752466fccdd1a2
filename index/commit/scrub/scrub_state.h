// SPDX-License-Identifier: Apache-2.0
/* The insides of scrub(): what its steps hand to each other. They stand on what apply() is made of. */
#pragma once

#include "index/commit/apply/apply_state.h"
#include "index/commit/scrub/scrub.h"

struct scrub {
    const struct scrub_options *options;
    struct apply apply; /* its connection, attributes, cells and numbers are used */
    struct db *db;
    struct rowset *rows;    /* those of the options that the catalog has */
    struct rowset *objects; /* that go: those of the options that no other row reads */
    struct rowset *live;
    struct scrub_counts counts;
};

/* The first row that is not below `from`; false: there is none. */
static inline bool scrub_next(const struct scrub *scrub, uint64_t from, uint32_t *ret_row)
{
    return rowset_rows(scrub->rows, from, ret_row, 1);
}

int scrub_values(struct scrub *scrub, struct error *err);  /* attributes: shards, runs, late columns */
int scrub_records(struct scrub *scrub, struct error *err); /* forward, events, lists */
int scrub_names(struct scrub *scrub, struct error *err);   /* names, templates, sizes, who they are */
int scrub_growth(struct scrub *scrub, struct error *err);
int scrub_streams(struct scrub *scrub, struct error *err); /* and what stands by row beside them */
int scrub_objects(struct scrub *scrub, struct error *err); /* after scrub_streams() */
int scrub_sources(struct scrub *scrub, struct error *err);
int scrub_hashes(struct scrub *scrub, struct error *err); /* after scrub_objects() */
/* After scrub_records(). */
int scrub_packing(struct scrub *scrub, struct error *err);
