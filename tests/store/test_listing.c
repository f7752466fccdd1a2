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

static int parse(const char *folder, const char *name, struct listing *listing, struct error *err)
{
    CLEANUP_FREE char *path = mem_printf("%s/store/listing/%s%s", TESTS_FOLDER, folder, name);
    struct buf xml = BUF_INIT;
    cr_assert_eq(file_read(path, 1 << 20, &xml, err), 0, "%s", err->text);
    int rc = listing_parse(name, xml.data, xml.len, listing, err);
    buf_done(&xml);
    return rc;
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

Test(listing, every_reject_file_is_refused_with_its_name)
{
    CLEANUP_FREE char *folder = mem_printf("%s/store/listing/reject", TESTS_FOLDER);
    DIR *dir = opendir(folder);
    cr_assert_not_null(dir);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct listing listing;
        struct error err = {0};
        if (*entry->d_name == '.')
            continue;
        files++;
        cr_assert_eq(parse("reject/", entry->d_name, &listing, &err), -EINVAL, "%s was accepted",
                     entry->d_name);
        cr_assert_eq(strncmp(err.text, entry->d_name, strlen(entry->d_name)), 0, "%s", err.text);
        cr_assert(!listing.entries && !listing.next);
    }
    closedir(dir);
    cr_assert_geq(files, 20);
    check_leaks();
}
