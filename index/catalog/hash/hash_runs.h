// SPDX-License-Identifier: Apache-2.0
/*
 * Finding rows and objects by a hash: sorted runs of (hash, number), one an import and kind, in the table
 * `hash` as blocks (hash_block.h) with the id
 *
 *     kind << 56 | run << 32 | from
 *
 * A run's blocks lie side by side: each answers from its `from` to where the next begins, the first from 0,
 * the last to the greatest hash there is. Eight runs of one size merge into one, by blocks, so much a commit:
 *
 *     hashes  0 ........... end ......... 2^32
 *     output  ##############                        answers below `end`
 *     inputs                #################       answer from there on (their blocks below are gone)
 *
 * So a reader asks every run, those that answer for the hash. Which runs there are stands in one row, id
 * HASH_STATE, so it is of one version with them. Equal hashes are no proof: who asks compares what the number
 * leads to, and there may be several. Thread rule: that of the connection.
 */
#pragma once

#include "index/catalog/db.h"
#include "index/catalog/hash/hash_cache.h"

#define HASH_END   (UINT64_C(1) << 32)
#define HASH_STATE ((int64_t)127 << 56)

enum {
    HASH_RUN_BITS = 24,  /* of a run's number, which is never used again */
    HASH_MERGE_RUNS = 8, /* so many of a level become one */
    HASH_LEVEL_MIN =
        4096, /* a run of up to so many is of level 0, of up to 8 times as many of level 1, ... */
    HASH_BUDGET = 1 << 20, /* what is merged where there is none: */
    HASH_RUNS_MANY = 128,  /* with more runs of a kind merging goes on all the same */
    HASH_RUNS_MAX = 256,   /* of a kind */
};

struct hash_run {
    enum schema_hash kind;
    uint32_t number, into; /* into: the run that it is merged into, or 0 */
    uint64_t count, end;   /* entries; less than HASH_END: it is being made, and holds all hashes below */
};
struct hash_runs {
    struct hash_run *list; /* by kind, the largest first: most of what is found is found there */
    size_t count, cap;
    uint32_t next;                   /* number of the next run; 0: the row is not there yet */
    struct hash_cache cache, sieves; /* blocks; hash_sieve.h */
};
void hash_runs_done(struct hash_runs *runs);
int hash_runs_read(struct db *db, struct hash_runs *ret, struct error *err);

/* 1: the number is what is looked for, 0: it is not. */
typedef int hash_is_fn(void *ctx, uint32_t number, struct error *err);
struct hash_search {
    enum schema_hash kind;
    uint32_t hash;
    hash_is_fn *is;
    void *ctx;
};
/* 1 with the first number with this hash that is it, 0: none is. */
int hash_runs_find(struct db *db, struct hash_runs *runs, const struct hash_search *search, uint32_t *ret,
                   struct error *err);
/* Each number with this hash once, ascending. Non-zero from `each` ends the walk with it. */
typedef int hash_number_fn(void *ctx, uint32_t number, struct error *err);
int hash_runs_each(struct db *db, struct hash_runs *runs, enum schema_hash kind, uint32_t hash,
                   hash_number_fn *each, void *ctx, struct error *err);

/* What is added, in any order. */
struct hash_list {
    int64_t *list; /* hash and number in one, to be sorted fast */
    size_t count, cap;
};
struct hash_additions {
    struct hash_list of[SCHEMA_HASH_KINDS];
};
void hash_additions_add(struct hash_additions *additions, enum schema_hash kind, uint32_t hash,
                        uint32_t number);
void hash_additions_done(struct hash_additions *additions);
/* Appends runs of these, and merges as many bytes of blocks as *budget says, which is less by those then.
 * Nothing to add: nothing happens, but that the first one makes the row of a new catalog. */
int hash_runs_append(struct db *db, struct hash_runs *runs, struct hash_additions *additions,
                     uint64_t *budget, struct error *err);

/* For hash_append.c and hash_sieve.c. */
int64_t hash_block_id(const struct hash_run *run, uint32_t from);
/* The block of a run that answers for this hash; valid until the statement is used or reset. */
int hash_runs_block(struct db *db, const struct hash_run *run, uint32_t hash, sqlite3_stmt **ret_stmt,
                    struct hash_block *ret, struct error *err);
struct hash_span {
    uint32_t first, last;
};
/* Does the run answer for this hash? And around it for *ret; or, if it does not, for none of *ret. */
bool hash_runs_answers(const struct hash_runs *runs, const struct hash_run *run, uint32_t hash,
                       struct hash_span *ret);
int hash_runs_damaged(struct db *db, const struct hash_run *run, struct error *err);
int hash_runs_write(struct db *db, struct hash_runs *runs, struct error *err);
