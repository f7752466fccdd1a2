// SPDX-License-Identifier: Apache-2.0
/*
 * Keys stand in the log, here are their places in it. They are searched by halving while they ascend; the
 * first that does not makes a hash map of all.
 */
#include "index/commit/changeset_keys.h"

#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"

struct changeset_slot {
    uint32_t hash, number; /* index in the list, plus 1; 0: free */
};

void changeset_keys_done(struct changeset_keys *keys)
{
    free(keys->list);
    free(keys->slots);
    *keys = (struct changeset_keys){0};
}

static const char *text_of(const struct changeset_keys *keys, const struct buf *log, size_t i)
{
    return (const char *)log->data + keys->list[i];
}

static uint32_t hash_of(const struct changeset_keys *keys, const char *key)
{
    return (uint32_t)siphash24(keys->secret, key, strlen(key));
}

/* ---- finding ---- */

/* The slot of the key, or a free one where it would be. */
static struct changeset_slot *slot_of(const struct changeset_keys *keys, const struct buf *log,
                                      const char *key, uint32_t hash)
{
    size_t i = hash & (keys->slot_count - 1);
    while (keys->slots[i].number &&
           (keys->slots[i].hash != hash || strcmp(text_of(keys, log, keys->slots[i].number - 1), key) != 0))
        i = (i + 1) & (keys->slot_count - 1);
    return &keys->slots[i];
}

/* The first in [low, high) that is not before `key`, or high. */
static size_t first_not_before(const struct changeset_keys *keys, const struct buf *log, const char *key,
                               size_t low, size_t high)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(text_of(keys, log, middle), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The same in all of them: `near` first, then in steps that double, so that what is close is found soon. */
static size_t search(const struct changeset_keys *keys, const struct buf *log, const char *key, size_t near)
{
    size_t low = near, step = 1;
    if (low >= keys->count || strcmp(text_of(keys, log, low), key) >= 0)
        return low && strcmp(text_of(keys, log, low - 1), key) < 0 ? low
                                                                   : first_not_before(keys, log, key, 0, low);
    while (step < keys->count - low && strcmp(text_of(keys, log, low + step), key) < 0)
        low += step, step *= 2;
    return first_not_before(keys, log, key, low, step < keys->count - low ? low + step : keys->count);
}

size_t changeset_keys_find(const struct changeset_keys *keys, const struct buf *log, const char *key,
                           size_t *near)
{
    if (keys->slots)
        return (size_t)slot_of(keys, log, key, hash_of(keys, key))->number - 1;
    size_t at = search(keys, log, key, *near < keys->count ? *near : keys->count);
    bool found = at < keys->count && !strcmp(text_of(keys, log, at), key);
    *near = at + found;
    return found ? at : SIZE_MAX;
}

/* ---- adding ---- */

static void take_slot(struct changeset_keys *keys, uint32_t hash, size_t number)
{
    size_t i = hash & (keys->slot_count - 1);
    while (keys->slots[i].number)
        i = (i + 1) & (keys->slot_count - 1);
    keys->slots[i] = (struct changeset_slot){hash, (uint32_t)number};
}

/* At most three of four slots are taken. */
static void make_slots(struct changeset_keys *keys, const struct buf *log)
{
    size_t before = keys->slot_count, count = before ? before : 1 << 10;
    while (count / 4 * 3 <= keys->count)
        count *= 2;
    if (count == before)
        return;
    CLEANUP_FREE struct changeset_slot *old = STEAL(keys->slots);
    if (!before)
        random_bytes(keys->secret, sizeof keys->secret);
    keys->slots = mem_zero(count * sizeof *keys->slots);
    keys->slot_count = count;
    for (size_t i = 0; i < before; i++)
        if (old[i].number)
            take_slot(keys, old[i].hash, old[i].number);
    for (size_t i = 0; !before && i < keys->count; i++)
        take_slot(keys, hash_of(keys, text_of(keys, log, i)), i + 1);
}

static size_t *add(struct changeset_keys *keys)
{
    mem_grow(&keys->list, &keys->cap, keys->count + 1, sizeof *keys->list);
    keys->list[keys->count] = 0;
    return &keys->list[keys->count++];
}

size_t *changeset_keys_put(struct changeset_keys *keys, const struct buf *log, const char *key, bool *ret_new)
{
    *ret_new = !keys->slots && (!keys->count || strcmp(text_of(keys, log, keys->count - 1), key) < 0);
    if (*ret_new)
        return add(keys);
    make_slots(keys, log);
    uint32_t hash = hash_of(keys, key);
    struct changeset_slot *slot = slot_of(keys, log, key, hash);
    *ret_new = !slot->number;
    if (!*ret_new)
        return &keys->list[slot->number - 1];
    *slot = (struct changeset_slot){hash, (uint32_t)keys->count + 1};
    return add(keys);
}
