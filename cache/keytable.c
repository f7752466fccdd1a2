// SPDX-License-Identifier: Apache-2.0
/* A SHA-256 is as good as random, so its first bytes choose the chain and nothing need be hashed. */
#include "cache/keytable.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/memory.h"

enum { FIRST_HEADS = 64 };

static struct keytable_node **head_of(const struct keytable *table, const uint8_t *key)
{
    uint64_t hash;
    memcpy(&hash, key, sizeof hash);
    return &table->heads[hash & (table->head_count - 1)];
}

static void link_node(struct keytable *table, struct keytable_node *node)
{
    struct keytable_node **head = head_of(table, node->key);
    node->next = *head;
    *head = node;
}

static void grow(struct keytable *table)
{
    struct keytable old = *table;
    table->head_count = old.head_count ? 2 * old.head_count : FIRST_HEADS;
    table->heads = mem_zero(table->head_count * sizeof *table->heads);
    for (size_t i = 0; i < old.head_count; i++)
        for (struct keytable_node *node = old.heads[i], *next; node; node = next) {
            next = node->next;
            link_node(table, node);
        }
    free(old.heads);
}

void keytable_done(struct keytable *table)
{
    free(table->heads);
    *table = (struct keytable){0};
}

struct keytable_node *keytable_find(const struct keytable *table, const uint8_t key[SHA256_BYTES])
{
    struct keytable_node *node = table->head_count ? *head_of(table, key) : NULL;
    while (node && memcmp(node->key, key, SHA256_BYTES) != 0)
        node = node->next;
    return node;
}

void keytable_add(struct keytable *table, struct keytable_node *node)
{
    assert(!keytable_find(table, node->key));
    if (table->count >= table->head_count)
        grow(table);
    link_node(table, node);
    table->count++;
}

void keytable_remove(struct keytable *table, struct keytable_node *node)
{
    struct keytable_node **at = head_of(table, node->key);
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    table->count--;
}
