// SPDX-License-Identifier: Apache-2.0
/*
 * gc FOLDER CACHE FIRST LAST: forgets vFIRST to vLAST of the data set in FOLDER (nothing where FIRST is 0)
 * and collects garbage, with an empty CACHE. Prints what was freed, requests, and the most memory that was in
 * use.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "cache/base/instant.h"
#include "cache/base/memory.h"
#include "index/house/gc.h"

static void must(int rc, const struct error *err)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "gc: %s\n", err->text);
    exit(1);
}

static double cpu_seconds(const struct rusage *usage)
{
    const struct timeval *user = &usage->ru_utime, *system = &usage->ru_stime;
    return (double)(user->tv_sec + system->tv_sec) + (double)(user->tv_usec + system->tv_usec) / 1e6;
}

static void print(const struct gc_report *report, uint64_t requests, double seconds)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("freed %" PRIu64 " versions, %" PRIu64 " packs (%.1f MB); needed: %" PRIu64
           " packs (%.1f MB, %.1f of them for "
           "others); %" PRIu64 " requests; most memory %ld MB; %.1f s of CPU, %.1f s\n",
           report->freed[GC_VERSIONS].count, report->freed[GC_PACKS].count,
           (double)report->freed[GC_PACKS].bytes / 1e6, report->packs, (double)report->pack_bytes / 1e6,
           (double)(report->pack_bytes - report->needed_bytes) / 1e6, requests, usage.ru_maxrss / 1024,
           cpu_seconds(&usage), seconds);
}

int main(int argc, char **argv)
{
    struct error err = {0};
    struct stores *stores = NULL;
    struct cache *cache = NULL;
    struct dataset *dataset = NULL;
    struct store_stats before, after;
    struct gc_report report;
    const struct gc_options now = {.nobody_writes = true};
    if (argc != 5)
        return 2;
    struct dataset_range range = {(uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4])};
    must(stores_new(&(struct stores_options){0}, &stores, &err), &err);
    must(cache_new(&(struct cache_options){.folder = argv[2], .size_bytes = INT64_C(8) << 30}, &cache, &err),
         &err);
    must(dataset_open(&(struct dataset_options){.stores = stores, .cache = cache}, argv[1], &dataset, &err),
         &err);
    if (range.first)
        must(dataset_forget(dataset, &(struct dataset_forget){.ranges = &range, .count = 1}, &err), &err);
    dataset_store_stats(dataset, &before);
    int64_t start = clock_now_ns();
    must(gc_run(dataset, &now, &report, &err), &err);
    dataset_store_stats(dataset, &after);
    print(&report, after.requests - before.requests, (double)(clock_now_ns() - start) / 1e9);
    dataset_free(dataset);
    cache_free(cache);
    stores_free(stores);
    return 0;
}
