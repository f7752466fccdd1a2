// SPDX-License-Identifier: Apache-2.0
/*
 * The extent map: what a virtual file is. An ordered list of extents.
 *
 *     kind     its bytes
 *     OBJECT   [offset, offset + len) of an object in a store, pinned
 *     STREAM   [offset, offset + len) of another virtual file (derived files point at the clips' own)
 *     INLINE   carried by the map itself (synthesised headers, generated JSON)
 *     ZERO     zeros
 *
 *     virtual  |<- INLINE ->|<------ OBJECT a ------>|<-- STREAM s -->|<- ZERO ->|
 *     offset   0            start[1]                 start[2]         start[3]    size
 *
 * Invariants, checked by extent_map_seal():
 *  1. lengths are > 0, starts are the running sum, the size does not overflow;
 *  2. sources exist;
 *  3. ranges lie inside their object, stream or inline bytes;
 *  4. streams are nested at most EXTENT_DEPTH_MAX deep;
 *  5. what touches in one source is one extent;
 *  6. no map has both OBJECT and STREAM extents. A leaf of objects is what the cache keeps in a file of its
 *     own, a derived map of streams is kept in theirs alone: of both it would be kept twice in part.
 *
 * Thread rule: one thread builds; immutable after extent_map_seal(), then shared by reference counts
 * (atomic).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/base/hash.h"
#include "cache/base/memory.h"
#include "cache/store/store.h"

enum extent_kind { EXTENT_OBJECT = 1, EXTENT_STREAM = 2, EXTENT_INLINE = 3, EXTENT_ZERO = 4 };
enum { EXTENT_DEPTH_MAX = 8 };

struct extent {
    enum extent_kind kind;
    uint32_t source; /* OBJECT: index of the object; STREAM: index of the stream; else 0 */
    uint64_t start;  /* offset in the virtual file */
    uint64_t offset; /* offset in the object, stream or inline bytes */
    uint64_t len;
};

/* An object with its root resolved. */
struct extent_object {
    struct store *store; /* a reference is held */
    char *path;
    uint64_t size;
    char *pin;
    struct evidence evidence;
};

struct extent_map;

struct extent_map *extent_map_new(void);
struct extent_map *extent_map_ref(struct extent_map *map);
void extent_map_unref(struct extent_map *map);
CLEANUP_DEFINE(struct extent_map, extent_map_unref, cleanup_extent_map)
#define CLEANUP_EXTENT_MAP CLEANUP(cleanup_extent_map)

/* Building. References are taken, texts and bytes copied; touching extents of one source are merged. An
 * object equal to the one named last gets the same index. A wrong append is reported by extent_map_seal(). */
uint32_t extent_map_object(struct extent_map *map, struct store *store, const char *path, uint64_t size,
                           const char *pin);
/* What was seen of the object when it was pinned. It is no part of what the file is: no key knows it. */
void extent_map_evidence(struct extent_map *map, uint32_t object, const struct evidence *evidence);
uint32_t extent_map_stream(struct extent_map *map, struct extent_map *stream); /* a sealed one */
void extent_map_append(struct extent_map *map, enum extent_kind kind, uint32_t source, uint64_t offset,
                       uint64_t len);
void extent_map_append_inline(struct extent_map *map, const void *bytes, size_t len);
/* What it holds in memory, its streams included, roughly; of a sealed one. */
size_t extent_map_memory(const struct extent_map *map);
/* -EINVAL, -EFBIG or -ELOOP, with the extent that breaks an invariant; the map stays unsealed. */
int extent_map_seal(struct extent_map *map, struct error *err);

/* Reading a sealed map. */
uint64_t extent_map_size(const struct extent_map *map);
size_t extent_map_count(const struct extent_map *map);
const struct extent *extent_map_at(const struct extent_map *map, size_t i);
size_t extent_map_find(const struct extent_map *map,
                       uint64_t offset); /* index of the extent that holds it; offset < size */
const struct extent_object *extent_map_object_at(const struct extent_map *map, uint32_t source);
struct extent_map *extent_map_stream_at(const struct extent_map *map, uint32_t source);
const uint8_t *extent_map_inline(const struct extent_map *map, const struct extent *extent); /* len bytes */

/* SHA-256 of the canonical form, in which every object stands resolved (store_object_identity(), size, pin)
 * and inline bytes stand by content. Byte layout and golden vectors: cache/FORMAT.md. */
void extent_map_key(const struct extent_map *map, uint8_t ret_key[SHA256_BYTES]);
