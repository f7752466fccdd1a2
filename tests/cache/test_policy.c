// SPDX-License-Identifier: Apache-2.0
/* What the fill policies fetch in the end. */
#include <criterion/criterion.h>
#include <time.h>

#include "cache/base/instant.h"
#include "tests/cache/test_place.h"
#include "tests/test_leaks.h"

static void expect_fetched_soon(struct test_counts *counts, uint64_t bytes)
{
    int64_t end = clock_now_ns() + INT64_C(60000000000);
    while (counts->bytes < bytes && clock_now_ns() < end)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    cr_assert_eq(counts->bytes, bytes, "%llu bytes", (unsigned long long)counts->bytes);
}

static void done(struct cache *cache, char *folder)
{
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}

Test(policy, whole_fetches_the_rest_at_the_first_touch_even_if_the_file_is_closed)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 1, .size = 30 << 20};
    struct cache *cache = make_cache(folder, CACHE_FILL_WHOLE);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 1, 15 << 20, 10);
    cache_close(file);
    expect_fetched_soon(&counts, options.size);
    file = open_file(cache, &options, &counts);
    expect_bytes(file, 1, 0, options.size);
    cr_assert_eq(counts.bytes, options.size);
    cache_close(file);
    done(cache, folder);
}

Test(policy, auto_fetches_a_window_exactly)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 2, .size = FILE_BYTES};
    struct cache *cache = make_cache(folder, CACHE_FILL_AUTO);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 2, 0, 1500);
    expect_bytes(file, 2, 600000, 20000);
    cache_close(file);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    cr_assert_eq(counts.bytes, 4096 + 6 * 4096);
    done(cache, folder);
}

Test(policy, auto_reads_ahead_of_a_copy_and_fetches_each_byte_once)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 3, .size = 20 << 20};
    struct cache *cache = make_cache(folder, CACHE_FILL_AUTO);
    struct cache_file *file = open_file(cache, &options, &counts);
    for (uint64_t at = 0; at < options.size; at += 1 << 17)
        expect_bytes(file, 3, at, 1 << 17);
    cr_assert_eq(counts.bytes, options.size);
    cr_assert_lt(counts.fills, 60, "%u fills for 160 reads", counts.fills);
    cache_close(file);
    done(cache, folder);
}

Test(policy, auto_completes_a_file_that_is_opened_again_and_again)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 4, .size = FILE_BYTES};
    struct cache *cache = make_cache(folder, CACHE_FILL_AUTO);
    for (unsigned i = 0; i < 3; i++) {
        struct cache_file *file = open_file(cache, &options, &counts);
        expect_bytes(file, 4, (uint64_t)i * 200000, 4096);
        cache_close(file);
    }
    expect_fetched_soon(&counts, FILE_BYTES);
    done(cache, folder);
}

Test(policy, auto_fetches_a_small_file_at_its_first_touch_with_one_request)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 5, .size = 300000};
    struct cache *cache = make_cache(folder, CACHE_FILL_AUTO);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 5, 150000, 10);
    expect_fetched_soon(&counts, options.size);
    cr_assert_eq(counts.fills, 1);
    cache_close(file);
    done(cache, folder);
}

Test(policy, a_window_costs_one_request_once_another_of_its_kind_was_read)
{
    char *folder = make_folder();
    struct test_counts counts[2] = {0};
    struct cache *cache = make_cache(folder, CACHE_FILL_AUTO);
    for (unsigned i = 0; i < 2; i++) {
        struct test_source_options options = {.seed = 6 + i, .size = 20 << 20};
        const uint8_t key[SHA256_BYTES] = {(uint8_t)i};
        struct cache_file *file = NULL;
        struct error err = {0};
        cr_assert_eq(cache_open(cache, key, options.size, test_source(&options, &counts[i]), &file, &err), 0,
                     "%s", err.text);
        cache_kind(file, 3);
        for (uint64_t at = 0; at < 12; at++)
            expect_bytes(file, 6 + i, (5 << 20) + at * 8192, 8192);
        cache_rest(file);
        cache_close(file);
    }
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    cr_assert_gt(counts[0].fills, 2);
    cr_assert_eq(counts[1].fills, 1, "%u", counts[1].fills);
    cr_assert_eq(counts[1].bytes, 12 * 8192);
    done(cache, folder);
}

Test(policy, what_is_wanted_is_fetched_though_nobody_reads_it_unless_only_what_is_asked_may_be)
{
    for (enum cache_fill_policy fill = CACHE_FILL_AUTO; fill <= CACHE_FILL_EXACT; fill++) {
        char *folder = make_folder();
        struct test_counts counts = {0};
        struct test_source_options options = {.seed = 8, .size = 9 << 20};
        struct cache *cache = make_cache(folder, fill);
        struct cache_file *file = open_file(cache, &options, &counts);
        cache_want(file);
        cache_want(file);
        cache_close(file);
        if (fill != CACHE_FILL_EXACT)
            expect_fetched_soon(&counts, options.size);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        cr_assert_eq(counts.fills, fill == CACHE_FILL_EXACT ? 0 : 3, "%u", counts.fills);
        done(cache, folder);
    }
}
