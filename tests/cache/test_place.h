// SPDX-License-Identifier: Apache-2.0
/* What most tests of the cache begin with: a folder, a cache in it, one file with a key. Assert on failure.
 */
#pragma once

#include "tests/cache/test_source.h"

enum { FILE_BYTES = 1000000, FILE_BLOCKS = 245 };

extern const uint8_t key_a[SHA256_BYTES];

char *make_folder(void);
void remove_folder(char *folder); /* and frees its name */
struct cache *make_cache(const char *folder, enum cache_fill_policy fill);
/* The file key_a. */
struct cache_file *open_file(struct cache *cache, const struct test_source_options *options,
                             struct test_counts *counts);
void expect_bytes(struct cache_file *file, uint64_t seed, uint64_t offset, size_t len);
char *data_path(const char *folder); /* of key_a's data file */
struct cache_stats stats_of(struct cache *cache);
/* Fills all of key_a in a cache of its own, which is then closed. */
void fill_once(const char *folder, const struct test_source_options *options);
/* Until what was read is on disk. */
void wait_on_disk(struct cache *cache, uint64_t bytes);
