// SPDX-License-Identifier: Apache-2.0
/*
 * Keys stand in the log, here are their places in it. They are searched by halving while they ascend; the
 * first that does not makes a hash map of all.
 */
#include "index/commit/changeset_keys.h"

#include <stdlib.h>
#include <string.h>

void changeset_keys_done(struct changeset_keys *keys)
{
    free(keys->list);
    strmap_free(keys->map);
    *keys = (struct changeset_keys){0};
}

static const char *text_of(const struct changeset_keys *keys, const struct buf *log, size_t i)
{
    return (const char *)log->data + keys->list[i].at;
}

/* ---- finding ---- */

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
    if (keys->map) {
        const struct strmap_entry *entry = strmap_find(keys->map, key, strlen(key));
        return entry ? entry->value : SIZE_MAX;
    }
    size_t at = search(keys, log, key, *near < keys->count ? *near : keys->count);
    bool found = at < keys->count && !strcmp(text_of(keys, log, at), key);
    *near = at + found;
    return found ? at : SIZE_MAX;
}

/* ---- adding ---- */

static void make_map(struct changeset_keys *keys, const struct buf *log)
{
    keys->map = strmap_new();
    for (size_t i = 0; i < keys->count; i++) {
        const char *key = text_of(keys, log, i);
        strmap_put(keys->map, key, strlen(key), NULL)->value = i;
    }
}

static struct changeset_key *add(struct changeset_keys *keys)
{
    mem_grow(&keys->list, &keys->cap, keys->count + 1, sizeof *keys->list);
    keys->list[keys->count] = (struct changeset_key){0};
    return &keys->list[keys->count++];
}

struct changeset_key *changeset_keys_put(struct changeset_keys *keys, const struct buf *log, const char *key,
                                         bool *ret_new)
{
    if (!keys->map) {
        *ret_new = !keys->count || strcmp(text_of(keys, log, keys->count - 1), key) < 0;
        if (*ret_new)
            return add(keys);
        make_map(keys, log);
    }
    struct strmap_entry *entry = strmap_put(keys->map, key, strlen(key), ret_new);
    if (*ret_new)
        entry->value = keys->count;
    return *ret_new ? add(keys) : &keys->list[entry->value];
}
