// SPDX-License-Identifier: Apache-2.0
/*
 * Hashes that no run has. Where the answer is "none" every run must be asked; so what all of them have near a
 * hash is kept as a row of bits, and most of the hashes that none has are told by a look at one. Thread rule:
 * that of the runs.
 */
#pragma once

#include "index/catalog/hash/hash_runs.h"

/* Is it known that no run has this hash? */
bool hash_sieve_rejects(struct hash_runs *runs, enum schema_hash kind, uint32_t hash);
/* Makes the bits around it, if the blocks of all runs are in the cache: reads nothing. */
void hash_sieve_make(struct hash_runs *runs, enum schema_hash kind, uint32_t hash);
