// SPDX-License-Identifier: Apache-2.0
/* Whatever bytes come: an error, or columns that are consistent in themselves and a slice that opens and
 * reads again as the file did. Limits are low, so that a few bytes that stand for millions of values stay
 * quick. */
#include <string.h>

#include "index/parquet/parquet.h"

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
    bool texts = values->kind == PARQUET_TEXT || values->kind == PARQUET_BYTES;
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

/* Some rows of the group, as a file that opens. */
static void check_rows(const struct parquet *parquet, size_t group)
{
    CLEANUP_PARQUET_ROWS struct parquet_rows *rows = NULL;
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    uint64_t all = parquet_group_rows(parquet, group), first = all / 3, count = (all + 1) / 2;
    if (parquet_rows_new(parquet, group, &rows, NULL) || !all)
        return;
    struct error err;
    check(!parquet_rows_slice(rows, first, count, &slice, &err));
    struct memory_recording recording;
    recording_of_memory(&recording, "rows", slice.inline_bytes.data, slice.inline_bytes.len);
    CLEANUP_PARQUET struct parquet *part = NULL;
    check(!parquet_open(&recording.recording, &part, &err));
    parquet_set_limits(part, (struct parquet_limits){.values = VALUES_MAX, .bytes = BYTES_MAX});
    check(parquet_groups(part) == 1 && parquet_rows(part) == count);
    read_group(part, 0);
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
    for (size_t group = 0; group < parquet_groups(parquet) && group < GROUPS_MAX; group++) {
        check_slice(parquet, data, group, read_group(parquet, group));
        check_rows(parquet, group);
    }
    return 0;
}
