// SPDX-License-Identifier: Apache-2.0
/* What is read of the parts, what the pieces are, and what is refused; the rows themselves: joins.py. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/containers/parquet/join.h"
#include "index/containers/parquet/writer.h"
#include "tests/parquet/opened.h"
#include "tests/test_leaks.h"

static const char *const anew[] = {"episode_index", "index", "task_index"};
static const int64_t map[] = {4, 2, 0};

/* An episode: a file of rows {index, episode_index, task_index, x}, of which row i has the task i * tasks /
 * rows. */
static void make_part(struct opened *ret, uint64_t rows, uint64_t tasks)
{
    static const struct parquet_written columns[] = {{"x", PARQUET_DOUBLE, 1},
                                                     {"index", PARQUET_INT, 0},
                                                     {"episode_index", PARQUET_INT, 0},
                                                     {"task_index", PARQUET_INT, 0}};
    CLEANUP_BUF struct buf file = BUF_INIT;
    CLEANUP_PARQUET_WRITER struct parquet_writer *writer = NULL;
    const struct parquet_writer_to to = {.name = "part", .buf = &file, .alike = true};
    cr_assert_eq(parquet_writer_new(&to, columns, 4, &writer, NULL), 0);
    for (uint64_t i = 0; i < rows; i++) {
        const struct parquet_cell items[2] = {{.real = (double)i}, {.real = -1}};
        const struct parquet_cell cells[4] = {{.items = items, .count = 2},
                                              {.integer = (int64_t)i},
                                              {.integer = 7},
                                              {.integer = (int64_t)(i * tasks / rows)}};
        cr_assert_eq(parquet_writer_add(writer, cells, NULL), 0);
    }
    cr_assert_eq(parquet_writer_finish(writer, NULL), 0);
    opened_load_bytes(ret, "part", file.data, file.len);
}

static int add(struct parquet_join *join, struct opened *part, int64_t episode, struct error *err)
{
    const struct parquet_join_value values[] = {
        {.how = PARQUET_JOIN_CONSTANT, .first = episode},
        {.how = PARQUET_JOIN_SEQUENCE, .first = (int64_t)parquet_join_rows(join)},
        {.how = PARQUET_JOIN_MAPPED, .map = map, .map_count = sizeof map / sizeof *map}};
    return parquet_join_add(join, &part->recording, values, err);
}

static void gather(const struct parquet_joined *joined, const struct opened *parts, struct buf *to)
{
    for (size_t i = 0; i < joined->count; i++) {
        const struct parquet_join_piece *piece = &joined->pieces[i];
        const struct buf *from =
            piece->part == PARQUET_JOIN_INLINE ? &joined->inline_bytes : &parts[piece->part].bytes;
        cr_assert_leq(piece->offset + piece->len, from->len);
        buf_append(to, from->data + piece->offset, (size_t)piece->len);
    }
    cr_assert_eq(to->len, joined->size);
}

static void expect_column(struct parquet *parquet, size_t group, const char *name, const int64_t *want)
{
    CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
    struct error err = {0};
    struct parquet_bounds bounds;
    int64_t min = INT64_MAX, max = INT64_MIN;
    size_t column = (size_t)parquet_find(parquet, name);
    cr_assert_eq(parquet_read(parquet, group, column, &values, &err), 0, "%s", err.text);
    for (uint64_t i = 0; i < values.rows; i++) {
        cr_assert(values.valid[i] && values.i64[i] == want[i], "%s: row %d of group %zu is %lld", name,
                  (int)i, group, (long long)values.i64[i]);
        min = want[i] < min ? want[i] : min;
        max = want[i] > max ? want[i] : max;
    }
    cr_assert(parquet_bounds(parquet, group, column, &bounds));
    cr_assert(bounds.i64_min == min && bounds.i64_max == max && bounds.has_nulls && !bounds.nulls);
}

