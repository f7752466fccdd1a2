// SPDX-License-Identifier: Apache-2.0
/*
 * Changing the index of an attribute (shard.h), by blocks: only those that hold a value which some row gains
 * or loses are written, and postings of such values. What is not named is not touched.
 *
 * Work of any size is done in slices: a call ends once it has written as many bytes as it may, and goes on
 * where it stopped when it is called again with the same arguments. In between, values below the cursor are
 * as they will be, all others as they were, and so is which rows have the attribute.
 *
 * Thread rule: that of the connection.
 */
#pragma once

#include "index/base/rowset.h"
#include "index/catalog/shard/shard.h"

struct shard_target {
    uint32_t attribute;
    enum value_type type;
    bool column;     /* it has parts, too: one number a row */
    uint32_t number; /* of the shard; one that is not there is made */
};

/* What becomes of a value: rows, ascending, all in the shard. Lost ones go first. */
struct shard_change {
    struct shard_key key;
    const uint32_t *gained, *lost;
    size_t gained_count, lost_count;
};
struct shard_source {
    /* Changes in the order of their keys: 1, 0 (no more) or -errno. Valid until the next call. */
    int (*next)(void *ctx, struct shard_change *ret, struct error *err);
    void (*rewind)(void *ctx); /* to the first one */
    void *ctx;
};
/* Rows that have the attribute now, or no more: of all shards, NULL for none. */
struct shard_presence {
    const struct rowset *gained, *lost;
};

struct shard_work {
    uint64_t bytes;    /* a slice ends when it has written so many; less what was written on return */
    struct buf cursor; /* where to go on; empty at the start and at the end. May be kept as it is */
};
#define SHARD_WORK_ALL ((struct shard_work){.bytes = UINT64_MAX})
void shard_work_done(struct shard_work *work);
#define CLEANUP_SHARD_WORK CLEANUP(shard_work_done)

/* 0: done, and the shard is among those of the attribute if some row has it; 1: call again. A new shard
 * (sealed rows) is one that gains all it has. */
int shard_update(struct db *db, const struct shard_target *to, const struct shard_source *source,
                 const struct shard_presence *presence, struct shard_work *work, struct error *err);
struct shard_old { /* those that another takes the place of */
    const uint32_t *numbers;
    size_t count;
};
/* The old shards and what changes become to->number, which covers them, and is none of the attribute's yet;
 * the old ones are dropped when all is there, and read until then. All calls are given the same changes, but
 * for `presence`, where only the last ones count (both may be NULL). 0: done; 1: call again. Parts are
 * changed before the old ones go: who reads them must take the rows that change from elsewhere. */
int shard_make(struct db *db, const struct shard_target *to, const struct shard_old *old,
               const struct shard_source *changes, const struct shard_presence *presence,
               struct shard_work *work, struct error *err);
/* What was made of it goes, and it is not to be finished. */
int shard_make_abandon(struct db *db, uint32_t attribute, uint32_t number, struct error *err);
/* All shards of an attribute, with its parts. */
int shards_drop(struct db *db, uint32_t attribute, struct error *err);
/* Integers become floats, in all shards. They must be exact. */
int shards_widen(struct db *db, uint32_t attribute, struct error *err);
