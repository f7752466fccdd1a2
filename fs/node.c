// SPDX-License-Identifier: Apache-2.0
/* Two chained hash tables over one set of nodes, doubled when full. */
#include "fs/node.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "cache/base/memory.h"

enum { CLASS_SHIFT = 62, VERSION_SHIFT = 42, ROW_SHIFT = 10, STREAM_MASK = 1023, CLASS_CLIP = 1 };
enum { BUCKETS_FIRST = 64 };

uint64_t node_number(const struct node_clip *clip)
{
    assert(clip->version <= NODE_VERSION_MAX && clip->stream <= STREAM_MASK);
    return (uint64_t)CLASS_CLIP << CLASS_SHIFT | (uint64_t)clip->version << VERSION_SHIFT |
           (uint64_t)clip->row << ROW_SHIFT | clip->stream;
}

bool node_is_clip(uint64_t number)
{
    return number >> CLASS_SHIFT == CLASS_CLIP;
}

struct node_clip node_clip(uint64_t number)
{
    return (struct node_clip){
        .version = number >> VERSION_SHIFT & NODE_VERSION_MAX,
        .row = (uint32_t)(number >> ROW_SHIFT),
        .stream = number & STREAM_MASK,
    };
}

struct chain {
    struct node *first;
};

struct nodes {
    uint8_t hash_key[16]; /* names come from outside */
    pthread_mutex_t lock; /* guards what follows */
    struct chain *by_id, *by_name;
    size_t buckets; /* a power of two */
    size_t count;
    uint64_t next_id;
};

static size_t id_bucket(const struct nodes *nodes, uint64_t id)
{
    return id & (nodes->buckets - 1); /* ids are given in order: no hash spreads them better */
}

static size_t name_bucket(const struct nodes *nodes, uint64_t parent, const char *name)
{
    return (siphash24(nodes->hash_key, name, strlen(name)) ^ parent * 0x9E3779B97F4A7C15u) &
           (nodes->buckets - 1);
}

static void link_node_locked(struct nodes *nodes, struct node *node)
{
    struct node **id = &nodes->by_id[id_bucket(nodes, node->id)].first;
    struct node **name = &nodes->by_name[name_bucket(nodes, node->parent, node->name)].first;
    node->next_by_id = *id;
    *id = node;
    node->next_by_name = *name;
    *name = node;
}

static void unlink_node_locked(struct nodes *nodes, struct node *node)
{
    struct node **at = &nodes->by_id[id_bucket(nodes, node->id)].first;
    while (*at != node)
        at = &(*at)->next_by_id;
    *at = node->next_by_id;
    at = &nodes->by_name[name_bucket(nodes, node->parent, node->name)].first;
    while (*at != node)
        at = &(*at)->next_by_name;
    *at = node->next_by_name;
    nodes->count--;
}

static void grow_locked(struct nodes *nodes)
{
    struct chain *old = nodes->by_id;
    size_t old_buckets = nodes->buckets;
    nodes->buckets = old_buckets ? 2 * old_buckets : BUCKETS_FIRST;
    free(nodes->by_name);
    nodes->by_id = mem_zero(nodes->buckets * sizeof *nodes->by_id);
    nodes->by_name = mem_zero(nodes->buckets * sizeof *nodes->by_name);
    for (size_t i = 0; i < old_buckets; i++)
        for (struct node *node = old[i].first, *next; node; node = next) {
            next = node->next_by_id;
            link_node_locked(nodes, node);
        }
    free(old);
}

static struct node *find_id_locked(const struct nodes *nodes, uint64_t id)
{
    struct node *node = nodes->by_id[id_bucket(nodes, id)].first;
    while (node && node->id != id)
        node = node->next_by_id;
    return node;
}

