// SPDX-License-Identifier: Apache-2.0
/* Fourteen versions of a clip each, what it takes to forget some and collect garbage, and to age what a store
 * says of marks. Include in one test file each. */
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include "fixture.h"
#include "index/base/marks.h"
#include "index/house/gc.h"

#define MINUTE_NS (60 * INT64_C(1000000000))
#define HOUR_NS   (60 * MINUTE_NS)

enum { VERSIONS = 14 };

static struct store *folder_store;

/* v1 to v14 of a clip each. */
static inline void made(void)
{
    fixture_made();
    init_data();
    folder_store = data_store();
    struct dataset *dataset = open_data();
    for (int i = 1; i <= VERSIONS; i++) {
        CLEANUP_FREE char *key = mem_printf("clip-%d", i);
        commit(dataset, key, "good");
    }
    dataset_free(dataset);
}

static inline void removed(void)
{
    store_unref(STEAL(folder_store));
    fixture_removed();
}

/* Another machine's: it has nothing in its cache. */
static inline void empty_the_cache(void)
{
    static int number;
    CLEANUP_FREE char *name = mem_printf("cache-%d", number++), *path = in(name);
    struct cache_options options = {.folder = path, .size_bytes = 1 << 30};
    struct error err = {0};
    cache_free(STEAL(cache));
    cr_assert_eq(cache_new(&options, &cache, &err), 0, "%s", err.text);
}

static inline void forget(uint32_t first, uint32_t last)
{
    struct error err = {0};
    struct dataset *dataset = open_data();
    struct dataset_range range = {first, last};
    cr_assert_eq(dataset_forget(dataset, &(struct dataset_forget){&range, 1, "lena@lab", "old"}, &err), 0,
                 "%s", err.text);
    dataset_free(dataset);
}

static inline int try_gc(struct store *store, int64_t grace_ns, struct gc_report *ret, struct error *err)
{
    struct dataset *dataset = NULL;
    struct gc_options options = {.grace_ns = grace_ns, .nobody_writes = grace_ns < HOUR_NS};
    *ret = (struct gc_report){0};
    int rc = try_open_over(store, &dataset, err);
    if (!rc)
        rc = gc_run(dataset, &options, ret, err);
    dataset_free(dataset);
    return rc;
}

static inline struct gc_report gc(struct store *store, int64_t grace_ns)
{
    struct gc_report report;
    struct error err = {0};
    cr_assert_eq(try_gc(store, grace_ns, &report, &err), 0, "%s", err.text);
    return report;
}

/* All that is there becomes so much older. */
static inline void age_marks(int64_t ns)
{
    for (int seq = 1; seq < 100; seq++) {
        CLEANUP_FREE char *name = mem_printf("data/elidefs/gc/%d", seq), *path = in(name);
        struct stat st;
        if (stat(path, &st))
            continue;
        int64_t at = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec - ns;
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                    {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000}};
        cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    }
}

/* Each version but v`first` to v`last`, from a store and an empty cache: its clips, and each page. */
static inline void check_readable(uint32_t first, uint32_t last, const char *why)
{
    empty_the_cache();
    struct dataset *dataset = open_over(folder_store);
    struct pages_check *check = dataset_check_new(dataset);
    for (uint32_t version = 1; version <= dataset_head(dataset); version++) {
        CLEANUP_CATALOG struct catalog *catalog = NULL;
        CLEANUP_CATALOG_READER struct catalog_reader *reader = NULL;
        struct error err = {0};
        uint32_t row;
        const struct manifest *manifest;
        cr_assert_eq(dataset_manifest(dataset, version, &manifest, &err), 0, "%s: the chain: %s", why,
                     err.text);
        if (version >= first && version <= last)
            continue;
        cr_assert_eq(dataset_check_stored(dataset, check, version, &err), 0, "%s: v%u: %s", why, version,
                     err.text);
        cr_assert_eq(dataset_catalog(dataset, version, PATIENCE_ENDLESS, &catalog, &err), 0, "%s", err.text);
        cr_assert_eq(catalog_reader_acquire(catalog, PATIENCE_ENDLESS, &reader, &err), 0, "%s", err.text);
        CLEANUP_FREE char *key = mem_printf("clip-%u", version);
        cr_assert_eq(catalog_clip_find(reader, key, strlen(key), &row, &err), 0, "%s: v%u: %s", why, version,
                     err.text);
    }
    pages_check_free(check);
    dataset_free(dataset);
}

/* A clip whose bytes are a copy in the data set. */
static inline int commit_copy(struct dataset *dataset, const char *key, struct error *err)
{
    make_file("data/elidefs/data/0123456789abcdef/00000000000000000000000000000001", "0123456789");
    struct changeset *set =
        one_clip(key, "data", "elidefs/data/0123456789abcdef/00000000000000000000000000000001", "good");
    int rc = dataset_commit(dataset, set, &(struct dataset_commit){.message = key}, NULL, NULL, err);
    changeset_free(set);
    return rc;
}
