// SPDX-License-Identifier: Apache-2.0
/* The folder, the cache and the file that most tests begin with. */
#include "tests/cache/test_place.h"

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"

const uint8_t key_a[SHA256_BYTES] = {0xaa, 0x01, 7};

char *make_folder(void)
{
    char *folder = NULL;
    struct error err = {0};
    cr_assert_eq(file_make_temp_folder(NULL, "elidefs-cache", &folder, &err), 0, "%s", err.text);
    return folder;
}

void remove_folder(char *folder)
{
    file_remove_tree(folder, NULL);
    free(folder);
}

struct cache *make_cache(const char *folder, enum cache_fill_policy fill)
{
    struct cache *cache = NULL;
    struct error err = {0};
    struct cache_options options = {
        .folder = folder, .fill = fill, .size_bytes = 1 << 30, .keep_free_percent = 1};
    cr_assert_eq(cache_new(&options, &cache, &err), 0, "%s", err.text);
    return cache;
}

struct cache_file *open_file(struct cache *cache, const struct test_source_options *options,
                             struct test_counts *counts)
{
    struct cache_file *file = NULL;
    struct error err = {0};
    cr_assert_eq(cache_open(cache, key_a, options->size, test_source(options, counts), &file, &err), 0, "%s",
                 err.text);
    return file;
}

void expect_bytes(struct cache_file *file, uint64_t seed, uint64_t offset, size_t len)
{
    CLEANUP_FREE uint8_t *got = mem_alloc(len), *want = mem_alloc(len);
    struct error err = {0};
    cr_assert_eq(cache_read_wait(file, offset, len, got, 0, &err), 0, "%s", err.text);
    test_bytes(seed, offset, want, len);
    cr_assert(!memcmp(got, want, len), "wrong bytes at %llu+%zu", (unsigned long long)offset, len);
}

char *data_path(const char *folder)
{
    char hex[SHA256_HEX_BYTES];
    hex_print(key_a, SHA256_BYTES, hex);
    return mem_printf("%s/aa/01/%s", folder, hex);
}

struct cache_stats stats_of(struct cache *cache)
{
    struct cache_stats stats;
    cache_stats(cache, &stats);
    return stats;
}

/* Fills the whole file in a cache of its own. */
void fill_once(const char *folder, const struct test_source_options *options)
{
    struct test_counts counts = {0};
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct cache_file *file = open_file(cache, options, &counts);
    expect_bytes(file, options->seed, 0, options->size);
    cache_close(file);
    cache_free(cache);
    cr_assert_eq(counts.frees, 1);
}

void wait_on_disk(struct cache *cache, uint64_t bytes)
{
    int64_t end = clock_now_ns() + INT64_C(60000000000);
    while (stats_of(cache).bytes_on_disk < bytes && clock_now_ns() < end)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    cr_assert_geq(stats_of(cache).bytes_on_disk, bytes);
}