static struct node *find_alike_locked(const struct nodes *nodes, const struct node *wanted)
{
    struct node *node = nodes->by_name[name_bucket(nodes, wanted->parent, wanted->name)].first;
    while (node && (node->parent != wanted->parent || node->purge != wanted->purge ||
                    strcmp(node->name, wanted->name) != 0))
        node = node->next_by_name;
    return node;
}

static struct node *make_locked(struct nodes *nodes, struct node *wanted)
{
    if (nodes->count == nodes->buckets)
        grow_locked(nodes);
    struct node *node = mem_copy(wanted, sizeof *wanted);
    node->id = nodes->next_id++;
    node->name = mem_text(wanted->name);
    node->query = wanted->query ? query_ref(wanted->query) : NULL;
    node->as = mem_text(wanted->as);
    node->lookups = 0;
    node->made = NULL;
    wanted->bytes = BUF_INIT;
    link_node_locked(nodes, node);
    nodes->count++;
    return node;
}

static void free_node(struct node *node)
{
    if (node->query)
        query_unref(node->query);
    buf_done(&node->bytes);
    free(node->as);
    free(node->name);
    free(node);
}

struct nodes *nodes_new(void)
{
    struct nodes *nodes = MEM_NEW(struct nodes);
    random_bytes(nodes->hash_key, sizeof nodes->hash_key);
    pthread_mutex_init(&nodes->lock, NULL);
    nodes->next_id = NODE_ROOT_ID;
    make_locked(nodes, &(struct node){.name = (char[]){""}, .kind = NODE_ROOT});
    return nodes;
}

void nodes_free(struct nodes *nodes)
{
    if (!nodes)
        return;
    for (size_t i = 0; i < nodes->buckets; i++)
        for (struct node *node = nodes->by_id[i].first, *next; node; node = next) {
            next = node->next_by_id;
            free_node(node);
        }
    free(nodes->by_id);
    free(nodes->by_name);
    pthread_mutex_destroy(&nodes->lock);
    free(nodes);
}

const struct node *nodes_get(struct nodes *nodes, uint64_t id)
{
    pthread_mutex_lock(&nodes->lock);
    const struct node *node = find_id_locked(nodes, id);
    pthread_mutex_unlock(&nodes->lock);
    return node;
}

const struct node *nodes_enter(struct nodes *nodes, struct node *wanted)
{
    pthread_mutex_lock(&nodes->lock);
    struct node *node = wanted->kind == NODE_LIVE ? NULL : find_alike_locked(nodes, wanted);
    if (!node)
        node = make_locked(nodes, wanted);
    node->lookups++;
    pthread_mutex_unlock(&nodes->lock);
    return node;
}

bool nodes_forget(struct nodes *nodes, uint64_t id, uint64_t lookups)
{
    if (node_is_clip(id) || id == NODE_ROOT_ID)
        return false;
    pthread_mutex_lock(&nodes->lock);
    struct node *node = find_id_locked(nodes, id);
    if (node) {
        node->lookups -= lookups < node->lookups ? lookups : node->lookups;
        if (node->lookups)
            node = NULL;
        else
            unlink_node_locked(nodes, node);
    }
    pthread_mutex_unlock(&nodes->lock);
    if (!node)
        return false;
    free_node(node);
    return true;
}

size_t nodes_queries(struct nodes *nodes, struct node_query **ret)
{
    size_t count = 0;
    pthread_mutex_lock(&nodes->lock);
    struct node_query *list = mem_alloc((nodes->count + 1) * sizeof *list);
    for (size_t i = 0; i < nodes->buckets; i++)
        for (const struct node *node = nodes->by_id[i].first; node; node = node->next_by_id)
            if (node->kind == NODE_QUERY)
                list[count++] = (struct node_query){node->id, node->version};
    pthread_mutex_unlock(&nodes->lock);
    *ret = list;
    return count;
}

size_t nodes_count(struct nodes *nodes)
{
    pthread_mutex_lock(&nodes->lock);
    size_t count = nodes->count;
    pthread_mutex_unlock(&nodes->lock);
    return count;
}
