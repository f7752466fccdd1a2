// SPDX-License-Identifier: Apache-2.0
/* What is counted while the folder is looked through. The look is this test's own: it takes as long as the
 * test needs, and reports what lay there at its start. */
#include <criterion/criterion.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "cache/scan.h"
#include "tests/cache/test_place.h"
#include "tests/test_leaks.h"

static atomic_bool scan_began, scan_may_end, scan_ended;

static void wait_until(atomic_bool *flag)
{
    while (!atomic_load(flag))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Stands in for the one of cache/scan.c. */
int scan_folder(const struct folder *folder, const atomic_bool *stop,
                void (*each)(void *ctx, const struct scan_file *file), void *ctx)
{
    struct scan_file empty = {.bytes = 4096, .modified_ns = 1};
    memcpy(empty.key, key_a, sizeof empty.key);
    atomic_store(&scan_began, true);
    wait_until(&scan_may_end);
    each(ctx, &empty);
    atomic_store(&scan_ended, true);
    return 0;
}

Test(keeper, what_is_written_while_the_folder_is_looked_through_is_counted_once, .timeout = 120)
{
    char *folder = make_folder();
    struct test_counts counts = {0};
    struct test_source_options options = {.seed = 1, .size = FILE_BYTES};
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    wait_until(&scan_began);
    struct cache_file *file = open_file(cache, &options, &counts);
    expect_bytes(file, 1, 0, FILE_BYTES);
    wait_on_disk(cache, FILE_BYTES);
    atomic_store(&scan_may_end, true);
    wait_until(&scan_ended);
    cr_assert_geq(stats_of(cache).bytes_on_disk, FILE_BYTES, "forgotten");
    cr_assert_lt(stats_of(cache).bytes_on_disk, 2 * FILE_BYTES, "counted twice");
    cache_close(file);
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}

Test(keeper, what_lies_in_the_folder_is_counted_when_it_was_looked_through, .timeout = 120)
{
    char *folder = make_folder();
    struct cache *cache = make_cache(folder, CACHE_FILL_EXACT);
    wait_until(&scan_began);
    cr_assert_eq(stats_of(cache).bytes_on_disk, 0);
    atomic_store(&scan_may_end, true);
    wait_until(&scan_ended);
    cr_assert_eq(stats_of(cache).bytes_on_disk, 4096);
    cr_assert_eq(stats_of(cache).files_on_disk, 1);
    cache_free(cache);
    remove_folder(folder);
    check_leaks();
}
