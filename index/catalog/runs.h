// SPDX-License-Identifier: Apache-2.0
/*
 * Sorted runs: finding rows by key, and rows or objects by hash. Each import that adds some appends one run;
 * when there are SCHEMA_RUNS_MAX they are merged into one. Runs first .. next-1 exist.
 * Thread rule: that of the connection.
 */
#pragma once

#include "index/catalog/db.h"

struct runs {
    int64_t first, next;
};
int runs_read(struct db *db, struct runs *ret, struct error *err);
/* 1 with the row of this key, 0: unknown. Whether the row is live is not looked at. */
int runs_find_key(struct db *db, const struct runs *runs, const char *key, size_t len, uint32_t *ret_row,
                  struct error *err);
/* Each key there is, in no order that matters: faster than finding many of them. */
typedef int runs_key_fn(void *ctx, const char *key, uint32_t row, struct error *err);
int runs_each_key(struct db *db, runs_key_fn *each, void *ctx, struct error *err);
/* Each number with this hash. Non-zero from `each` ends the walk with it. */
typedef int runs_number_fn(void *ctx, uint32_t number, struct error *err);
int runs_find_hash(struct db *db, const struct runs *runs, enum schema_hash kind, uint64_t hash,
                   runs_number_fn *each, void *ctx, struct error *err);

struct runs_key {
    const char *key; /* borrowed */
    uint32_t row;
};
struct runs_hash {
    enum schema_hash kind;
    uint64_t hash;
    uint32_t number;
};
/* Appends a run of these (which get sorted), and merges where there are too many. Nothing to add: no run. */
int runs_append(struct db *db, struct runs *runs, struct runs_key *keys, size_t key_count,
                struct runs_hash *hashes, size_t hash_count, struct error *err);
