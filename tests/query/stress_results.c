// SPDX-License-Identifier: Apache-2.0
/* Threads that share queries and a cache of results too small for all of them. A plain program, so that it
 * runs under ThreadSanitizer. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/query.h"
#include "tests/query/world.h"

enum { THREADS = 4, ROUNDS = 400 };

static const struct {
    const char *path;
    uint64_t clips;
} cases[] = {{"arm=left", 3},
             {"arm=right", 3},
             {"", 8},
             {"length.ge=10", 4},
             {"tags=cube/outcome=fail", 2},
             {"ok.null=1", 5},
             {"force.lt=3+arm=both", 4},
             {"arm=left/arm=right", 0},
             {"task.prefix=pick", 3}};
enum { CASES = sizeof cases / sizeof *cases };

struct shared {
    struct catalog *catalog;
    struct query *queries[CASES];
    struct query_results *results;
    atomic_int wrong;
};

/* Positions of one set, found by several threads that all may be the first to ask for one. */
static void count_backwards(struct shared *shared, struct set *set, const uint32_t *rows)
{
    CLEANUP_SET struct set *all = set_new_every(set, 0, 1, UINT64_MAX);
    for (uint64_t i = set_count(all); i--;)
        if (set_at(all, i) != rows[i])
            atomic_fetch_add(&shared->wrong, 1);
}

static void look(struct shared *shared, struct catalog_reader *reader, size_t i)
{
    CLEANUP_QUERY struct query *query = query_ref(shared->queries[i]);
    CLEANUP_SET struct set *result = NULL;
    uint32_t rows[8];
    uint64_t next;
    const struct query_asked asked = {.version = 1, .query = query};
    if (query_results_get(shared->results, &asked, reader, &result, NULL) ||
        set_count(result) != cases[i].clips || set_read(result, 0, rows, 8, &next) != cases[i].clips)
        atomic_fetch_add(&shared->wrong, 1);
    else
        count_backwards(shared, result, rows);
}

static void *work(void *ctx)
{
    struct shared *shared = ctx;
    CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
    if (catalog_reader_acquire(shared->catalog, &(struct catalog_patience){0}, &reader, NULL)) {
        atomic_fetch_add(&shared->wrong, 1);
        return NULL;
    }
    for (size_t round = 0; round < ROUNDS; round++)
        look(shared, reader, (round * 7 + round / CASES) % CASES);
    return NULL;
}

int main(void)
{
    struct world world;
    struct world_catalog open;
    pthread_t threads[THREADS];
    world_kitchen(&world, &open);
    struct shared shared = {.catalog = open.catalog, .results = query_results_new(1200)};
    for (size_t i = 0; i < CASES; i++)
        if (query_parse(cases[i].path, strlen(cases[i].path), open.reader, &shared.queries[i], NULL))
            return 1;
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, &shared))
            return 1;
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < CASES; i++)
        query_unref(shared.queries[i]);
    query_results_free(shared.results);
    world_close(&open);
    world_done(&world);
    printf("%d wrong answers\n", shared.wrong);
    return shared.wrong != 0;
}
