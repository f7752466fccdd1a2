// SPDX-License-Identifier: Apache-2.0
/*
 * The keys of a change set's clips, in the order they came. Most tables and sources are in the order of their
 * keys: as long as each key is behind the one before it, it is new, and no table of them is needed to know.
 * Private to index/changeset*.c and apply(). Thread rule: that of the change set.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"

struct changeset_keys {
    size_t *list; /* offsets of their texts in the log */
    size_t count, cap;
    struct changeset_slot *slots; /* by hash: where they stand in `list`; NULL as long as they ascend */
    size_t slot_count;            /* a power of two */
    uint8_t secret[16];           /* of the hash: keys come from outside */
};
void changeset_keys_done(struct changeset_keys *keys);

/* Where the entry of `key` in the list is, a new one if there is none: its text's place in `log` must be said
 * there before the next call. Valid until then. */
size_t *changeset_keys_put(struct changeset_keys *keys, const struct buf *log, const char *key,
                           bool *ret_new);
/* The index of `key`, or SIZE_MAX. *near, at first 0, is where the search begins and where the next one
 * should: for one ascending key after the other it is a step. */
size_t changeset_keys_find(const struct changeset_keys *keys, const struct buf *log, const char *key,
                           size_t *near);
