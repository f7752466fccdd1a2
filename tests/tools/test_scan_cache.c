// SPDX-License-Identifier: Apache-2.0
/* The file of scans between two imports: found again, and with every byte of it changed or missing. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cache/base/file.h"
#include "cache/base/hash.h"
#include "tests/test_leaks.h"
#include "tools/import/scan_cache.h"

static const struct store_object pinned = {.size = 1000, .pin = "etag-1"};
static const struct scan_of one = {"s3://b", "one.mp4", &pinned}, two = {"s3://b", "two.mp4", &pinned};

static char *folder;

static void begin(void)
{
    cr_assert_eq(file_make_temp_folder(NULL, "elidefs-scans", &folder, NULL), 0);
}

static void end(void)
{
    file_remove_tree(folder, NULL);
    free(folder);
}

static void put(struct scan_cache *cache, const struct scan_of *object, const char *text)
{
    CLEANUP_SCAN struct scan scan = SCAN_INIT;
    scan_add(&scan, 10, text, strlen(text));
    scan_add(&scan, 900, "tail", 4);
    scan_cache_put(cache, object, &scan);
}

static bool has(struct scan_cache *cache, const struct scan_of *object, const char *text)
{
    CLEANUP_SCAN struct scan scan = SCAN_INIT;
    if (!scan_cache_find(cache, object, &scan))
        return false;
    const uint8_t *bytes = scan_find(&scan, 10, strlen(text));
    const uint8_t *tail = scan_find(&scan, 901, 3);
    cr_assert(bytes && !memcmp(bytes, text, strlen(text)));
    cr_assert(tail && !memcmp(tail, "ail", 3));
    return true;
}

static void write_two(void)
{
    CLEANUP_SCAN_CACHE struct scan_cache *cache = scan_cache_open(folder, "src", true);
    put(cache, &one, "first");
    put(cache, &two, "second");
}

static char *path_of_file(void)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX_BYTES];
    sha256_of("src", 3, digest);
    hex_print(digest, sizeof digest, hex);
    return mem_printf("%s/scans/%s", folder, hex);
}

static void read_file(struct buf *bytes)
{
    CLEANUP_FREE char *path = path_of_file();
    cr_assert_eq(file_read(path, 1 << 20, bytes, NULL), 0);
}

static void write_file(const struct buf *bytes)
{
    CLEANUP_FREE char *path = path_of_file();
    cr_assert_eq(file_replace(path, bytes->data, bytes->len, 0600, NULL), 0);
}

TestSuite(scan_cache, .init = begin, .fini = end);

Test(scan_cache, what_one_import_put_the_next_one_finds)
{
    write_two();
    CLEANUP_SCAN_CACHE struct scan_cache *cache = scan_cache_open(folder, "src", true);
    cr_expect(has(cache, &one, "first"));
    cr_expect(has(cache, &two, "second"));
    cr_expect_eq(scan_cache_found(cache), 2);
    scan_cache_forget(cache);
    scan_cache_free(cache);
    cache = scan_cache_open(folder, "src", true);
    cr_expect_not(has(cache, &one, "first"));
}

Test(scan_cache, another_pin_size_path_or_root_is_another_object)
{
    write_two();
    CLEANUP_SCAN_CACHE struct scan_cache *cache = scan_cache_open(folder, "src", false);
    struct store_object other_pin = {.size = 1000, .pin = "etag-2"};
    struct store_object other_size = {.size = 1001, .pin = "etag-1"};
    cr_expect(has(cache, &one, "first"));
    cr_expect_not(has(cache, &(struct scan_of){"s3://b", "one.mp4", &other_pin}, "first"));
    cr_expect_not(has(cache, &(struct scan_of){"s3://b", "one.mp4", &other_size}, "first"));
    cr_expect_not(has(cache, &(struct scan_of){"s3://b", "three.mp4", &pinned}, "first"));
    cr_expect_not(has(cache, &(struct scan_of){"s3://c", "one.mp4", &pinned}, "first"));
}

Test(scan_cache, every_flipped_byte_loses_records_and_tells_nothing_wrong)
{
    write_two();
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    read_file(&bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.data[i] ^= 0x41;
        write_file(&bytes);
        bytes.data[i] ^= 0x41;
        CLEANUP_SCAN_CACHE struct scan_cache *cache = scan_cache_open(folder, "src", false);
        cr_assert(cache);
        bool first = has(cache, &one, "first"), second = has(cache, &two, "second");
        cr_expect_not(first && second, "byte %zu", i);
    }
}

Test(scan_cache, a_file_cut_off_anywhere_keeps_the_records_before_and_is_written_on)
{
    write_two();
    CLEANUP_BUF struct buf whole = BUF_INIT;
    read_file(&whole);
    for (size_t len = 0; len < whole.len; len++) {
        struct buf cut = whole;
        cut.len = len;
        write_file(&cut);
        CLEANUP_SCAN_CACHE struct scan_cache *cache = scan_cache_open(folder, "src", true);
        cr_assert(cache);
        cr_expect_not(has(cache, &two, "second"), "%zu bytes", len);
        put(cache, &two, "again");
        scan_cache_free(cache);
        cache = scan_cache_open(folder, "src", true);
        cr_expect(has(cache, &two, "again"), "%zu bytes", len);
    }
}

Test(scan_cache, other_versions_and_garbage_are_begun_anew)
{
    static const char *const heads[] = {"ELIDEFS-SCANS 2\n", "garbage that is no cache at all"};
    write_two();
    for (size_t i = 0; i < 2; i++) {
        CLEANUP_BUF struct buf bytes = BUF_INIT;
        buf_text_append(&bytes, heads[i]);
        write_file(&bytes);
        CLEANUP_SCAN_CACHE struct scan_cache *cache = scan_cache_open(folder, "src", true);
        cr_expect_not(has(cache, &one, "first"));
        put(cache, &one, "first");
        scan_cache_free(cache);
        cache = scan_cache_open(folder, "src", true);
        cr_expect(has(cache, &one, "first"));
    }
}

Test(scan_cache, a_body_that_claims_what_the_recording_has_not_is_no_scan)
{
    static const uint8_t bodies[][12] = {
        {1, 0xe9, 0x07, 1, 'x'},                                         /* offset 1001 of 1000 */
        {1, 0, 0xe9, 0x07},                                              /* 1001 bytes */
        {1, 0, 2, 'x'},                                                  /* fewer bytes than it says */
        {1, 0, 1, 'x', 'y'},                                             /* more */
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},                /* pieces without end */
        {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1}, /* an offset of 64 bits */
    };
    static const size_t lens[] = {5, 4, 4, 5, 8, 12};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        CLEANUP_SCAN struct scan scan = SCAN_INIT;
        cr_expect_not(scan_decode(bodies[i], lens[i], 1000, &scan), "body %zu", i);
        cr_expect_eq(scan.count, 0);
    }
    check_leaks();
}

