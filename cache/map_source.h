// SPDX-License-Identifier: Apache-2.0
/*
 * The source of a cached file that is an extent map: exact ranges of objects, never past the extents.
 *
 *     fill     [------------------------------------------------------]   of the virtual file
 *     extents  |INLINE|  OBJECT a  |INLINE| OBJECT a' |   OBJECT b    |
 *     parts           [ one GET, the gap between a and a' read through ] [ one GET ]
 *
 * Two extents of one object are one request if the second begins at most MAP_SOURCE_GAP_BYTES behind the end
 * of the first; what lies between is discarded, and counted as fetched. Thread rule: locks itself. Private to
 * cache/.
 */
#pragma once

#include "cache/cache.h"

enum { MAP_SOURCE_GAP_BYTES = 64 << 10 };

struct cache_source *map_source_new(struct cache *cache, struct extent_map *map); /* takes a reference */
