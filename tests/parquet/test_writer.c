// SPDX-License-Identifier: Apache-2.0
/* What is written is read back by our own reader, whatever the windows. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/file.h"
#include "index/containers/parquet/writer.h"
#include "tests/parquet/opened.h"
#include "tests/test_leaks.h"

static const struct parquet_written columns[] = {
    {"text", PARQUET_TEXT}, {"n", PARQUET_INT}, {"x", PARQUET_DOUBLE}, {"when", PARQUET_TIMESTAMP}};
enum { COLUMNS = sizeof columns / sizeof *columns };

static int write_rows(int fd, uint64_t rows, size_t text_bytes)
{
    struct error err = {0};
    struct parquet_writer *writer;
    CLEANUP_BUF struct buf text = BUF_INIT;
    for (size_t i = 0; i < text_bytes; i++)
        buf_u8(&text, (uint8_t)('a' + i % 26));
    cr_assert_eq(parquet_writer_new(&(struct parquet_writer_to){.name = "x.parquet", .fd = fd}, columns,
                                    COLUMNS, &writer, &err),
                 0, "%s", err.text);
    int rc = 0;
    for (uint64_t i = 0; !rc && i < rows; i++) {
        const struct parquet_cell cells[COLUMNS] = {
            {.null = i % 5 == 1, .text = buf_text(&text), .len = i % 3 ? text_bytes : 0},
            {.null = i % 7 == 1, .integer = i % 2 ? INT64_MIN + (int64_t)i : INT64_MAX - (int64_t)i},
            {.null = i % 2 == 1, .real = i ? (double)i / 3 : INFINITY},
            {.null = i % 4 != 0, .integer = (int64_t)i - 1}};
        rc = parquet_writer_add(writer, cells, &err);
    }
    if (!rc)
        rc = parquet_writer_finish(writer, &err);
    parquet_writer_free(writer);
    return rc;
}

static void expect_row(const struct parquet_values *read, uint64_t i, uint64_t at, size_t text_bytes)
{
    cr_assert_eq(read[0].valid[at], i % 5 != 1);
    if (i % 5 != 1)
        cr_assert_eq(read[0].text_offsets[at + 1] - read[0].text_offsets[at], i % 3 ? text_bytes : 0);
    cr_assert_eq(read[1].valid[at], i % 7 != 1);
    if (i % 7 != 1)
        cr_assert_eq(read[1].i64[at], i % 2 ? INT64_MIN + (int64_t)i : INT64_MAX - (int64_t)i);
    cr_assert_eq(read[2].valid[at], i % 2 == 0);
    if (i % 2 == 0)
        cr_assert(read[2].f64[at] == (i ? (double)i / 3 : INFINITY));
    cr_assert_eq(read[3].valid[at], i % 4 == 0);
    if (i % 4 == 0)
        cr_assert_eq(read[3].i64[at], (int64_t)i - 1);
}

static void expect_rows(const char *path, uint64_t rows, size_t text_bytes, size_t groups)
{
    struct opened opened;
    struct error err = {0};
    uint64_t row = 0;
    cr_assert(opened_load(&opened, path));
    cr_assert_eq(parquet_open(&opened.recording, &opened.parquet, &err), 0, "%s", err.text);
    cr_assert_eq(parquet_rows(opened.parquet), rows);
    cr_assert_eq(parquet_groups(opened.parquet), groups);
    cr_assert_eq(parquet_columns(opened.parquet), COLUMNS);
    for (size_t group = 0; group < groups; group++) {
        struct parquet_values read[COLUMNS];
        for (size_t i = 0; i < COLUMNS; i++) {
            cr_assert_eq(parquet_column(opened.parquet, i)->kind, columns[i].kind);
            cr_assert_eq(parquet_read(opened.parquet, group, i, &read[i], &err), 0, "%s", err.text);
        }
        for (uint64_t at = 0; at < read[0].rows; at++)
            expect_row(read, row++, at, text_bytes);
        for (size_t i = 0; i < COLUMNS; i++)
            parquet_values_done(&read[i]);
    }
    cr_assert_eq(row, rows);
    opened_done(&opened);
}

/* Writes, reads back, and forgets the file. */
static void expect_round_trip(uint64_t rows, size_t text_bytes, size_t groups)
{
    char path[] = "/tmp/elidefs-writer-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write_rows(fd, rows, text_bytes), 0);
    expect_rows(path, rows, text_bytes, groups);
    close(fd);
    unlink(path);
}

Test(writer, rows_of_every_kind_and_nulls_are_read_back)
{
    for (uint64_t rows = 0; rows < 70; rows++)
        expect_round_trip(rows, 3, rows > 0);
    check_leaks();
}

Test(writer, a_window_ends_with_its_rows_or_its_bytes)
{
    expect_round_trip(PARQUET_WRITER_GROUP_ROWS, 1, 1);
    expect_round_trip(PARQUET_WRITER_GROUP_ROWS + 1, 1, 2);
    expect_round_trip(500, 65536, 3); /* 8 of 15 rows have a text: 17 MiB */
    check_leaks();
}

Test(writer, a_file_that_cannot_be_written_is_an_error_with_its_name)
{
    struct error err = {0};
    struct parquet_writer *writer = NULL;
    cr_assert_eq(parquet_writer_new(&(struct parquet_writer_to){.name = "x.parquet", .fd = -1}, columns,
                                    COLUMNS, &writer, &err),
                 -EBADF);
    cr_assert(strstr(err.text, "x.parquet: "), "%s", err.text);
    cr_assert_null(writer);
    check_leaks();
}