enum { ROWS_MAX = 1000 };

static void expect_group(struct parquet *parquet, size_t group, int64_t episode, int64_t first, int64_t tasks)
{
    int64_t rows = (int64_t)parquet_group_rows(parquet, group);
    int64_t episodes[ROWS_MAX], indexes[ROWS_MAX], of_tasks[ROWS_MAX];
    for (int64_t i = 0; i < rows; i++) {
        episodes[i] = episode;
        indexes[i] = first + i;
        of_tasks[i] = map[i * tasks / rows];
    }
    expect_column(parquet, group, "episode_index", episodes);
    expect_column(parquet, group, "index", indexes);
    expect_column(parquet, group, "task_index", of_tasks);
}

Test(join, an_episode_is_a_row_group_of_a_range_and_its_numbers_anew)
{
    static const uint64_t rows[] = {5, 0, 128, 1, 700}, tasks[] = {1, 1, 3, 1, 2};
    CLEANUP_PARQUET_JOIN struct parquet_join *join = parquet_join_new(anew, 3);
    CLEANUP_PARQUET_JOINED struct parquet_joined joined = {0};
    CLEANUP_BUF struct buf file = BUF_INIT;
    struct opened parts[5], whole;
    struct error err = {0};
    for (size_t i = 0; i < 5; i++) {
        make_part(&parts[i], rows[i], tasks[i]);
        cr_assert_eq(add(join, &parts[i], (int64_t)i, &err), 0, "%s", err.text);
    }
    cr_assert_eq(parquet_join_rows(join), 834);
    uint64_t bytes = parquet_join_bytes(join);
    cr_assert_eq(parquet_join_finish(join, &joined, &err), 0, "%s", err.text);
    cr_assert_lt(bytes, joined.size);
    cr_assert_eq(joined.count, 9); /* before, of and behind each episode with rows */
    gather(&joined, parts, &file);
    opened_load_bytes(&whole, "joined", file.data, file.len);
    cr_assert_eq(parquet_open(&whole.recording, &whole.parquet, &err), 0, "%s", err.text);
    cr_assert_eq(parquet_groups(whole.parquet), 4);
    int64_t first = 0;
    for (size_t i = 0, group = 0; i < 5; first += (int64_t)rows[i++])
        if (rows[i])
            expect_group(whole.parquet, group++, (int64_t)i, first, (int64_t)tasks[i]);
    for (size_t i = 0; i < 5; i++)
        opened_done(&parts[i]);
    opened_done(&whole);
    check_leaks();
}

static uint64_t inline_bytes_of(uint64_t rows)
{
    CLEANUP_PARQUET_JOIN struct parquet_join *join = parquet_join_new(anew, 3);
    CLEANUP_PARQUET_JOINED struct parquet_joined joined = {0};
    struct opened part;
    make_part(&part, rows, 3);
    for (size_t i = 0; i < 100; i++)
        cr_assert_eq(add(join, &part, (int64_t)i, NULL), 0);
    cr_assert_eq(parquet_join_finish(join, &joined, NULL), 0);
    opened_done(&part);
    return joined.inline_bytes.len / 100;
}

Test(join, an_episode_takes_few_inline_bytes_however_long_it_is)
{
    cr_assert_lt(inline_bytes_of(10), 600);
    cr_assert_lt(inline_bytes_of(900), 600);
    check_leaks();
}

