// SPDX-License-Identifier: Apache-2.0
/*
 * A hash map from byte strings to uintptr_t, keyed SipHash (names come from outside). Keys are copied.
 * Thread rule: one thread at a time; lookups alone may be shared. Iteration order is the order of insertion.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/memory.h"

struct strmap;

struct strmap_entry {
    char *key; /* NUL-terminated copy, there as long as the map is */
    size_t key_len;
    uintptr_t value;
    uint64_t hash;
};

struct strmap *strmap_new(void);
void strmap_free(struct strmap *map);
CLEANUP_DEFINE(struct strmap, strmap_free, cleanup_strmap)
#define CLEANUP_STRMAP CLEANUP(cleanup_strmap)

size_t strmap_count(const struct strmap *map);
/* The entry with this key, or NULL. Valid until the next strmap_put(). `value` may be changed through it. */
struct strmap_entry *strmap_find(const struct strmap *map, const char *key, size_t key_len);
/* The entry with this key, made with value 0 if absent; *ret_new (may be NULL) tells which. */
struct strmap_entry *strmap_put(struct strmap *map, const char *key, size_t key_len, bool *ret_new);
/* The i-th entry in the order of insertion, i < strmap_count(). */
struct strmap_entry *strmap_at(const struct strmap *map, size_t i);
