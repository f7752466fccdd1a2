// SPDX-License-Identifier: Apache-2.0
/* Two Parquet files as one, integers of the first numbered and mapped anew: an error, or pieces that lie in
 * their files and make one that opens, has the rows of both, and numbers as asked for. The input: how long
 * the first file is, u32, then the two. */
#include <string.h>

#include "cache/base/cursor.h"
#include "index/containers/parquet/join.h"
#include "index/containers/parquet/parquet.h"

enum {
    VALUES_MAX = 1 << 14,
    BYTES_MAX = 1 << 18,
    GROUPS_MAX = 8,
    ROWS_MAX = 1 << 16,
    FIRST = 1000,
    COLUMNS = 2
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool sound)
{
    if (!sound)
        __builtin_trap();
}

struct part {
    struct memory_recording recording;
    struct parquet *parquet; /* NULL: it does not open */
};

static void open_part(struct part *part, const char *name, const uint8_t *data, size_t len)
{
    recording_of_memory(&part->recording, name, data, len);
    parquet_open(&part->recording.recording, &part->parquet, NULL);
}

/* The first flat columns of integers; the next of them are mapped. Returns their number. */
static size_t integers_of(const struct parquet *parquet, const char *ret[COLUMNS])
{
    size_t count = 0;
    for (size_t i = 0; i < parquet_columns(parquet) && count < COLUMNS; i++) {
        const struct parquet_column *column = parquet_column(parquet, i);
        if (column->kind == PARQUET_INT && !column->depth)
            ret[count++] = column->name;
    }
    return count;
}

static void gather(const struct parquet_joined *joined, const struct part *parts, struct buf *to)
{
    for (size_t i = 0; i < joined->count; i++) {
        const struct parquet_join_piece *piece = &joined->pieces[i];
        bool is_inline = piece->part == PARQUET_JOIN_INLINE;
        check(is_inline || piece->part < 2);
        const struct memory_recording *file = is_inline ? NULL : &parts[piece->part].recording;
        uint64_t size = is_inline ? joined->inline_bytes.len : file->recording.size;
        check(piece->len && piece->offset <= size && piece->len <= size - piece->offset);
        buf_append(to, (is_inline ? joined->inline_bytes.data : file->bytes) + piece->offset,
                   (size_t)piece->len);
    }
    check(to->len == joined->size);
}

static void check_numbers(struct parquet *parquet, const char *name)
{
    int column = parquet_find(parquet, name);
    int64_t next = FIRST;
    check(column >= 0);
    for (size_t group = 0; group < parquet_groups(parquet) && group < GROUPS_MAX; group++) {
        CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
        if (parquet_group_rows(parquet, group) > VALUES_MAX)
            return;
        check(!parquet_read(parquet, group, (size_t)column, &values, NULL));
        for (uint64_t i = 0; i < values.rows; i++)
            check(values.valid[i] && values.i64[i] == next++);
    }
}

static void check_joined(const struct parquet_joined *joined, const struct part *parts, uint64_t rows,
                         const char *name)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    CLEANUP_PARQUET struct parquet *parquet = NULL;
    struct memory_recording recording;
    gather(joined, parts, &bytes);
    recording_of_memory(&recording, "joined", bytes.data, bytes.len);
    check(!parquet_open(&recording.recording, &parquet, NULL));
    parquet_set_limits(parquet, (struct parquet_limits){.values = VALUES_MAX, .bytes = BYTES_MAX});
    check(parquet_rows(parquet) == rows);
    if (name)
        check_numbers(parquet, name);
}

static void join(struct part parts[2])
{
    static const int64_t map[] = {3, 0, 9, INT64_MIN};
    const char *names[COLUMNS];
    size_t count = integers_of(parts[0].parquet, names);
    uint64_t rows = 0;
    CLEANUP_PARQUET_JOIN struct parquet_join *joining = parquet_join_new(names, count);
    CLEANUP_PARQUET_JOINED struct parquet_joined joined = {0};
    for (size_t i = 0; i < 2; i++) {
        struct error err = {0};
        const struct parquet_join_value values[COLUMNS] = {
            {.how = PARQUET_JOIN_SEQUENCE, .first = FIRST + (int64_t)rows},
            {.how = i ? PARQUET_JOIN_MAPPED : PARQUET_JOIN_CONSTANT,
             .first = -5,
             .map = map,
             .map_count = 4}};
        if (parquet_join_add(joining, &parts[i].recording.recording, values, &err)) {
            check(err.text[0]);
            return;
        }
        rows += parquet_rows(parts[i].parquet);
        check(parquet_join_rows(joining) == rows);
    }
    if (!parquet_join_finish(joining, &joined, NULL))
        check_joined(&joined, parts, rows, count ? names[0] : NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_of(data, size);
    uint32_t len = cursor_le32(&c);
    struct part parts[2] = {0};
    if (c.failed || len > cursor_left(&c))
        return 0;
    open_part(&parts[0], "first", data + c.at, len);
    open_part(&parts[1], "second", data + c.at + len, cursor_left(&c) - len);
    bool few = parts[0].parquet && parts[1].parquet && parquet_rows(parts[0].parquet) <= ROWS_MAX &&
               parquet_rows(parts[1].parquet) <= ROWS_MAX;
    if (few)
        join(parts);
    parquet_free(parts[0].parquet);
    parquet_free(parts[1].parquet);
    return 0;
}
