// SPDX-License-Identifier: Apache-2.0
/* Pages of an object store's listing. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "cache/store/listing.h"
#include "tests/test_leaks.h"

typedef int parse_fn(const char *name, const void *xml, size_t len, struct listing *ret, struct error *err);

static int parse_as(parse_fn *as, const char *folder, const char *name, struct listing *listing,
                    struct error *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/store/listing/%s%s", TESTS_FOLDER, folder, name);
    struct buf xml = BUF_INIT;
    cr_assert_eq(file_read(path, 1 << 20, &xml, err), 0, "%s", err->text);
    int rc = as(name, xml.data, xml.len, listing, err);
    buf_done(&xml);
    return rc;
}

static int parse(const char *folder, const char *name, struct listing *listing, struct error *err)
{
    return parse_as(listing_parse, folder, name, listing, err);
}

static int parse_versions(const char *name, struct listing *listing, struct error *err)
{
    return parse_as(listing_parse_versions, "versions/", name, listing, err);
}

Test(listing, keys_are_decoded_and_etags_quoted)
{
    struct listing listing;
    struct error err = {0};
    int64_t modified;
    cr_assert_eq(parse("", "two.xml", &listing, &err), 0, "%s", err.text);
    cr_assert_eq(listing.count, 2);
    cr_assert_str_eq(listing.entries[0].key, "a b+c/\xc3\xa9");
    cr_assert_eq(listing.entries[0].size, 1111);
    cr_assert_str_eq(listing.entries[0].etag, "\"70ee1738b6b21e2c8a43f3a5ab0eee71\"");
    cr_assert_eq(instant_parse("2026-03-01T12:00:05.25Z", 23, &modified), 0);
    cr_assert_eq(listing.entries[0].modified_ns, modified);
    cr_assert_str_eq(listing.entries[1].etag, "\"9b2cf535f27731c974343645a3985328-3\"");
    cr_assert_str_eq(listing.next, "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=");
    listing_done(&listing);
    check_leaks();
}

Test(listing, without_an_encoding_keys_are_as_they_stand)
{
    struct listing listing;
    struct error err = {0};
    cr_assert_eq(parse("", "last.xml", &listing, &err), 0, "%s", err.text);
    cr_assert_str_eq(listing.entries[0].key, "plain+text%zz");
    cr_assert_null(listing.next);
    listing_done(&listing);
    check_leaks();
}

/* Every file of the folder must be refused; how many there are. */
static int expect_refused(parse_fn *as, const char *folder)
{
    CLEANUP_FREE char *path = mem_printf("%s/store/listing/%s", TESTS_FOLDER, folder);
    DIR *dir = opendir(path);
    cr_assert_not_null(dir);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct listing listing;
        struct error err = {0};
        if (*entry->d_name == '.')
            continue;
        files++;
        cr_assert_eq(parse_as(as, folder, entry->d_name, &listing, &err), -EINVAL, "%s was accepted",
                     entry->d_name);
        cr_assert_eq(strncmp(err.text, entry->d_name, strlen(entry->d_name)), 0, "%s", err.text);
        cr_assert(!listing.entries && !listing.next && !listing.next_version);
    }
    closedir(dir);
    return files;
}

Test(listing, every_reject_file_is_refused_with_its_name)
{
    cr_assert_geq(expect_refused(listing_parse, "reject/"), 20);
    cr_assert_eq(expect_refused(listing_parse_versions, "versions/reject/"), 6);
    check_leaks();
}

Test(listing, of_versions_the_newest_of_each_object_is_told)
{
    struct listing listing;
    struct error err = {0};
    static const struct {
        const char *key, *version;
        uint64_t size;
    } expected[] = {
        {"a b+c", "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY", 1111}, {"old", "", 1111}, {"old one+", "v.1", 0}};
    cr_assert_eq(parse_versions("page.xml", &listing, &err), 0, "%s", err.text);
    cr_assert_eq(listing.count, 3, "%zu", listing.count);
    for (size_t i = 0; i < listing.count; i++) {
        cr_assert_str_eq(listing.entries[i].key, expected[i].key);
        cr_assert_str_eq(listing.entries[i].version, expected[i].version, "%s", expected[i].key);
        cr_assert_eq(listing.entries[i].size, expected[i].size, "%s", expected[i].key);
        cr_assert_str_eq(listing.entries[i].etag, "\"70ee1738b6b21e2c8a43f3a5ab0eee71\"");
    }
    cr_assert_str_eq(listing.next, "old one+");
    cr_assert_str_eq(listing.next_version, "v.1");
    listing_done(&listing);
    check_leaks();
}

Test(listing, a_key_marker_that_is_not_encoded_is_known_by_the_last_key)
{
    struct listing listing;
    struct error err = {0};
    cr_assert_eq(parse_versions("marker-plain.xml", &listing, &err), 0, "%s", err.text);
    cr_assert_str_eq(listing.next, "old one+");
    listing_done(&listing);
    check_leaks();
}

Test(listing, the_last_page_of_versions_has_no_next)
{
    struct listing listing;
    struct error err = {0};
    cr_assert_eq(parse_versions("last.xml", &listing, &err), 0, "%s", err.text);
    cr_assert_eq(listing.count, 1);
    cr_assert(!listing.next && !listing.next_version);
    listing_done(&listing);
    check_leaks();
}
