// SPDX-License-Identifier: Apache-2.0
/* A pack as a source of the cache: exact ranges of one object of a store, one request a fill. */
#pragma once

#include "cache/cache.h"
#include "cache/store/store.h"

/* Takes a reference to `store`, copies `path`. A pack that is missing, or shorter, is damage: -EUCLEAN. */
struct cache_source *pack_source_new(struct store *store, const char *path, uint64_t size);