Test(join, data_pages_are_read_of_no_column_that_its_statistics_tell)
{
    struct opened part;
    CLEANUP_PARQUET_JOIN struct parquet_join *join = parquet_join_new(anew, 3);
    make_part(&part, 900, 1); /* by our own writer, which states none */
    cr_assert_eq(add(join, &part, 0, NULL), 0);
    cr_assert_gt(part.requests, 1);

    CLEANUP_PARQUET_JOINED struct parquet_joined joined = {0};
    CLEANUP_BUF struct buf file = BUF_INIT;
    struct opened stated;
    CLEANUP_PARQUET_JOIN struct parquet_join *again = parquet_join_new(anew, 3);
    cr_assert_eq(parquet_join_finish(join, &joined, NULL), 0);
    gather(&joined, &part, &file);
    opened_load_bytes(&stated, "stated", file.data, file.len);
    static const int64_t all[] = {0, 1, 2, 3, 4};
    const struct parquet_join_value values[] = {{.how = PARQUET_JOIN_CONSTANT},
                                                {.how = PARQUET_JOIN_SEQUENCE},
                                                {.how = PARQUET_JOIN_MAPPED, .map = all, .map_count = 5}};
    cr_assert_eq(parquet_join_add(again, &stated.recording, values, NULL), 0);
    cr_assert_eq(stated.requests, 1); /* the footer */
    opened_done(&part);
    opened_done(&stated);
    check_leaks();
}

Test(join, a_store_that_fails_is_told_with_file_group_and_column)
{
    struct opened part;
    struct error err = {0};
    CLEANUP_PARQUET_JOIN struct parquet_join *join = parquet_join_new(anew, 3);
    make_part(&part, 900, 3);
    part.fail_at = 2;
    cr_assert_eq(add(join, &part, 0, &err), -EIO);
    cr_assert_str_eq(err.text, "part: row group 0, column 'task_index': the store went away");
    opened_done(&part);
    check_leaks();
}

static void expect_refused(const struct parquet_join_value *values, int rc, const char *text)
{
    struct opened part;
    struct error err = {0};
    CLEANUP_PARQUET_JOIN struct parquet_join *join = parquet_join_new(anew, 3);
    make_part(&part, 9, 3);
    cr_assert_eq(parquet_join_add(join, &part.recording, values, &err), rc);
    cr_assert_str_eq(err.text, text);
    opened_done(&part);
}

Test(join, numbers_beyond_int64_and_values_without_a_place_are_refused)
{
    struct parquet_join_value values[] = {{.how = PARQUET_JOIN_CONSTANT, .first = INT64_MIN},
                                          {.how = PARQUET_JOIN_SEQUENCE, .first = INT64_MAX - 7},
                                          {.how = PARQUET_JOIN_MAPPED, .map = map, .map_count = 3}};
    expect_refused(values, -EFBIG, "part: row group 0: column 'index': its numbers go beyond int64");
    values[1].first--;
    values[2].map_count = 2;
    expect_refused(values, -EINVAL,
                   "part: row group 0: column 'task_index': it has the value 2, where there are only 0 to 1");
    values[2].map_count = 3;
    values[2].map = (const int64_t[]){4, -1, 0};
    expect_refused(
        values, -EINVAL,
        "part: row group 0: column 'task_index': it has the value 1, which stands for nothing there");
    check_leaks();
}

Test(join, no_row_at_all_is_no_file)
{
    struct opened part;
    struct error err = {0};
    struct parquet_joined joined;
    CLEANUP_PARQUET_JOIN struct parquet_join *join = parquet_join_new(anew, 3);
    make_part(&part, 0, 1);
    cr_assert_eq(add(join, &part, 0, &err), 0, "%s", err.text);
    cr_assert_eq(parquet_join_finish(join, &joined, &err), -ENODATA);
    opened_done(&part);
    check_leaks();
}

Test(join, a_file_that_is_no_parquet_is_refused_by_its_name)
{
    struct opened part;
    struct error err = {0};
    CLEANUP_PARQUET_JOIN struct parquet_join *join = parquet_join_new(anew, 3);
    opened_load_bytes(&part, "ep.parquet", "PARE....PARE", 12);
    cr_assert_eq(add(join, &part, 0, &err), -ENOTSUP);
    cr_assert(strstr(err.text, "ep.parquet: encrypted"), "%s", err.text);
    opened_done(&part);
    check_leaks();
}
