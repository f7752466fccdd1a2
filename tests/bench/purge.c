// SPDX-License-Identifier: Apache-2.0
/*
 * purge FOLDER CACHE COUNT EVERY: purges COUNT generated clips, each EVERY-th, from all versions of the data
 * set in FOLDER, with an empty CACHE: once dry, then in earnest. Prints what was done, requests, bytes, and
 * the most memory that was in use.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "index/commit/purge.h"
#include "tests/bench/generated.h"

static void must(int rc, const struct error *err)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "purge: %s\n", err->text);
    exit(1);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    const struct timeval *user = &usage.ru_utime, *system = &usage.ru_stime;
    return (double)(user->tv_sec + system->tv_sec) + (double)(user->tv_usec + system->tv_usec) / 1e6;
}

static void run(struct dataset *dataset, struct dataset_purge *purge, bool dry)
{
    struct error err = {0};
    struct dataset_purged done = {0};
    struct store_stats before, after;
    struct rusage usage;
    dataset_store_stats(dataset, &before);
    int64_t start = clock_now_ns();
    double cpu = cpu_seconds();
    purge->dry = dry;
    must(dataset_purge(dataset, purge, &done, &err), &err);
    dataset_store_stats(dataset, &after);
    getrusage(RUSAGE_SELF, &usage);
    printf("%s: %" PRIu64 " clips from %" PRIu64 " versions; %" PRIu64
           " requests, %.1f MB read, %.1f MB stored; "
           "most memory %ld MB; %.1f s of CPU, %.1f s\n",
           dry ? "dry  " : "purge", done.clips, done.versions, after.requests - before.requests,
           (double)(after.bytes_received - before.bytes_received) / 1e6, (double)done.bytes / 1e6,
           usage.ru_maxrss / 1024, cpu_seconds() - cpu, (double)(clock_now_ns() - start) / 1e9);
}

int main(int argc, char **argv)
{
    struct error err = {0};
    struct stores *stores = NULL;
    struct cache *cache = NULL;
    struct dataset *dataset = NULL;
    if (argc != 5)
        return 2;
    size_t count = strtoul(argv[3], NULL, 10), every = strtoul(argv[4], NULL, 10);
    CLEANUP_FREE const char **keys = mem_zero((count + 1) * sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        char key[GENERATED_KEY_BYTES];
        generated_key(i * every, false, key);
        keys[i] = mem_text(key);
    }
    must(stores_new(&(struct stores_options){0}, &stores, &err), &err);
    must(cache_new(&(struct cache_options){.folder = argv[2], .size_bytes = INT64_C(8) << 30}, &cache, &err),
         &err);
    must(dataset_open(&(struct dataset_options){.stores = stores, .cache = cache}, argv[1], &dataset, &err),
         &err);
    struct dataset_purge purge = {.keys = keys, .count = count};
    run(dataset, &purge, true);
    run(dataset, &purge, false);
    for (size_t i = 0; i < count; i++)
        free((char *)keys[i]);
    dataset_free(dataset);
    cache_free(cache);
    stores_free(stores);
    return 0;
}
