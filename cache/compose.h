// SPDX-License-Identifier: Apache-2.0
/*
 * Reads of an extent map that need no cached file of their own: inline bytes and zeros come from the map,
 * STREAM extents through the cached files of those streams. A map of objects is read from its own cached
 * file, but for a read of its inline bytes or zeros alone.
 *
 *     virtual  |<- INLINE ->|<-- STREAM a -->|<- INLINE ->|<-- STREAM b -->|
 *     read            [------------------------------------------]
 *     pieces          [ map ][  a's file      ][   map    ][ b's ]
 *
 * Private to cache/.
 */
#pragma once

#include <stdbool.h>

#include "cache/handle.h"

bool compose_takes(const struct cache_file *file, uint64_t offset, uint64_t len);
void compose_start(struct cache_file *file, struct cache_read *read);
void compose_cancel(struct cache_read *read);
int compose_now(struct cache_file *file, uint64_t offset, size_t len, uint8_t *to, struct error *err);
