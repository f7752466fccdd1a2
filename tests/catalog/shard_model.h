// SPDX-License-Identifier: Apache-2.0
/*
 * An attribute of a catalog, and a plain list of the values of each row beside it: what is done to one is
 * done to the other, in slices of random size. Thread rule: one thread.
 */
#pragma once

#include "index/catalog/shard/shard_update.h"
#include "index/pages/overlay.h"

enum { MODEL_REGIONS = 17, MODEL_ROWS = MODEL_REGIONS << 16, MODEL_CELL_MAX = 3, MODEL_ATTRIBUTE = 17 };

struct shape {
    const char *name;
    enum value_type type;
    bool multi;
    uint32_t values;
    uint32_t a_region; /* rows that have it */
};
enum { MODEL_SHAPES = 10 };
extern const struct shape model_shapes[MODEL_SHAPES];

struct model {
    const struct shape *shape;
    struct value *values; /* ascending */
    uint32_t (*cells)[MODEL_CELL_MAX];
    uint8_t *counts;
    uint32_t regions; /* sealed */
    uint32_t shards[MODEL_REGIONS];
    size_t shard_count;
};

struct pair {
    uint32_t value, row;
    bool gained;
};
struct delta { /* what changes */
    struct pair *pairs;
    size_t count, cap, at;
    struct rowset *gained, *lost; /* the attribute */
    uint32_t first;
    uint64_t end; /* of the shard it is asked for */
    const struct model *model;
    uint32_t *rows;
    size_t rows_cap;
};

uint64_t shard_below(uint64_t bound);
bool model_has_column(const struct model *m);
void model_init(struct model *m, const struct shape *shape);
void model_done(struct model *m);
uint32_t model_index(const struct model *m);
void delta_note(struct delta *delta, uint32_t value, uint32_t row, bool gained);
int pair_compare(const void *a, const void *b);
int delta_next(void *ctx, struct shard_change *ret, struct error *err);
void delta_rewind(void *ctx);
struct shard_target model_target(const struct model *m, uint32_t number);
struct delta delta_of(const struct model *m);
void model_seal(struct db *db, struct model *m);
void model_relabel(struct db *db, struct model *m);
void model_merge(struct db *db, struct model *m);
struct db *shard_catalog_open(struct overlay **ret_file);
void shard_catalog_close(struct db *db, struct overlay *file);
void shard_seed(void);
