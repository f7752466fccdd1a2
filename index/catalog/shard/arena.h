// SPDX-License-Identifier: Apache-2.0
/* Many small copies that go together. Thread rule: one thread at a time. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct arena {
    struct arena_chunk *chunks; /* the newest first */
    size_t len;                 /* bytes copied in */
};

void arena_done(struct arena *arena);  /* frees and empties */
void arena_clear(struct arena *arena); /* empties, keeps some memory */
/* A copy that stays where it is until arena_done(). Not aligned. */
uint8_t *arena_copy(struct arena *arena, const void *bytes, size_t len);
