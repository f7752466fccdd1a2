// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come, as a recording or as a sample table: an error, or something that cuts clips. A clip is
 * an MP4 again, and a table written and read back is the same table. */
#include <string.h>

#include "index/containers/mp4/sample_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static int read_clip(void *ctx, uint64_t offset, size_t len, void *to, struct error *err)
{
    const struct slice *slice = ctx;
    memset(to, 0, len);
    if (offset < slice->inline_bytes.len) {
        size_t there = slice->inline_bytes.len - (size_t)offset;
        memcpy(to, slice->inline_bytes.data + offset, there < len ? there : len);
    }
    return 0;
}

static void cut(const struct mp4 *mp4, const struct mp4_window *window)
{
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    CLEANUP_MP4 struct mp4 *clip = NULL;
    struct error err = {0};
    if (mp4_slice(mp4, window, &slice, &err))
        return;
    uint64_t size = 0;
    for (size_t i = 0; i < slice.count; i++)
        size += slice.pieces[i].len;
    require(size == slice.size);
    struct recording recording = {"clip", slice.size, read_clip, &slice};
    int rc = mp4_scan(&recording, &clip, &err);
    struct mp4_info info;
    if (!rc)
        mp4_describe(clip, &info);
    require(rc || window->snap == MP4_SNAP_KEY || info.frames == window->count);
}

static void use(const struct mp4 *mp4)
{
    struct mp4_info info;
    CLEANUP_BUF struct buf table = BUF_INIT, again = BUF_INIT;
    CLEANUP_MP4 struct mp4 *decoded = NULL;
    struct error err = {0};
    mp4_describe(mp4, &info);
    int64_t pause = info.start_ns > 0 ? info.start_ns : 0;
    cut(mp4, &(struct mp4_window){0, info.frames, MP4_SNAP_EXACT, pause});
    cut(mp4, &(struct mp4_window){0, info.frames, MP4_SNAP_EXACT, 0});
    cut(mp4, &(struct mp4_window){info.frames / 2, 1, MP4_SNAP_EXACT, 0});
    cut(mp4, &(struct mp4_window){info.frames / 3, info.frames / 2, MP4_SNAP_KEY, 0});
    mp4_frame_at(mp4, mp4_frame_time_ns(mp4, info.frames - 1));
    sample_table_write(mp4, &table);
    require(!sample_table_read("table", table.data, table.len, &decoded, &err));
    sample_table_write(decoded, &again);
    require(again.len == table.len && !memcmp(again.data, table.data, table.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_MP4 struct mp4 *scanned = NULL, *read = NULL, *unpacked = NULL;
    struct memory_recording memory;
    struct error err = {0};
    mp4_probe(data, size);
    recording_of_memory(&memory, "input", data, size);
    if (!mp4_scan(&memory.recording, &scanned, &err))
        use(scanned);
    if (!sample_table_read("input", data, size, &read, &err))
        use(read);
    if (!mp4_table_decode("input", data, size, &unpacked, &err))
        use(unpacked);
    return 0;
}
