// SPDX-License-Identifier: Apache-2.0
/* A recording's tables written and read back: what they cut, and what every damage to them does. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "index/containers/mp4/sample_table.h"
#include "tests/mp4/build_mp4.h"
#include "tests/test_leaks.h"

/* Everything a table can hold: reordering, edits, two sample entries, groups, apart chunks, sound. */
static const uint32_t sizes[] = {70000, 300, 20, 20, 3000, 20, 20, 250};

static struct build rich(void)
{
    static const struct build_pair durations[] = {{3, 512}, {1, 600}, {4, 512}};
    static const struct build_pair shifts[] = {{1, 512}, {1, 1536}, {2, 0}, {1, 1536}, {2, 0}, {1, 512}};
    static const uint32_t syncs[] = {1, 5};
    static const struct build_edit edits[] = {{200, 512}}, sound_edits[] = {{40, -1}, {0, 1024}};
    static const struct build_pair entries[] = {{5, 1}, {3, 2}}, groups[] = {{4, 1}, {1, 0}};
    static const struct build_pair packets[] = {{9, 1024}};
    return (struct build){.tracks = {{.codec = "av01",
                                      .timescale = 15360,
                                      .sizes = sizes,
                                      .samples = 8,
                                      .durations = durations,
                                      .duration_count = 3,
                                      .shifts = shifts,
                                      .shift_count = 6,
                                      .syncs = syncs,
                                      .sync_count = 2,
                                      .edits = edits,
                                      .edit_count = 1,
                                      .entries = 2,
                                      .chunk_entries = entries,
                                      .chunk_samples = 5,
                                      .groups = groups,
                                      .group_count = 2},
                                     {.codec = "mp4a",
                                      .timescale = 44100,
                                      .size_each = 7,
                                      .samples = 9,
                                      .durations = packets,
                                      .duration_count = 1,
                                      .edits = sound_edits,
                                      .edit_count = 2}}};
}

static struct mp4 *scan_rich(struct buf *bytes)
{
    struct build build = rich();
    struct mp4 *mp4 = NULL;
    struct error err = {0};
    build_mp4(&build, bytes);
    cr_assert_eq(scan_bytes(bytes, &mp4, &err), 0, "%s", err.text);
    mp4->tracks[0]->false_syncs = mem_zero(2 * sizeof(bool));
    mp4->tracks[0]->false_syncs[1] = true;
    return mp4;
}

static void check_same_slices(const struct mp4 *a, const struct mp4 *b)
{
    struct mp4_info info;
    struct error err = {0};
    mp4_describe(a, &info);
    for (uint64_t first = 0; first < info.frames; first++)
        for (uint64_t count = 1; first + count <= info.frames; count++)
            for (int snap = 0; snap < 2; snap++) {
                CLEANUP_SLICE struct slice x = SLICE_INIT, y = SLICE_INIT;
                struct mp4_window window = {first, count, snap, 0};
                cr_assert_eq(mp4_slice(a, &window, &x, &err), 0, "%s", err.text);
                cr_assert_eq(mp4_slice(b, &window, &y, &err), 0, "%s", err.text);
                cr_assert_eq(x.count, y.count);
                cr_assert_eq(x.inline_bytes.len, y.inline_bytes.len);
                cr_assert_eq(memcmp(x.inline_bytes.data, y.inline_bytes.data, x.inline_bytes.len), 0);
                for (size_t i = 0; i < x.count; i++)
                    cr_assert(x.pieces[i].kind == y.pieces[i].kind &&
                              x.pieces[i].offset == y.pieces[i].offset && x.pieces[i].len == y.pieces[i].len);
            }
}

Test(sample_table, a_table_read_back_cuts_the_same_clips_and_writes_the_same_table)
{
    CLEANUP_BUF struct buf file = BUF_INIT, table = BUF_INIT, again = BUF_INIT;
    CLEANUP_MP4 struct mp4 *scanned = scan_rich(&file), *decoded = NULL;
    struct error err = {0};
    mp4_table_encode(scanned, &table);
    cr_assert_eq(mp4_table_decode("clip.mp4", table.data, table.len, &decoded, &err), 0, "%s", err.text);
    check_same_slices(scanned, decoded);
    mp4_table_encode(decoded, &again);
    cr_assert_eq(again.len, table.len);
    cr_assert_eq(memcmp(again.data, table.data, table.len), 0);
}

