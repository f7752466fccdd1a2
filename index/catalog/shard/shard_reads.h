// SPDX-License-Identifier: Apache-2.0
/* Which rows a look-up in a shard will read, told from its dictionary: nothing is read for it. Any thread. */
#pragma once

#include "index/catalog/shard/shard.h"

enum shard_table { SHARD_BLOCKS, SHARD_MEMBERS, SHARD_POSTINGS };
/* Rows first .. last of a table; each call names others. */
typedef void shard_read_fn(void *ctx, enum shard_table table, const int64_t ids[2]);

void shard_has_reads(const struct shard *shard, shard_read_fn *each, void *ctx);
void shard_equal_reads(const struct shard *shard, const struct shard_key *key, shard_read_fn *each,
                       void *ctx);
/* What a walk over blocks [from, to) reads, and over the large values between them. */
void shard_walk_reads(const struct shard *shard, size_t from, size_t to, shard_read_fn *each, void *ctx);
void shard_between_reads(const struct shard *shard, const struct shard_range *range, shard_read_fn *each,
                         void *ctx);
