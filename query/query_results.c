// SPDX-License-Identifier: Apache-2.0
/* Most recently used first in a list, found through hash chains. Two threads that miss the same query both
 * run it; the second result is dropped. Running is outside the lock. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"
#include "query/query.h"

enum { CHAINS = 1024 };

struct entry {
    struct entry *newer, *older; /* in order of use */
    struct entry *chain;         /* next with the same hash */
    uint64_t hash;
    uint32_t version, window, purge;
    char *canonical;
    size_t len, bytes;
    struct set *result;
};

struct query_results {
    size_t max_bytes;
    uint8_t seed[16]; /* paths come from outside: chains must not be made long on purpose */

    pthread_mutex_t lock; /* guards all below */
    size_t bytes;         /* sum over entries, <= max_bytes outside of the lock */
    struct entry *newest, *oldest;
    struct entry *chains[CHAINS];
};

struct query_results *query_results_new(size_t max_bytes)
{
    struct query_results *results = MEM_NEW(struct query_results);
    results->max_bytes = max_bytes;
    random_bytes(results->seed, sizeof results->seed);
    pthread_mutex_init(&results->lock, NULL);
    return results;
}

static void unlink_locked(struct query_results *results, struct entry *entry)
{
    *(entry->newer ? &entry->newer->older : &results->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &results->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void push_newest_locked(struct query_results *results, struct entry *entry)
{
    entry->older = results->newest;
    *(results->newest ? &results->newest->newer : &results->oldest) = entry;
    results->newest = entry;
}

static void free_entry(struct entry *entry)
{
    set_unref(entry->result);
    free(entry->canonical);
    free(entry);
}

static void drop_oldest_locked(struct query_results *results)
{
    struct entry *entry = results->oldest, **link = &results->chains[entry->hash % CHAINS];
    while (*link != entry)
        link = &(*link)->chain;
    *link = entry->chain;
    unlink_locked(results, entry);
    results->bytes -= entry->bytes;
    free_entry(entry);
}

void query_results_free(struct query_results *results)
{
    if (!results)
        return;
    while (results->oldest)
        drop_oldest_locked(results);
    pthread_mutex_destroy(&results->lock);
    free(results);
}

static bool same_key(const struct entry *entry, const struct entry *key)
{
    return entry->hash == key->hash && entry->version == key->version && entry->window == key->window &&
           entry->purge == key->purge && entry->len == key->len &&
           !memcmp(entry->canonical, key->canonical, key->len);
}

static struct entry *find_locked(struct query_results *results, const struct entry *key)
{
    struct entry *entry = results->chains[key->hash % CHAINS];
    while (entry && !same_key(entry, key))
        entry = entry->chain;
    return entry;
}

/* A reference to the result kept for `key`, NULL if there is none. */
static struct set *look_up(struct query_results *results, const struct entry *key)
{
    struct set *found = NULL;
    pthread_mutex_lock(&results->lock);
    struct entry *entry = find_locked(results, key);
    if (entry) {
        unlink_locked(results, entry);
        push_newest_locked(results, entry);
        found = set_ref(entry->result);
    }
    pthread_mutex_unlock(&results->lock);
    return found;
}

/* Takes the entry. */
static void keep(struct query_results *results, struct entry *entry)
{
    pthread_mutex_lock(&results->lock);
    if (entry->bytes > results->max_bytes || find_locked(results, entry)) {
        pthread_mutex_unlock(&results->lock);
        free_entry(entry);
        return;
    }
    while (results->bytes + entry->bytes > results->max_bytes)
        drop_oldest_locked(results);
    results->bytes += entry->bytes;
    entry->chain = results->chains[entry->hash % CHAINS];
    results->chains[entry->hash % CHAINS] = entry;
    push_newest_locked(results, entry);
    pthread_mutex_unlock(&results->lock);
}

/* Borrows what `canonical` gets. */
static struct entry key_of(const struct query_results *results, const struct query_asked *asked,
                           struct buf *canonical)
{
    query_canonical(asked->query, canonical);
    return (struct entry){.hash = siphash24(results->seed, buf_text(canonical), canonical->len) +
                                  asked->version + ((uint64_t)asked->window << 32),
                          .version = asked->version,
                          .window = asked->window,
                          .purge = asked->purge,
                          .canonical = (char *)(uintptr_t)buf_text(canonical),
                          .len = canonical->len};
}

int query_results_get_around(struct query_results *results, const struct query_asked *asked, uint32_t row,
                             struct catalog_reader *reader, struct set **ret, struct error *err)
{
    CLEANUP_BUF struct buf canonical = BUF_INIT;
    CLEANUP_QUERY struct query *unordered = query_unordered(asked->query);
    struct query_asked around = *asked;
    around.window = query_window_of_row(asked->query, row);
    if (unordered != asked->query) {
        const struct entry key = key_of(results, &around, &canonical);
        struct set *result = look_up(results, &key);
        if (result) {
            *ret = result;
            return 0;
        }
        around.query = unordered;
        around.window = query_window_of_row(unordered, row);
    }
    return query_results_get(results, &around, reader, ret, err);
}

int query_results_get(struct query_results *results, const struct query_asked *asked,
                      struct catalog_reader *reader, struct set **ret, struct error *err)
{
    CLEANUP_BUF struct buf canonical = BUF_INIT;
    struct entry key = key_of(results, asked, &canonical);
    struct set *result = look_up(results, &key);
    if (!result) {
        int rc = query_run_window(asked->query, reader, asked->window, &result, err);
        if (rc)
            return rc;
        set_trim(result);
        struct entry *entry = mem_copy(&key, sizeof key);
        entry->canonical = (char *)buf_steal(&canonical);
        entry->bytes = sizeof *entry + entry->len + set_bytes(result);
        entry->result = set_ref(result);
        keep(results, entry);
    }
    *ret = result;
    return 0;
}