Test(sample_table, a_table_cut_short_or_longer_is_refused)
{
    CLEANUP_BUF struct buf file = BUF_INIT, table = BUF_INIT, content = BUF_INIT;
    struct mp4 *scanned = scan_rich(&file), *decoded = NULL;
    struct error err = {0};
    mp4_table_encode(scanned, &table);
    sample_table_write(scanned, &content);
    for (size_t len = 0; len < table.len; len++)
        cr_assert_lt(mp4_table_decode("clip.mp4", table.data, len, &decoded, &err), 0, "%zu bytes", len);
    for (size_t len = 0; len < content.len; len++) {
        uint8_t *exact = mem_copy(content.data, len);
        cr_assert_lt(sample_table_read("clip.mp4", exact, len, &decoded, &err), 0, "%zu bytes", len);
        free(exact);
    }
    buf_u8(&content, 0);
    cr_assert_eq(sample_table_read("clip.mp4", content.data, content.len, &decoded, &err), -EINVAL);
    cr_assert(strstr(err.text, "clip.mp4: sample table damaged near byte"), "%s", err.text);
    table.data[4] = 2;
    cr_assert_eq(mp4_table_decode("clip.mp4", table.data, table.len, &decoded, &err), -ENOTSUP);
    cr_assert_str_eq(err.text, "clip.mp4: sample table version 2, known is 1");
    table.data[0] = 'E';
    cr_assert_eq(mp4_table_decode("clip.mp4", table.data, table.len, &decoded, &err), -EINVAL);
    mp4_free(scanned);
    buf_done(&file), buf_done(&table), buf_done(&content);
    check_leaks();
}

Test(sample_table, every_changed_byte_is_refused_or_gives_a_table_that_cuts)
{
    CLEANUP_BUF struct buf file = BUF_INIT, content = BUF_INIT;
    struct mp4 *scanned = scan_rich(&file);
    sample_table_write(scanned, &content);
    for (size_t at = 0; at < content.len; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct mp4 *decoded = NULL;
            struct error err = {0};
            content.data[at] ^= (uint8_t)(1 << bit);
            if (!sample_table_read("clip.mp4", content.data, content.len, &decoded, &err)) {
                CLEANUP_SLICE struct slice slice = SLICE_INIT;
                mp4_slice(decoded, &(struct mp4_window){.count = decoded->frames}, &slice, &err);
            }
            mp4_free(decoded);
            content.data[at] ^= (uint8_t)(1 << bit);
        }
    mp4_free(scanned);
    buf_done(&file), buf_done(&content);
    check_leaks();
}

/* The bytes of clips and tables are promised: GOLDEN_WRITE=1 in the environment writes them anew. */
static void check_golden(const char *name, const struct buf *bytes)
{
    CLEANUP_FREE char *path = mem_printf("%s/%s", GOLDEN, name);
    CLEANUP_BUF struct buf golden = BUF_INIT;
    struct error err = {0};
    if (getenv("GOLDEN_WRITE"))
        cr_assert_eq(file_replace(path, bytes->data, bytes->len, 0644, &err), 0, "%s", err.text);
    cr_assert_eq(file_read(path, 1 << 20, &golden, &err), 0, "%s", err.text);
    cr_assert_eq(golden.len, bytes->len, "%s: %zu bytes, %zu promised", name, bytes->len, golden.len);
    cr_assert_eq(memcmp(golden.data, bytes->data, golden.len), 0, "%s has other bytes than promised", name);
}

Test(sample_table, clips_and_tables_keep_the_bytes_they_always_had)
{
    CLEANUP_BUF struct buf file = BUF_INIT, content = BUF_INIT;
    CLEANUP_MP4 struct mp4 *scanned = scan_rich(&file);
    CLEANUP_SLICE struct slice exact = SLICE_INIT, key = SLICE_INIT;
    struct error err = {0};
    struct mp4_window some = {2, 3, MP4_SNAP_EXACT, 0}, all = {0, scanned->frames, MP4_SNAP_KEY, 0};
    cr_assert_eq(mp4_slice(scanned, &some, &exact, &err), 0, "%s", err.text);
    cr_assert_eq(mp4_slice(scanned, &all, &key, &err), 0, "%s", err.text);
    sample_table_write(scanned, &content);
    check_golden("exact.header", &exact.inline_bytes);
    check_golden("whole.header", &key.inline_bytes);
    check_golden("table.content", &content);
}

/* zstd may compress differently one day; what was packed must be readable for ever. */
Test(sample_table, a_table_packed_long_ago_is_read)
{
    CLEANUP_BUF struct buf file = BUF_INIT, packed = BUF_INIT, table = BUF_INIT;
    CLEANUP_MP4 struct mp4 *scanned = scan_rich(&file), *decoded = NULL;
    CLEANUP_FREE char *path = mem_printf("%s/%s", GOLDEN, "table.packed");
    struct error err = {0};
    mp4_table_encode(scanned, &table);
    if (getenv("GOLDEN_WRITE"))
        cr_assert_eq(file_replace(path, table.data, table.len, 0644, &err), 0, "%s", err.text);
    cr_assert_eq(file_read(path, 1 << 20, &packed, &err), 0, "%s", err.text);
    cr_assert_eq(mp4_table_decode("clip.mp4", packed.data, packed.len, &decoded, &err), 0, "%s", err.text);
    check_same_slices(scanned, decoded);
}
