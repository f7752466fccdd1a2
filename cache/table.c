// SPDX-License-Identifier: Apache-2.0
/*
 * A hash table of files, with a list of the idle ones by age, and claims: a claim is a key that is listed
 * while somebody opens or evicts it, so that no file is opened under the lock.
 */
#include "cache/table.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "cache/cached.h"

struct table {
    unsigned idle_max;
    pthread_cond_t unclaimed;
    pthread_mutex_t lock; /* guards what follows */
    struct keytable files, claims;
    struct cached *idle_oldest, *idle_newest;
    unsigned idle_count;
};

struct table *table_new(unsigned idle_max)
{
    struct table *table = MEM_NEW(struct table);
    table->idle_max = idle_max;
    pthread_mutex_init(&table->lock, NULL);
    pthread_cond_init(&table->unclaimed, NULL);
    return table;
}

static void idle_add_locked(struct table *table, struct cached *file)
{
    file->idle = true;
    file->idle_prev = table->idle_newest;
    file->idle_next = NULL;
    *(file->idle_prev ? &file->idle_prev->idle_next : &table->idle_oldest) = file;
    table->idle_newest = file;
    table->idle_count++;
}

static void idle_remove_locked(struct table *table, struct cached *file)
{
    file->idle = false;
    *(file->idle_prev ? &file->idle_prev->idle_next : &table->idle_oldest) = file->idle_next;
    *(file->idle_next ? &file->idle_next->idle_prev : &table->idle_newest) = file->idle_prev;
    table->idle_count--;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (struct cached *file; (file = table->idle_oldest);) {
        idle_remove_locked(table, file);
        keytable_remove(&table->files, &file->node);
        cached_free(file);
    }
    assert(!table->files.count && !table->claims.count);
    keytable_done(&table->files);
    keytable_done(&table->claims);
    pthread_cond_destroy(&table->unclaimed);
    pthread_mutex_destroy(&table->lock);
    free(table);
}

static void claim_locked(struct table *table, const uint8_t *key)
{
    struct keytable_node *claim = MEM_NEW(struct keytable_node);
    memcpy(claim->key, key, SHA256_BYTES);
    keytable_add(&table->claims, claim);
}

struct cached *table_get(struct table *table, const uint8_t key[SHA256_BYTES])
{
    pthread_mutex_lock(&table->lock);
    while (keytable_find(&table->claims, key))
        pthread_cond_wait(&table->unclaimed, &table->lock);
    struct cached *file = (struct cached *)keytable_find(&table->files, key);
    if (!file) {
        claim_locked(table, key);
    } else {
        if (file->idle)
            idle_remove_locked(table, file);
        cached_ref(file);
    }
    pthread_mutex_unlock(&table->lock);
    return file;
}

bool table_claim(struct table *table, const uint8_t key[SHA256_BYTES])
{
    pthread_mutex_lock(&table->lock);
    struct cached *file = (struct cached *)keytable_find(&table->files, key);
    bool mine = !keytable_find(&table->claims, key) && (!file || file->idle);
    if (mine)
        claim_locked(table, key);
    if (mine && file) {
        idle_remove_locked(table, file);
        keytable_remove(&table->files, &file->node);
    }
    pthread_mutex_unlock(&table->lock);
    if (mine && file)
        cached_free(file);
    return mine;
}

void table_end_claim(struct table *table, const uint8_t key[SHA256_BYTES], struct cached *file)
{
    pthread_mutex_lock(&table->lock);
    struct keytable_node *claim = keytable_find(&table->claims, key);
    keytable_remove(&table->claims, claim);
    free(claim);
    if (file)
        keytable_add(&table->files, &file->node);
    pthread_cond_broadcast(&table->unclaimed);
    pthread_mutex_unlock(&table->lock);
}

void table_put(struct table *table, struct cached *file)
{
    struct cached *old = NULL;
    pthread_mutex_lock(&table->lock);
    if (atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel) == 1) {
        idle_add_locked(table, file);
        /* One without local files of its own is opened anew the next time: the reason may have passed. */
        old = !file->disk.writable ? file : table->idle_count > table->idle_max ? table->idle_oldest : NULL;
    }
    if (old) {
        idle_remove_locked(table, old);
        keytable_remove(&table->files, &old->node);
        claim_locked(table,
                     old->node.key); /* its lock on the local files must go before they are opened again */
    }
    pthread_mutex_unlock(&table->lock);
    if (!old)
        return;
    uint8_t key[SHA256_BYTES];
    memcpy(key, old->node.key, sizeof key);
    cached_free(old);
    table_end_claim(table, key, NULL);
}

void table_each(struct table *table, void (*each)(struct cached *file))
{
    size_t count = 0;
    pthread_mutex_lock(&table->lock);
    struct cached **files = mem_alloc((table->files.count + 1) * sizeof *files);
    for (size_t i = 0; i < table->files.head_count; i++)
        for (struct keytable_node *node = table->files.heads[i]; node; node = node->next)
            if (!((struct cached *)node)->idle) {
                files[count] = (struct cached *)node;
                cached_ref(files[count++]);
            }
    pthread_mutex_unlock(&table->lock);
    for (size_t i = 0; i < count; i++) {
        each(files[i]);
        table_put(table, files[i]);
    }
    free(files);
}
