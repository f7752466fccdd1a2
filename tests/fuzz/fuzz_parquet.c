// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come: an error, or columns that are consistent in themselves and a slice that opens and
 * reads again as the file did. Limits are low, so that a few bytes that stand for millions of values stay
 * quick. */
#include <string.h>

#include "index/containers/parquet/parquet.h"

enum { VALUES_MAX = 1 << 14, BYTES_MAX = 1 << 18, GROUPS_MAX = 4, COLUMNS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool sound)
{
    if (!sound)
        __builtin_trap();
}

static void check_values(const struct parquet_values *values)
{
    uint64_t lists = values->rows;
    for (unsigned k = 0; k < values->depth; k++) {
        check(values->offsets[k][0] == 0);
        for (uint64_t i = 0; i < lists; i++)
            check(values->offsets[k][i] <= values->offsets[k][i + 1]);
        lists = values->offsets[k][lists];
    }
    check(values->count == lists && values->count <= VALUES_MAX);
    bool texts = values->text_offsets != NULL;
    for (uint64_t i = 0; i < values->count; i++) {
        check(!texts || values->text_offsets[i] <= values->text_offsets[i + 1]);
        check(texts || values->i64 || values->f64);
    }
    check(!texts || values->text_offsets[values->count] == values->bytes.len);
}

/* How many columns of the group could be read. */
static unsigned read_group(struct parquet *parquet, size_t group)
{
    unsigned read = 0;
    for (size_t i = 0; i < parquet_columns(parquet) && i < COLUMNS_MAX; i++) {
        CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
        struct parquet_bounds bounds;
        parquet_bounds(parquet, group, i, &bounds);
        if (parquet_read(parquet, group, i, &values, NULL))
            continue;
        check(values.rows == parquet_group_rows(parquet, group));
        check_values(&values);
        read++;
    }
    return read;
}

static void gather(const struct slice *slice, const uint8_t *data, struct buf *to)
{
    for (size_t i = 0; i < slice->count; i++) {
        const struct slice_piece *piece = &slice->pieces[i];
        const uint8_t *from = piece->kind == SLICE_INLINE ? slice->inline_bytes.data : data;
        buf_append(to, from + piece->offset, (size_t)piece->len);
    }
}

static void check_slice(const struct parquet *parquet, const uint8_t *data, size_t group, unsigned read)
{
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    if (parquet_slice(parquet, group, 1, &slice, NULL))
        return;
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    gather(&slice, data, &bytes);
    struct memory_recording recording;
    recording_of_memory(&recording, "slice", bytes.data, bytes.len);
    CLEANUP_PARQUET struct parquet *part = NULL;
    struct error err;
    check(!parquet_open(&recording.recording, &part, &err));
    parquet_set_limits(part, (struct parquet_limits){.values = VALUES_MAX, .bytes = BYTES_MAX});
    check(parquet_groups(part) == 1 && parquet_rows(part) == parquet_group_rows(parquet, group));
    check(read_group(part, 0) >= read); /* more where another group made a column unreadable */
}

/* Some rows of the file, which begin and end inside a group, as a file that opens. */
static void check_rows(const struct parquet *parquet, const uint8_t *data)
{
    struct parquet_rows *unpacked[2] = {NULL, NULL};
    CLEANUP_FREE struct parquet_part *parts = NULL;
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    uint64_t all = parquet_rows(parquet), wanted = (all + 1) / 2;
    size_t count = all ? parquet_parts(parquet, all / 3, wanted, &parts) : 0;
    bool sound = count > 0 && count <= GROUPS_MAX;
    for (size_t i = 0; sound && i < count; i++) {
        struct parquet_rows **rows = &unpacked[i > 0];
        if (parquet_part_is_whole(parquet, &parts[i]))
            continue;
        check(i == 0 || i + 1 == count);
        sound = !parquet_rows_new(parquet, parts[i].group, rows, NULL);
        parts[i].rows = *rows;
    }
    if (sound && !parquet_slice_parts(parquet, parts, count, &slice, NULL)) {
        CLEANUP_BUF struct buf bytes = BUF_INIT;
        gather(&slice, data, &bytes);
        struct memory_recording recording;
        recording_of_memory(&recording, "rows", bytes.data, bytes.len);
        CLEANUP_PARQUET struct parquet *part = NULL;
        struct error err;
        check(!parquet_open(&recording.recording, &part, &err));
        parquet_set_limits(part, (struct parquet_limits){.values = VALUES_MAX, .bytes = BYTES_MAX});
        check(parquet_groups(part) == count && parquet_rows(part) == wanted);
        read_group(part, 0);
    }
    for (size_t i = 0; i < 2; i++)
        if (unpacked[i])
            parquet_rows_free(unpacked[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_recording recording;
    recording_of_memory(&recording, "input", data, size);
    CLEANUP_PARQUET struct parquet *parquet = NULL;
    struct error err;
    if (parquet_open(&recording.recording, &parquet, &err))
        return 0;
    parquet_set_limits(parquet, (struct parquet_limits){.values = VALUES_MAX, .bytes = BYTES_MAX});
    for (size_t group = 0; group < parquet_groups(parquet) && group < GROUPS_MAX; group++)
        check_slice(parquet, data, group, read_group(parquet, group));
    check_rows(parquet, data);
    parquet_check(parquet, NULL);
    return 0;
}
