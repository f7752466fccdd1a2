// SPDX-License-Identifier: Apache-2.0
/*
 * The streams that a virtual file points at, opened when they are read. The few used last stay open, so that
 * reading on finds the pattern of its reads; a virtual tar of ten thousand clips still needs few descriptors.
 * Thread rule: locks itself. Private to cache/.
 */
#pragma once

#include <stdint.h>

#include "cache/cache.h"

struct streams;

struct streams *streams_new(struct cache *cache, struct extent_map *map); /* borrows the map */
void streams_free(struct streams *streams); /* all were given back; NULL is fine */
/* The open file of stream `source`, until streams_give(). */
int streams_take(struct streams *streams, uint32_t source, struct cache_file **ret, struct error *err);
void streams_give(struct streams *streams, struct cache_file *file);
