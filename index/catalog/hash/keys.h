// SPDX-License-Identifier: Apache-2.0
/* Which row has a key, live or not. Thread rule: that of the connection. */
#pragma once

#include "index/catalog/hash/hash_runs.h"

uint32_t key_hash(const char *key, size_t len); /* the first 32 bits of SipHash-2-4, zero key */
/* 1 with the row of this key, 0: unknown. */
int keys_find(struct db *db, struct hash_runs *runs, const char *key, size_t len, uint32_t *ret_row,
              struct error *err);
/* Each key there is, by row: faster than finding many of them. */
typedef int keys_fn(void *ctx, const char *key, uint32_t row, struct error *err);
int keys_each(struct db *db, keys_fn *each, void *ctx, struct error *err);
