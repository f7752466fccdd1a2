// SPDX-License-Identifier: Apache-2.0
/* What somebody knows better than a checksum to be wrong is fetched again, once, and nothing else is. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/cache/test_place.h"
#include "tests/test_leaks.h"

static const struct test_source_options options = {.seed = 5, .size = FILE_BYTES};

struct place {
    char *folder;
    struct test_counts counts;
    struct cache *cache;
    struct cache_file *file;
};

/* All of the file is here and was checked. */
static void begin(struct place *place)
{
    *place = (struct place){.folder = make_folder()};
    place->cache = make_cache(place->folder, CACHE_FILL_EXACT);
    place->file = open_file(place->cache, &options, &place->counts);
    expect_bytes(place->file, options.seed, 0, FILE_BYTES);
    wait_on_disk(place->cache, FILE_BYTES);
}

static void end(struct place *place)
{
    cache_close(place->file);
    cache_free(place->cache);
    remove_folder(place->folder);
    check_leaks();
}

static void flip(const struct place *place, uint64_t offset)
{
    CLEANUP_FREE char *path = data_path(place->folder);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte;
    cr_assert_eq(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 1;
    cr_assert_eq(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

Test(forget, bytes_that_are_wrong_on_disk_are_fetched_again_once_and_no_others)
{
    struct place place;
    uint8_t byte;
    begin(&place);
    cr_assert_neq(cache_complete_fd(place.file), -1); /* all was checked: it is not looked at again */
    flip(&place, 100000);
    cr_assert_eq(cache_read_now(place.file, 100000, 1, &byte, NULL), 0);
    cr_assert_neq(byte, test_byte(options.seed, 100000), "nobody noticed");
    uint64_t before = place.counts.bytes;
    cache_forget(place.file, 100000, 1);
    cr_assert_eq(cache_read_now(place.file, 100000, 1, &byte, NULL), -EAGAIN);
    cr_assert_eq(cache_complete_fd(place.file), -1);
    expect_bytes(place.file, options.seed, 0, FILE_BYTES);
    cr_assert_eq(place.counts.bytes - before, CACHE_BLOCK_BYTES);
    expect_bytes(place.file, options.seed, 0, FILE_BYTES);
    cr_assert_eq(place.counts.bytes - before, CACHE_BLOCK_BYTES, "once");
    end(&place);
}

Test(forget, what_was_forgotten_is_right_for_the_next_process_too)
{
    struct place place;
    begin(&place);
    cache_forget(place.file, 3 * CACHE_BLOCK_BYTES, 2 * CACHE_BLOCK_BYTES);
    expect_bytes(place.file, options.seed, 0, FILE_BYTES);
    cache_close(place.file);
    cache_free(place.cache);
    place.cache = make_cache(place.folder, CACHE_FILL_EXACT);
    place.file = open_file(place.cache, &options, &place.counts);
    unsigned fills = place.counts.fills;
    expect_bytes(place.file, options.seed, 0, FILE_BYTES);
    cr_assert_eq(place.counts.fills, fills);
    end(&place);
}

Test(forget, who_reads_what_is_just_being_fetched_gets_it_and_what_is_not_there_is_no_harm)
{
    static const struct test_source_options slow = {
        .seed = 5, .size = FILE_BYTES, .delay_us = 200, .piece_bytes = 4096};
    struct place place = {.folder = make_folder()};
    place.cache = make_cache(place.folder, CACHE_FILL_EXACT);
    place.file = open_file(place.cache, &slow, &place.counts);
    cache_forget(place.file, 0, FILE_BYTES);
    cache_forget(place.file, FILE_BYTES, 0);
    cache_forget(place.file, FILE_BYTES - 1, 2);
    cache_forget(place.file, UINT64_MAX, 1);
    for (uint64_t at = 0; at + 50000 <= FILE_BYTES; at += 50000) {
        expect_bytes(place.file, slow.seed, at, 50000);
        cache_forget(place.file, at + 20000, 40000);
        expect_bytes(place.file, slow.seed, at / 2, 50000);
    }
    end(&place);
}
