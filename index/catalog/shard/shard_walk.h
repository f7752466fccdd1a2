// SPDX-License-Identifier: Apache-2.0
/* The values of a shard in order, those in blocks and large ones. Thread rule: one thread at a time. */
#pragma once

#include "index/catalog/shard/shard.h"

struct shard_walk {
    const struct shard *shard; /* borrowed */
    struct shard_key key;      /* of the current value; valid until the next step */
    uint32_t clips;            /* that have it */
    bool rows;                 /* shard_walk_rows() is wanted */
    size_t block, large;       /* the next ones */
    bool in_block, is_large;
    void (*ask)(void *ctx, struct shard_walk *walk); /* NULL, or called before block `ask_at` is read */
    size_t ask_at, ask_step;
    void *ctx; /* its */
    struct buf bytes;
    struct block open;
    struct shard_keys keys;
    struct block_heads heads;
};
#define CLEANUP_SHARD_WALK CLEANUP(shard_walk_done)

/* From the first value that is not below `from` (NULL: the least). */
int shard_walk_init(struct shard_walk *walk, const struct shard *shard, const struct shard_key *from,
                    bool rows, struct error *err);
void shard_walk_done(struct shard_walk *walk);
int shard_walk_next(struct shard_walk *walk, struct error *err); /* 1: there is one, 0: there is none */
/* The rows of the current value; `to` is one of the shard, or of one it lies in. */
int shard_walk_rows(struct shard_walk *walk, struct shard_rows *to, struct error *err);
/* The same into a list of walk->clips, from the shard's first row on. */
int shard_walk_list(struct shard_walk *walk, uint32_t *rows, struct error *err);

/* The same of several shards at once. */
struct shards_walk {
    struct shard_walk *walks;
    int *states; /* of each: does it stand at a value, or is it through? */
    size_t count;
    bool started;
    struct shard_key key;
    uint64_t clips; /* summed */
};
#define CLEANUP_SHARDS_WALK CLEANUP(shards_walk_done)
int shards_walk_init(struct shards_walk *walk, const struct shards *shards, const struct shard_key *from,
                     bool rows, struct error *err);
void shards_walk_done(struct shards_walk *walk);
int shards_walk_next(struct shards_walk *walk, struct error *err);
int shards_walk_rows(struct shards_walk *walk, struct rowset *rows, struct error *err);
/* Row numbers into a list of walk->clips, ascending. */
int shards_walk_list(struct shards_walk *walk, uint32_t *rows, struct error *err);