Test(scan_cache, what_others_may_write_to_or_point_elsewhere_is_not_looked_into)
{
    write_two();
    CLEANUP_FREE char *path = path_of_file();
    chmod(path, 0622);
    cr_expect_null(scan_cache_open(folder, "src", true));
    chmod(path, 0600);
    CLEANUP_FREE char *moved = mem_printf("%s/moved", folder);
    cr_assert_eq(rename(path, moved), 0);
    cr_assert_eq(symlink(moved, path), 0);
    cr_expect_null(scan_cache_open(folder, "src", true));
}

Test(scan_cache, two_imports_of_one_source_do_not_share_it)
{
    CLEANUP_SCAN_CACHE struct scan_cache *cache = scan_cache_open(folder, "src", true);
    CLEANUP_SCAN_CACHE struct scan_cache *other = scan_cache_open(folder, "src", true);
    cr_expect(cache);
    cr_expect_null(other);
    put(other, &one, "first");
    cr_expect_not(has(other, &one, "first"));
}

Test(scan_cache, without_writing_nothing_is_made)
{
    struct stat st;
    cr_expect_null(scan_cache_open(folder, "src", false));
    CLEANUP_FREE char *scans = mem_printf("%s/scans", folder);
    cr_expect_neq(stat(scans, &st), 0);
}

Test(scan, reads_that_go_on_are_one_piece_and_too_much_is_not_kept)
{
    CLEANUP_SCAN struct scan scan = SCAN_INIT;
    scan_add(&scan, 0, "ab", 2);
    scan_add(&scan, 2, "cd", 2);
    scan_add(&scan, 9, "xy", 2);
    cr_expect_eq(scan.count, 2);
    cr_expect_eq(memcmp(scan_find(&scan, 1, 3), "bcd", 3), 0);
    cr_expect_null(scan_find(&scan, 3, 2));
    cr_expect_null(scan_find(&scan, 8, 1));
    CLEANUP_FREE uint8_t *large = mem_zero(SCAN_BYTES_MAX);
    scan_add(&scan, 20, large, SCAN_BYTES_MAX);
    cr_expect(scan.too_large);
    cr_expect_null(scan_find(&scan, 20, 1));
}

Test(scan_cache, what_one_hands_over_another_finds)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT, noted = BUF_INIT, said = BUF_INIT;
    int64_t at = 0;
    unsigned pieces = 0;
    CLEANUP_SCAN_CACHE struct scan_cache *cache = scan_cache_open(folder, "src", true);
    CLEANUP_SCAN_CACHE struct scan_cache *other = scan_cache_open(folder, "other", true);
    put(cache, &one, "first");
    put(cache, &two, "second");
    buf_text_append(&said, "evidence");
    scan_cache_note(cache, SCAN_EVIDENCE, &one, &said);
    cr_expect_eq(scan_cache_read(cache), 2);
    for (; scan_cache_export(cache, &at, 1, &bytes, NULL) == 1; pieces++) {
        cr_assert_eq(scan_cache_import(other, &bytes, NULL), 0);
        buf_clear(&bytes);
    }
    cr_expect_eq(pieces, 3, "a record each");
    cr_expect(has(other, &one, "first") && has(other, &two, "second"));
    cr_expect(scan_cache_noted(other, SCAN_EVIDENCE, &one, &noted) && noted.len == said.len);
    cr_expect_not(scan_cache_noted(other, SCAN_EVIDENCE, &two, &noted));
    cr_expect_not(scan_cache_noted(other, SCAN_COPY, &one, &noted));
}

Test(scan_cache, records_from_outside_that_are_not_sound_are_refused)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    int64_t at = 0;
    CLEANUP_SCAN_CACHE struct scan_cache *cache = scan_cache_open(folder, "src", true);
    put(cache, &one, "first");
    cr_assert_eq(scan_cache_export(cache, &at, 1 << 20, &bytes, NULL), 1);
    CLEANUP_SCAN_CACHE struct scan_cache *other = scan_cache_open(folder, "other", true);
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.data[i] ^= 0x41;
        cr_assert_eq(scan_cache_import(other, &bytes, NULL), -EINVAL, "byte %zu", i);
        bytes.data[i] ^= 0x41;
        struct buf cut = {bytes.data, i, bytes.cap};
        cr_assert_eq(scan_cache_import(other, &cut, NULL), i ? -EINVAL : 0, "%zu bytes", i);
    }
    cr_assert_not(has(other, &one, "first"));
    cr_assert_eq(scan_cache_import(other, &bytes, NULL), 0);
    cr_assert(has(other, &one, "first"));
}
