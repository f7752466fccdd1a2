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
