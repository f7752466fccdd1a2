// SPDX-License-Identifier: Apache-2.0
/* Entries lie in an array in the order of insertion; an open-addressed table of indices (+1) points into it.
 * Keys lie one behind the other: a map never forgets one, and millions of small blocks would keep what is
 * freed between them from being one. */
#include "cache/base/strmap.h"

#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"

enum { SEGMENT_FIRST = 64, SEGMENT_MAX = 1 << 16 }; /* bytes */

struct segment {
    struct segment *before;
    char bytes[];
};

struct strmap {
    uint8_t seed[16];
    struct strmap_entry *entries;
    size_t count, cap;
    uint32_t *slots; /* slot_count (a power of two) indices into entries, +1; 0: free. At most half full. */
    size_t slot_count;
    struct segment *segments; /* the last one first */
    char *room;               /* in it */
    size_t room_len, segment_len;
};

struct strmap *strmap_new(void)
{
    struct strmap *map = MEM_NEW(struct strmap);
    random_bytes(map->seed, sizeof map->seed);
    map->slot_count = 16;
    map->slots = mem_zero(map->slot_count * sizeof *map->slots);
    return map;
}

void strmap_free(struct strmap *map)
{
    if (!map)
        return;
    while (map->segments) {
        struct segment *before = map->segments->before;
        free(map->segments);
        map->segments = before;
    }
    free(map->entries);
    free(map->slots);
    free(map);
}

size_t strmap_count(const struct strmap *map)
{
    return map->count;
}

struct strmap_entry *strmap_at(const struct strmap *map, size_t i)
{
    return &map->entries[i];
}

/* The slot that holds the key, or the free slot where it would go. */
static uint32_t *slot_of(const struct strmap *map, uint64_t hash, const char *key, size_t key_len)
{
    for (size_t i = hash & (map->slot_count - 1);; i = (i + 1) & (map->slot_count - 1)) {
        uint32_t *slot = &map->slots[i];
        if (!*slot)
            return slot;
        const struct strmap_entry *entry = &map->entries[*slot - 1];
        if (entry->hash == hash && entry->key_len == key_len && !memcmp(entry->key, key, key_len))
            return slot;
    }
}

struct strmap_entry *strmap_find(const struct strmap *map, const char *key, size_t key_len)
{
    uint32_t *slot = slot_of(map, siphash24(map->seed, key, key_len), key, key_len);
    return *slot ? &map->entries[*slot - 1] : NULL;
}

static void rehash(struct strmap *map)
{
    free(map->slots);
    map->slot_count *= 2;
    map->slots = mem_zero(map->slot_count * sizeof *map->slots);
    for (size_t i = 0; i < map->count; i++) {
        const struct strmap_entry *entry = &map->entries[i];
        *slot_of(map, entry->hash, entry->key, entry->key_len) = (uint32_t)i + 1;
    }
}

static void add_segment(struct strmap *map, size_t least)
{
    size_t next = map->segment_len ? 2 * map->segment_len : SEGMENT_FIRST;
    map->segment_len = next < SEGMENT_MAX ? next : SEGMENT_MAX;
    size_t len = least > map->segment_len ? least : map->segment_len;
    struct segment *segment = mem_alloc(sizeof *segment + len);
    segment->before = map->segments;
    map->segments = segment;
    map->room = segment->bytes;
    map->room_len = len;
}

static char *copy_key(struct strmap *map, const char *key, size_t key_len)
{
    if (map->room_len <= key_len)
        add_segment(map, key_len + 1);
    char *copy = map->room;
    if (key_len)
        memcpy(copy, key, key_len);
    copy[key_len] = 0;
    map->room += key_len + 1;
    map->room_len -= key_len + 1;
    return copy;
}

struct strmap_entry *strmap_put(struct strmap *map, const char *key, size_t key_len, bool *ret_new)
{
    uint64_t hash = siphash24(map->seed, key, key_len);
    uint32_t *slot = slot_of(map, hash, key, key_len);
    bool is_new = !*slot;
    if (ret_new)
        *ret_new = is_new;
    if (!is_new)
        return &map->entries[*slot - 1];
    mem_grow(&map->entries, &map->cap, map->count + 1, sizeof *map->entries);
    map->entries[map->count] =
        (struct strmap_entry){.key = copy_key(map, key, key_len), .key_len = key_len, .hash = hash};
    *slot = (uint32_t)++map->count;
    if (map->count * 2 > map->slot_count)
        rehash(map);
    return &map->entries[map->count - 1];
}
