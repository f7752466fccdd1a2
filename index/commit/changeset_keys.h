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
#include "cache/base/strmap.h"

struct changeset_key {
    size_t at;      /* offset of its text in the log */
    uint64_t value; /* the owner's */
};
struct changeset_keys {
    struct changeset_key *list;
    size_t count, cap;
    struct strmap *map; /* key -> index in `list`; NULL as long as they ascend */
};
void changeset_keys_done(struct changeset_keys *keys);

/* The entry of `key`, a new one with zeros if there is none: its text's place in `log` must be said before
 * the next call. Valid until then. */
struct changeset_key *changeset_keys_put(struct changeset_keys *keys, const struct buf *log, const char *key,
                                         bool *ret_new);
/* The index of `key`, or SIZE_MAX. *near, at first 0, is where the search begins and where the next one
 * should: for one ascending key after the other it is a step. */
size_t changeset_keys_find(const struct changeset_keys *keys, const struct buf *log, const char *key,
                           size_t *near);
