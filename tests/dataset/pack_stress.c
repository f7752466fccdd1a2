// SPDX-License-Identifier: Apache-2.0
/* Threads read a cold catalog through the cache at once, some giving up early; every byte that arrives is
 * right, and after all of it the catalog is still readable. A plain program, so that it runs under
 * ThreadSanitizer. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "index/pages/pack.h"

enum { THREADS = 6, READS = 40, ROUNDS = 5, SIZE = 10 << 20, READ_BYTES = 10000 };

struct reader {
    struct cache_file *file;
    const uint8_t *want;
    unsigned seed;
    pthread_t thread;
};

static void must(int rc, const struct error *err)
{
    if (rc < 0) {
        fprintf(stderr, "%s\n", err->text);
        abort();
    }
}

static void *read_some(void *ctx)
{
    struct reader *reader = ctx;
    uint8_t bytes[READ_BYTES];
    for (int i = 0; i < READS; i++) {
        struct error err = {0};
        size_t at = (size_t)rand_r(&reader->seed) % (SIZE - READ_BYTES);
        int64_t deadline = rand_r(&reader->seed) % 3 ? 0 : clock_now_ns() + 200000;
        int rc = cache_read_wait(reader->file, at, READ_BYTES, bytes, deadline, &err);
        if (rc == -ETIMEDOUT || rc == -ECANCELED)
            continue;
        must(rc, &err);
        if (memcmp(bytes, reader->want + at, READ_BYTES))
            abort();
    }
    return NULL;
}

/* One cold catalog, read by all threads. */
static void run_round(struct cache *cache, struct store *store, const struct manifest_catalog *catalog,
                      const uint8_t *want, unsigned round)
{
    struct error err = {0};
    struct cache_file *file = NULL;
    struct reader readers[THREADS];
    uint8_t key[SHA256_BYTES];
    sha256_of(&round, sizeof round, key);
    struct cache_source *source = pack_source_new(store, catalog, "the catalog", cache_folder(cache));
    must(cache_open(cache, key, SIZE, source, &file, &err), &err);
    for (unsigned i = 0; i < THREADS; i++) {
        readers[i] = (struct reader){.file = file, .want = want, .seed = round * THREADS + i + 1};
        pthread_create(&readers[i].thread, NULL, read_some, &readers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(readers[i].thread, NULL);
    uint8_t first[16];
    must(cache_read_wait(file, 0, sizeof first, first, 0, &err), &err);
    if (memcmp(first, want, sizeof first))
        abort();
    cache_close(file);
}

int main(void)
{
    struct error err = {0};
    struct stores *stores = NULL;
    struct store *store = NULL;
    struct cache *cache = NULL;
    struct manifest_catalog catalog;
    char *folder = NULL;
    must(file_make_temp_folder(NULL, "elidefs-pack", &folder, &err), &err);
    CLEANUP_FREE char *near = mem_printf("%s/cache", folder), *path = mem_printf("%s/database", folder);
    CLEANUP_FREE uint8_t *bytes = mem_alloc(SIZE);
    random_bytes(bytes, SIZE);
    memcpy(bytes, "SQLite format 3\0\x10", 18);
    must(file_replace(path, bytes, SIZE, 0600, &err), &err);
    must(stores_new(&(struct stores_options){0}, &stores, &err), &err);
    must(store_open(stores, folder, &store, &err), &err);
    must(cache_new(&(struct cache_options){.folder = near, .size_bytes = 1 << 28}, &cache, &err), &err);
    must(pack_write(store, path, &catalog, &err), &err);
    for (unsigned round = 0; round < ROUNDS; round++)
        run_round(cache, store, &catalog, bytes, round);
    cache_free(cache);
    store_unref(store);
    stores_free(stores);
    file_remove_tree(folder, NULL);
    free(folder);
    return 0;
}
