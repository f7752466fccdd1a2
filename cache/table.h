// SPDX-License-Identifier: Apache-2.0
/*
 * The cached files that are open in this process, by key, and some closed ones that stay open for a while:
 * opening again is then a look-up, and what was checked stays checked.
 *
 * A key that is being opened or evicted is *claimed*: whoever asks for it waits until the claim has ended, so
 * the local files of a key are opened, or removed, by one thread at a time.
 * Thread rule: locks itself. Private to cache/.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/hash.h"

struct cached;
struct table;

struct table *table_new(unsigned idle_max);
void table_free(struct table *table); /* frees the idle files; no others may be left */
/* The open file of this key, with a new reference; or NULL, and the key is claimed for the caller. */
struct cached *table_get(struct table *table, const uint8_t key[SHA256_BYTES]);
/* Claims a key for eviction; false if its file is in use. An idle one is closed. */
bool table_claim(struct table *table, const uint8_t key[SHA256_BYTES]);
/* Ends a claim; `file` (may be NULL) is the key's open file from now on, its reference the caller's. */
void table_end_claim(struct table *table, const uint8_t key[SHA256_BYTES], struct cached *file);
void table_put(struct table *table, struct cached *file); /* gives a reference back */
/* Calls each(file) for every file in use, one at a time, with a reference held. */
void table_each(struct table *table, void (*each)(struct cached *file));
