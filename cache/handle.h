// SPDX-License-Identifier: Apache-2.0
/* What cache_open() gives: one opener's view of a virtual file. Private to cache/. */
#pragma once

#include "cache/cached.h"
#include "cache/streams.h"

struct cache_file {
    struct cache *cache;
    uint64_t size;
    struct cached *cached;   /* a reference; NULL: no byte of it comes from a source */
    struct extent_map *map;  /* NULL if it was opened by key */
    struct streams *streams; /* NULL: the map has no STREAM extents */
    struct pattern pattern;  /* guarded by cached->lock */
};

/* Opens the cached file of a key; takes over `source` on success. */
int handle_open_cached(struct cache *cache, const uint8_t key[SHA256_BYTES], uint64_t size,
                       struct cache_source *source, struct cached **ret, struct error *err);
