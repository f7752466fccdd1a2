// SPDX-License-Identifier: Apache-2.0
/* Chunks that never move, so that what points into them stays right while more is copied in. */
#include "index/catalog/shard/arena.h"

#include <string.h>

#include "cache/base/memory.h"

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, cap;
    uint8_t bytes[];
};

enum { CHUNK_BYTES = 16384 };

void arena_done(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    arena->len = 0;
}

void arena_clear(struct arena *arena)
{
    struct arena_chunk *kept = arena->chunks;
    if (!kept)
        return;
    struct arena rest = {.chunks = kept->next};
    arena_done(&rest);
    kept->next = NULL;
    kept->used = 0;
    arena->len = 0;
}

uint8_t *arena_copy(struct arena *arena, const void *bytes, size_t len)
{
    struct arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->cap - chunk->used < len) {
        size_t cap = len > CHUNK_BYTES ? len : CHUNK_BYTES;
        chunk = mem_alloc(sizeof *chunk + cap);
        *chunk = (struct arena_chunk){.next = arena->chunks, .cap = cap};
        arena->chunks = chunk;
    }
    uint8_t *to = chunk->bytes + chunk->used;
    if (len)
        memcpy(to, bytes, len);
    chunk->used += len;
    arena->len += len;
    return to;
}
