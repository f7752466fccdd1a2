// SPDX-License-Identifier: Apache-2.0
/*
 * A cache over a source whose bytes are known: reads, restarts, and local files with all kinds of damage,
 * each of which must cost a fetch and nothing else.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "tests/cache/test_place.h"
#include "tests/test_leaks.h"

Test(cache, a_read_gives_the_bytes_of_the_source_and_a_second_one_fetches_nothing)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 1, .size = FILE_BYTES};
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 1, 5000, 10000);
    cr_assert_eq(counts.fills, 1);
    cr_assert_eq(counts.bytes, 3 * 4096, "exactly the blocks 1 to 3");
    expect_bytes(file, 1, 5000, 10000);
    expect_bytes(file, 1, 4096, 3 * 4096);
    cr_assert_eq(counts.fills, 1);
    cache_close(file);
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}

Test(cache, a_restart_keeps_the_bytes)
{
    char *folder = make_folder();
    struct test_source_options options = {.seed = 2, .size = FILE_BYTES};
    fill_once(folder, &options);
    struct test_counts counts = {0};
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 2, 12345, 54321);
    expect_bytes(file, 2, 0, FILE_BYTES);
    cr_assert_eq(counts.fills, 0);
    cr_assert_eq(stats_of(cache).blocks_bad, 0);
    cache_close(file);
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}

/* ---- damage ---- */

static void flip_byte(const char *path, off_t offset)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);
    cr_assert_geq(fd, 0, "%s", path);
    cr_assert_eq(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x10;
    cr_assert_eq(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

/* Fills a file, lets `damage` change its local files, and expects right bytes, `bad` blocks found bad, and
 * `bytes` fetched again. */
static void expect_repair(void (*damage)(const char *data, const char *side), uint64_t bad, uint64_t bytes)
{
    char *folder = make_folder();
    struct test_source_options options = {.seed = 3, .size = FILE_BYTES};
    struct test_counts counts = {0};
    fill_once(folder, &options);
    CLEANUP_FREE char *data = data_path(folder), *side = mem_printf("%s.blocks", data);
    damage(data, side);
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 3, 100, 50000);
    expect_bytes(file, 3, 0, FILE_BYTES);
    cr_assert_eq(stats_of(cache).blocks_bad, bad, "%llu bad blocks",
                 (unsigned long long)stats_of(cache).blocks_bad);
    cr_assert_eq(counts.bytes, bytes, "%llu bytes fetched again", (unsigned long long)counts.bytes);
    cache_close(file);
    cache_free(cache);
    fill_once(folder, &options); /* repaired on disk as well */
    remove_folder(folder);
    free(STEAL(data)), free(STEAL(side));
    check_leaks();
}

static void damage_data(const char *data, const char *side)
{
    flip_byte(data, 3 * 4096 + 17);
    flip_byte(data, FILE_BYTES - 1);
}

Test(cache, a_changed_byte_in_the_data_file_is_fetched_again)
{
    expect_repair(damage_data, 2, 4096 + FILE_BYTES % 4096);
}

static void damage_record(const char *data, const char *side)
{
    flip_byte(side, 64 + 5 * 7 + 2);
}

Test(cache, a_changed_checksum_is_fetched_again)
{
    expect_repair(damage_record, 1, 4096);
}

static void damage_mark(const char *data, const char *side)
{
    flip_byte(side, 64 + 5 * 9);
}

Test(cache, a_record_neither_valid_nor_empty_is_fetched_again)
{
    expect_repair(damage_mark, 1, 4096);
}

static void cut_data(const char *data, const char *side)
{
    cr_assert_eq(truncate(data, 10 * 4096), 0);
}

Test(cache, a_data_file_cut_short_is_fetched_again)
{
    expect_repair(cut_data, 245 - 10, FILE_BYTES - 10 * 4096);
}

static void cut_side(const char *data, const char *side)
{
    cr_assert_eq(truncate(side, 64 + 5 * 20 + 3), 0);
}

Test(cache, a_side_file_cut_short_costs_the_blocks_it_no_longer_names)
{
    expect_repair(cut_side, 0, FILE_BYTES - 20 * 4096);
}

static void damage_header(const char *data, const char *side)
{
    flip_byte(side, 9);
}

Test(cache, a_damaged_header_starts_the_file_anew)
{
    expect_repair(damage_header, 245, FILE_BYTES);
}

static void remove_data(const char *data, const char *side)
{
    cr_assert_eq(unlink(data), 0);
}

Test(cache, a_lost_data_file_is_fetched_again)
{
    expect_repair(remove_data, 245, FILE_BYTES);
}

Test(cache, a_file_cut_short_while_it_is_open_is_fetched_again)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 5, .size = FILE_BYTES};
    fill_once(folder, &options);
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 5, 0, FILE_BYTES);
    CLEANUP_FREE char *data = data_path(folder);
    cr_assert_eq(truncate(data, 0), 0);
    expect_bytes(file, 5, 0, FILE_BYTES);
    cr_assert_eq(counts.bytes, FILE_BYTES);
    cache_close(file);
    cache_free(cache);
    remove_folder(folder);
    free(STEAL(data));
    check_leaks();
}

Test(cache, a_file_of_another_size_under_the_same_key_starts_anew)
{
    char *folder = make_folder();
    struct test_source_options options = {.seed = 6, .size = FILE_BYTES};
    fill_once(folder, &options);
    options.size = 70000;
    options.seed = 7;
    fill_once(folder, &options);
    struct stat st;
    CLEANUP_FREE char *data = data_path(folder);
    cr_assert_eq(stat(data, &st), 0);
    cr_assert_eq(st.st_size, 70000);
    struct test_counts counts = {0};
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    struct cache_file *file = open_file(cache, &options, &counts), *other = NULL;
    struct cache_source *source = test_source(&options, &counts);
    cr_assert_eq(cache_open(cache, key_a, 70001, source, &other, NULL), -EINVAL, "two sizes at one time");
    source->ops->free(source);
    cache_close(file);
    cache_free(cache);
    remove_folder(folder);
    free(STEAL(data));
    check_leaks();
}
