// SPDX-License-Identifier: Apache-2.0
/* Listing, and what reads of recordings cost in requests and bytes. */
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

/* Files of the same bytes in a folder, as a source. */
struct files {
    char *folder;
    struct stores *stores;
    struct source *source;
};

static struct files files_new(size_t size, int count)
{
    struct files files = {0};
    struct error err = {0};
    CLEANUP_FREE uint8_t *bytes = mem_zero(size);
    cr_assert_eq(file_make_temp_folder(NULL, "elidefs-source", &files.folder, &err), 0, "%s", err.text);
    for (int i = 0; i < count; i++) {
        CLEANUP_FREE char *path = mem_printf("%s/%d", files.folder, i);
        cr_assert_eq(file_replace(path, bytes, size, 0644, &err), 0, "%s", err.text);
    }
    cr_assert_eq(stores_new(&(struct stores_options){.config_path = "/dev/null"}, &files.stores, &err), 0);
    cr_assert_eq(source_open(files.stores, files.folder, &files.source, &err), 0, "%s", err.text);
    return files;
}

static void files_done(struct files *files)
{
    source_free(files->source);
    stores_free(files->stores);
    file_remove_tree(files->folder, NULL);
    free(files->folder);
    check_leaks();
}

struct piece {
    uint64_t offset;
    size_t len;
    uint64_t requests, bytes; /* that reading it must have cost, with all before it of the same recording */
};

/* Reads pieces of file `number` one after the other. */
static void expect_costs(const struct files *files, const char *number, const struct piece *pieces,
                         size_t count)
{
    static uint8_t got[SOURCE_WINDOW_BYTES];
    struct store_stats before, after;
    struct source_recording recording;
    struct error err = {0};
    source_recording_init(&recording, files->source, source_find(files->source, number));
    stores_stats(files->stores, &before);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(recording_read(&recording.recording, pieces[i].offset, pieces[i].len, got, &err), 0);
        stores_stats(files->stores, &after);
        cr_expect_eq(after.requests - before.requests, pieces[i].requests, "%s, piece %zu: %llu requests",
                     number, i, (unsigned long long)(after.requests - before.requests));
        cr_expect_eq(after.bytes_received - before.bytes_received, pieces[i].bytes,
                     "%s, piece %zu: %llu bytes", number, i,
                     (unsigned long long)(after.bytes_received - before.bytes_received));
    }
    source_recording_keep(&recording);
    source_recording_done(&recording);
}
#define EXPECT_COSTS(files, number, ...)                                                                     \
    expect_costs(files, number, (struct piece[]){__VA_ARGS__},                                               \
                 sizeof((struct piece[]){__VA_ARGS__}) / sizeof(struct piece))

Test(source, a_small_recording_is_read_whole_with_one_request)
{
    enum { SIZE = SOURCE_WHOLE_BYTES };
    struct files files = files_new(SIZE, 1);
    EXPECT_COSTS(&files, "0", {0, 128, 1, SIZE}, {SIZE - 9000, 16, 1, SIZE}, {SIZE - 8, 8, 1, SIZE});
    files_done(&files);
}

Test(source, of_a_larger_recording_head_and_foot_are_read)
{
    enum { SIZE = 1 << 20, MOOV = 2242 };
    struct files files = files_new(SIZE, 1);
    EXPECT_COSTS(&files, "0", {0, 128, 1, SOURCE_HEAD_BYTES}, {SIZE - MOOV, 16, 2, SOURCE_HEAD_BYTES + MOOV},
                 {SIZE - MOOV, MOOV, 2, SOURCE_HEAD_BYTES + MOOV});
    EXPECT_COSTS(&files, "0", {SIZE - 8, 8, 1, SOURCE_FOOT_BYTES}, {SIZE - 9000, 8000, 1, SOURCE_FOOT_BYTES});
    files_done(&files);
}

Test(source, the_next_recording_is_read_as_far_from_its_start_as_the_one_before)
{
    enum { SIZE = 1 << 20, MOOV = 5584 };
    struct files files = files_new(SIZE, 3);
    EXPECT_COSTS(&files, "0", {0, 128, 1, SOURCE_HEAD_BYTES}, {32, MOOV, 2, 3 * SOURCE_HEAD_BYTES});
    EXPECT_COSTS(&files, "1", {0, 128, 1, (32 + MOOV) / 4 * 5}, {32, MOOV + 40, 1, (32 + MOOV) / 4 * 5});
    EXPECT_COSTS(&files, "2", {0, 128, 1, (32 + MOOV + 40) / 4 * 5});
    EXPECT_COSTS(&files, "0", {0, 128, 1, SOURCE_HEAD_LEAST_BYTES});
    files_done(&files);
}

Test(source, pieces_that_lie_apart_cost_little_and_those_in_a_row_few_requests)
{
    enum { SIZE = 4 << 20, HEAD = SOURCE_HEAD_BYTES, MIDDLE = SIZE / 2, STEP = 2048 };
    struct files files = files_new(SIZE, 1);
    EXPECT_COSTS(&files, "0", {MIDDLE, STEP, 1, HEAD}, {MIDDLE / 2, STEP, 2, 2 * HEAD},
                 {MIDDLE + HEAD, STEP, 3, 3 * HEAD});
    struct piece row[SIZE / 4 / STEP];
    uint64_t end = MIDDLE, window = HEAD / 2;
    for (size_t i = 0; i < SIZE / 4 / STEP; i++) {
        bool more = MIDDLE + (i + 1) * STEP > end;
        if (more)
            end += window = window < SOURCE_WINDOW_BYTES ? 2 * window : window;
        row[i] = (struct piece){MIDDLE + i * STEP, STEP, (i ? row[i - 1].requests : 0) + more, end - MIDDLE};
    }
    expect_costs(&files, "0", row, SIZE / 4 / STEP);
    cr_expect_leq(row[SIZE / 4 / STEP - 1].requests, 4 + SIZE / 4 / SOURCE_WINDOW_BYTES);
    files_done(&files);
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
