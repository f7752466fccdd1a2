// SPDX-License-Identifier: Apache-2.0
/*
 * A hash table of structures that begin with a SHA-256 key. The key is its own hash. Links live in the
 * structures: the table allocates its array of heads only. Thread rule: one thread at a time. Private to
 * cache/.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/hash.h"

struct keytable_node {
    struct keytable_node *next;
    uint8_t key[SHA256_BYTES];
};

struct keytable {
    struct keytable_node **heads;
    size_t head_count, count;
};

void keytable_done(struct keytable *table); /* the nodes stay the caller's */
struct keytable_node *keytable_find(const struct keytable *table, const uint8_t key[SHA256_BYTES]);
void keytable_add(struct keytable *table, struct keytable_node *node); /* whose key is not in it yet */
void keytable_remove(struct keytable *table, struct keytable_node *node);
