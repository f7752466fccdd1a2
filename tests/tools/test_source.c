// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cache/base/file.h"
#include "tests/test_leaks.h"
#include "tools/import/source.h"

static void expect_below(const struct source *source, const char *prefix, size_t first, size_t count)
{
    size_t got_count, got = source_below(source, prefix, &got_count);
    cr_expect_eq(got_count, count, "'%s': %zu, not %zu", prefix, got_count, count);
    cr_expect(!count || got == first, "'%s': from %zu, not %zu", prefix, got, first);
}

Test(source, what_lies_below_a_folder_are_neighbours)
{
    struct source_object objects[] = {
        {.path = (char *)"a-b/x"}, {.path = (char *)"a/1"}, {.path = (char *)"a/2"},
        {.path = (char *)"a/b/3"}, {.path = (char *)"ab"},  {.path = (char *)"\xff"},
    };
    struct source source = {.objects = objects, .count = sizeof objects / sizeof *objects};
    expect_below(&source, "", 0, 6);
    expect_below(&source, "a/", 1, 3);
    expect_below(&source, "a/b/", 3, 1);
    expect_below(&source, "a", 0, 5);
    expect_below(&source, "\xff", 5, 1);
    expect_below(&source, "b/", 0, 0);
    expect_below(&source, "0", 0, 0);
    source.count = 0;
    expect_below(&source, "", 0, 0);
    check_leaks();
}

Test(source, a_small_read_fetches_a_window_and_any_range_has_its_bytes)
{
    enum { BYTES = 3 * SOURCE_WINDOW_BYTES + 17 };
    struct error err = {0};
    struct stores *stores = NULL;
    struct source *source = NULL;
    char *folder = NULL;
    CLEANUP_FREE uint8_t *bytes = mem_alloc(BYTES), *got = mem_alloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    cr_assert_eq(file_make_temp_folder(NULL, "elidefs-source", &folder, &err), 0, "%s", err.text);
    CLEANUP_FREE char *path = mem_printf("%s/a.bin", folder);
    cr_assert_eq(file_replace(path, bytes, BYTES, 0644, &err), 0, "%s", err.text);
    cr_assert_eq(stores_new(&(struct stores_options){.config_path = "/dev/null"}, &stores, &err), 0);
    cr_assert_eq(source_open(stores, folder, &source, &err), 0, "%s", err.text);
    struct source_recording recording;
    source_recording_init(&recording, source, source_find(source, "a.bin"));
    static const size_t starts[] = {0, 1,    SOURCE_WINDOW_BYTES - 1, BYTES - 9, 2 * SOURCE_WINDOW_BYTES,
                                    5, BYTES};
    static const size_t lens[] = {0, 1, 8, 100, SOURCE_WINDOW_BYTES, 2 * SOURCE_WINDOW_BYTES};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        for (size_t k = 0; k < sizeof lens / sizeof *lens; k++) {
            bool fits = lens[k] <= BYTES - starts[i];
            int rc = recording_read(&recording.recording, starts[i], lens[k], got, &err);
            cr_expect_eq(rc, fits ? 0 : -EINVAL, "%zu + %zu", starts[i], lens[k]);
            cr_expect(!fits || !memcmp(got, bytes + starts[i], lens[k]), "%zu + %zu", starts[i], lens[k]);
        }
    source_recording_done(&recording);
    struct buf text = BUF_INIT;
    cr_expect_eq(source_read_all(source, "a.bin", BYTES - 1, &text, &err), -EFBIG);
    cr_expect_eq(source_read_all(source, "b.bin", BYTES, &text, &err), -ENOENT);
    cr_expect(strstr(err.text, "/b.bin: no such file"), "%s", err.text);
    source_free(source);
    stores_free(stores);
    file_remove_tree(folder, &err);
    free(folder), free(STEAL(path)), free(STEAL(bytes)), free(STEAL(got));
    check_leaks();
}

Test(source, a_folder_that_is_not_there_is_named_once)
{
    struct error err = {0};
    struct stores *stores = NULL;
    struct source *source = NULL;
    cr_assert_eq(stores_new(&(struct stores_options){.config_path = "/dev/null"}, &stores, &err), 0);
    cr_expect_lt(source_open(stores, "/nothing/at/all", &source, &err), 0);
    cr_expect(strstr(err.text, "/nothing/at/all") && !strstr(strstr(err.text, "/nothing") + 1, "/nothing"),
              "%s", err.text);
    stores_free(stores);
    check_leaks();
}
