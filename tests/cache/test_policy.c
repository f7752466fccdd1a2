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

static void expect_ahead(struct cache *cache, uint64_t ahead, uint64_t read)
{
    struct cache_stats stats = stats_of(cache);
    cr_assert_eq(stats.bytes_ahead, ahead, "%llu", (unsigned long long)stats.bytes_ahead);
    cr_assert_eq(stats.bytes_ahead_read, read, "%llu", (unsigned long long)stats.bytes_ahead_read);
}

Test(policy, what_came_unasked_is_counted_and_what_of_it_was_read_once)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 9, .size = FILE_BYTES};
    struct cache *cache = make_cache(folder, CACHE_FILL_AUTO);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 9, 600000, 4096);
    expect_ahead(cache, 0, 0);
    uint64_t asked = counts.bytes;
    cache_want(file);
    expect_fetched_soon(&counts, FILE_BYTES);
    expect_ahead(cache, FILE_BYTES - asked, 0);
    expect_bytes(file, 9, 0, 10);
    expect_bytes(file, 9, 20, 10);
    expect_ahead(cache, FILE_BYTES - asked, CACHE_BLOCK_BYTES);
    wait_on_disk(cache, FILE_BYTES);
    for (unsigned i = 0; i < 2; i++)
        expect_bytes(file, 9, 0, FILE_BYTES);
    expect_ahead(cache, FILE_BYTES - asked, FILE_BYTES - asked);
    cache_close(file);
    done(cache, folder);
}

Test(policy, the_rest_of_a_small_file_that_came_with_its_first_read_came_unasked)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 10, .size = 300000};
    struct cache *cache = make_cache(folder, CACHE_FILL_AUTO);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 10, 0, 10);
    expect_fetched_soon(&counts, options.size);
    expect_ahead(cache, options.size - CACHE_BLOCK_BYTES, 0);
    cache_close(file);
    done(cache, folder);
}

Test(policy, what_was_to_come_unasked_and_did_not_is_not_counted)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 11, .size = 2 << 20, .fail_nth = 1};
    struct cache *cache = make_cache(folder, CACHE_FILL_AUTO);
    struct cache_file *file = open_file(cache, &options, &counts);
    cache_want(file);
    expect_fetched_soon(&counts, 1 << 20);
    cache_close(file);
    int64_t end = clock_now_ns() + INT64_C(60000000000);
    while (stats_of(cache).bytes_ahead != 1 << 20 && clock_now_ns() < end)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    expect_ahead(cache, 1 << 20, 0);
    done(cache, folder);
}

Test(policy, presence_tells_what_a_read_would_have_to_ask_for)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 12, .size = FILE_BYTES};
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct cache_file *file = open_file(cache, &options, &counts);
    struct cache_presence presence;
    cache_presence(file, &presence);
    cr_assert(presence.missing == FILE_BYTES && !presence.unwritten && presence.writable);
    expect_bytes(file, 12, FILE_BYTES - 10, 10);
    wait_on_disk(cache, FILE_BYTES % CACHE_BLOCK_BYTES);
    int64_t end = clock_now_ns() + INT64_C(60000000000);
    do
        cache_presence(file, &presence);
    while (presence.unwritten && clock_now_ns() < end);
    cr_assert_eq(presence.missing, FILE_BYTES - FILE_BYTES % CACHE_BLOCK_BYTES);
    cr_assert_eq(cache_room(cache, 1), 0);
    cache_close(file);
    done(cache, folder);
}
