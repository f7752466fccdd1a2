// SPDX-License-Identifier: Apache-2.0
/* Groups and rows cut out of files, against the same rows of the whole. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/containers/parquet/footer.h"
#include "tests/parquet/opened.h"
#include "tests/parquet/print.h"
#include "tests/test_leaks.h"

static void cut_bytes(const struct opened *opened, size_t first, size_t count, struct buf *ret)
{
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    struct error err = {0};
    cr_assert_eq(parquet_slice(opened->parquet, first, count, &slice, &err), 0, "%s", err.text);
    print_slice(&slice, opened->bytes.data, ret);
    cr_assert_eq(ret->len, slice.size);
}

static void cut(const struct opened *opened, size_t first, size_t count, struct opened *ret)
{
    CLEANUP_BUF struct buf file = BUF_INIT;
    struct error err = {0};
    cut_bytes(opened, first, count, &file);
    opened_load_bytes(ret, "cut", file.data, file.len);
    cr_assert_eq(parquet_open(&ret->recording, &ret->parquet, &err), 0, "%s", err.text);
}

static void check_same_group(struct opened *a, size_t group_a, struct opened *b, size_t group_b)
{
    CLEANUP_BUF struct buf text_a = BUF_INIT;
    CLEANUP_BUF struct buf text_b = BUF_INIT;
    struct error err = {0};
    cr_assert_eq(print_group(a->parquet, group_a, &text_a, &err), 0, "%s", err.text);
    cr_assert_eq(print_group(b->parquet, group_b, &text_b, &err), 0, "%s", err.text);
    cr_assert_str_eq(buf_text(&text_a), buf_text(&text_b), "%s: group %zu", a->recording.name, group_a);
}

static const struct parquet_field *field_of(const struct parquet *parquet, int field)
{
    for (size_t i = 0; i < parquet->field_count; i++)
        if (parquet->fields[i].field == field)
            return &parquet->fields[i];
    return NULL;
}

static bool same_field(const struct parquet *a, const struct parquet *b, int field)
{
    const struct parquet_field *in_a = field_of(a, field), *in_b = field_of(b, field);
    if (!in_a || !in_b)
        return !in_a && !in_b;
    return in_a->len == in_b->len && !memcmp(a->footer.data + in_a->at, b->footer.data + in_b->at, in_a->len);
}

Test(parquet_cut, each_group_of_each_kind_of_file_reads_the_same_when_cut_out)
{
    static const char *const names[] = {"flat-snappy-v1", "flat-zstd-v2", "lists-v1",   "lists-v2", "others",
                                        "fallback",       "many-pages",   "page-index", "empty",    "gaps"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CLEANUP_OPENED struct opened whole;
        opened_init(&whole, names[i]);
        for (size_t group = 0; group < parquet_groups(whole.parquet); group++) {
            CLEANUP_OPENED struct opened part;
            cut(&whole, group, 1, &part);
            cr_assert_eq(parquet_groups(part.parquet), 1);
            cr_assert_eq(parquet_rows(part.parquet), parquet_group_rows(whole.parquet, group));
            check_same_group(&whole, group, &part, 0);
        }
    }
    check_leaks();
}

Test(parquet_cut, schema_metadata_orders_and_unknown_fields_are_kept_as_they_are)
{
    static const char *const names[] = {"flat-snappy-v1", "gaps", "page-index"};
    static const int fields[] = {1, FILE_SCHEMA, FILE_METADATA, 6, FILE_ORDERS, 20};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CLEANUP_OPENED struct opened whole, part;
        opened_init(&whole, names[i]);
        cut(&whole, 0, 1, &part);
        for (size_t k = 0; k < sizeof fields / sizeof *fields; k++)
            cr_assert(same_field(whole.parquet, part.parquet, fields[k]), "%s: %d", names[i], fields[k]);
    }
    CLEANUP_OPENED struct opened gaps;
    opened_init(&gaps, "gaps");
    cr_assert_not_null(field_of(gaps.parquet, 20), "the file has an unknown field to be kept");
    check_leaks();
}

Test(parquet_cut, a_group_is_one_range_between_two_inline_pieces)
{
    CLEANUP_OPENED struct opened whole;
    opened_init(&whole, "flat-snappy-v1");
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    cr_assert_eq(parquet_slice(whole.parquet, 1, 1, &slice, NULL), 0);
    cr_assert_eq(slice.count, 3);
    cr_assert(slice.pieces[0].kind == SLICE_INLINE && slice.pieces[0].len == 4);
    cr_assert_eq(slice.pieces[1].kind, SLICE_RECORDING);
    cr_assert_eq(slice.pieces[2].kind, SLICE_INLINE);
    check_leaks();
}

Test(parquet_cut, groups_that_touch_stay_one_range)
{
    CLEANUP_OPENED struct opened whole, part;
    opened_init(&whole, "flat-snappy-v1");
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    cr_assert_eq(parquet_slice(whole.parquet, 0, 2, &slice, NULL), 0);
    cr_assert_eq(slice.count, 3);
    cut(&whole, 0, 2, &part);
    check_same_group(&whole, 0, &part, 0);
    check_same_group(&whole, 1, &part, 1);
    check_leaks();
}

Test(parquet_cut, two_cuts_are_the_same_bytes)
{
    CLEANUP_OPENED struct opened whole;
    opened_init(&whole, "page-index");
    CLEANUP_BUF struct buf once = BUF_INIT;
    CLEANUP_BUF struct buf again = BUF_INIT;
    cut_bytes(&whole, 1, 2, &once);
    cut_bytes(&whole, 1, 2, &again);
    cr_assert(once.len == again.len && !memcmp(once.data, again.data, once.len));
    check_leaks();
}

Test(parquet_cut, bytes_between_the_chunks_are_left_out)
{
    CLEANUP_OPENED struct opened whole, part;
    opened_init(&whole, "gaps");
    cut(&whole, 0, 1, &part);
    cr_assert_not_null(memmem(whole.bytes.data, whole.bytes.len, "left behind", 11));
    cr_assert_null(memmem(part.bytes.data, part.bytes.len, "left behind", 11));
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    const struct parquet_chunk *chunk = parquet_chunk_of(part.parquet, 0, 0);
    thrift_id record = parquet_footer_parse(part.parquet, chunk->footer_at, &tree);
    cr_assert_eq(thrift_integer_or(&tree, record, CHUNK_OFFSET, -1), (int64_t)chunk->start,
                 "file_offset at the first page moves with it");
    record = parquet_footer_parse(part.parquet, parquet_chunk_of(part.parquet, 0, 1)->footer_at, &tree);
    cr_assert_eq(thrift_integer_or(&tree, record, CHUNK_OFFSET, -1), 0,
                 "file_offset behind the chunk is gone");
    check_leaks();
}

/* Every page the offset index of a chunk names is a data page of the length it states. Returns their number.
 */
static size_t check_pages(const struct opened *opened, size_t group, size_t leaf)
{
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    CLEANUP_THRIFT struct thrift index = THRIFT_INIT;
    const struct parquet_chunk *chunk = parquet_chunk_of(opened->parquet, group, leaf);
    thrift_id record = parquet_footer_parse(opened->parquet, chunk->footer_at, &tree), root = 0;
    struct cursor c = cursor_of(opened->bytes.data, opened->bytes.len);
    cursor_seek(&c, (uint64_t)thrift_integer_or(&tree, record, CHUNK_OFFSET_INDEX, 0));
    size_t start = c.at;
    cr_assert_eq(thrift_parse(&index, &c, &root, NULL), 0);
    cr_assert_eq(c.at - start, (size_t)thrift_integer_or(&tree, record, CHUNK_OFFSET_INDEX_LEN, 0));
    size_t pages = 0;
    for (thrift_id one = thrift_first(&index, thrift_field(&index, root, 1)); one;
         one = thrift_next(&index, one)) {
        CLEANUP_THRIFT struct thrift header = THRIFT_INIT;
        thrift_id page = 0;
        cursor_seek(&c, (uint64_t)thrift_integer_or(&index, one, 1, 0));
        size_t at = c.at;
        cr_assert_eq(thrift_parse(&header, &c, &page, NULL), 0);
        cr_assert_eq(thrift_integer_or(&header, page, 1, -1), 0, "a data page");
        cr_assert_eq(thrift_integer_or(&index, one, 2, 0),
                     (int64_t)(c.at - at) + thrift_integer_or(&header, page, 3, 0));
        pages++;
    }
    return pages;
}

Test(parquet_cut, page_indexes_move_with_their_pages_and_bloom_filters_are_dropped)
{
    CLEANUP_OPENED struct opened whole, part;
    opened_init(&whole, "page-index");
    cut(&whole, 1, 2, &part);
    for (size_t i = 0; i < 4; i++) {
        CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
        thrift_id record = parquet_footer_parse(part.parquet, part.parquet->chunks[i].footer_at, &tree);
        cr_assert_gt(thrift_integer_or(&tree, record, CHUNK_COLUMN_INDEX, 0), 0);
        cr_assert_eq(thrift_path(&tree, record, CHUNK_META, META_BLOOM, 0), 0);
        cr_assert_eq(thrift_path(&tree, record, CHUNK_META, META_BLOOM_LEN, 0), 0);
        cr_assert_eq(check_pages(&part, i / 2, i % 2), check_pages(&whole, 1 + i / 2, i % 2));
        cr_assert_gt(check_pages(&part, i / 2, i % 2), 1);
    }
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    thrift_id record = parquet_footer_parse(whole.parquet, whole.parquet->chunks[1].footer_at, &tree);
    cr_assert_neq(thrift_path(&tree, record, CHUNK_META, META_BLOOM, 0), 0, "the file has one");
    check_leaks();
}

Test(parquet_cut, a_damaged_page_index_is_dropped_with_what_refers_to_it)
{
    CLEANUP_OPENED struct opened whole, part;
    opened_init(&whole, "page-index");
    CLEANUP_THRIFT struct thrift tree = THRIFT_INIT;
    thrift_id record = parquet_footer_parse(whole.parquet, whole.parquet->chunks[0].footer_at, &tree);
    int64_t at = thrift_integer_or(&tree, record, CHUNK_OFFSET_INDEX, 0);
    cr_assert_gt(at, 0);
    whole.bytes.data[at] = 0xff;
    cut(&whole, 0, 1, &part);
    record = parquet_footer_parse(part.parquet, part.parquet->chunks[0].footer_at, &tree);
    for (int field = CHUNK_OFFSET_INDEX; field <= CHUNK_COLUMN_INDEX_LEN; field++)
        cr_assert_eq(thrift_field(&tree, record, field), 0, "%d", field);
    record = parquet_footer_parse(part.parquet, part.parquet->chunks[1].footer_at, &tree);
    cr_assert_gt(thrift_integer_or(&tree, record, CHUNK_OFFSET_INDEX, 0), 0, "the other column's is sound");
    check_same_group(&whole, 0, &part, 0);
    check_leaks();
}

Test(parquet_cut, a_cut_of_a_cut_is_the_cut_itself)
{
    CLEANUP_OPENED struct opened whole, part;
    opened_init(&whole, "page-index");
    cut(&whole, 2, 1, &part);
    CLEANUP_BUF struct buf again = BUF_INIT;
    cut_bytes(&part, 0, 1, &again);
    cr_assert(again.len == part.bytes.len && !memcmp(again.data, part.bytes.data, again.len));
    check_leaks();
}

/* Rows of the file as a file of their own; unpacks the groups at its ends. */
static int cut_rows(struct opened *whole, uint64_t first, uint64_t count, struct slice *slice,
                    struct error *err)
{
    struct parquet_rows *ends[2] = {NULL, NULL};
    CLEANUP_FREE struct parquet_part *parts = NULL;
    size_t found = parquet_parts(whole->parquet, first, count, &parts);
    int rc = 0;
    for (size_t i = 0; !rc && i < found; i++) {
        if (parquet_part_is_whole(whole->parquet, &parts[i]))
            continue;
        rc = parquet_rows_new(whole->parquet, parts[i].group, &ends[i > 0], err);
        parts[i].rows = ends[i > 0];
    }
    if (!rc)
        rc = parquet_slice_parts(whole->parquet, parts, found, slice, err);
    for (size_t i = 0; i < 2; i++)
        if (ends[i])
            parquet_rows_free(ends[i]);
    return rc;
}

/* Each column's rows of all groups, a line each. */
static void print_rows(struct opened *opened, struct buf *ret)
{
    struct error err = {0};
    for (size_t i = 0; i < parquet_columns(opened->parquet); i++) {
        for (size_t group = 0; group < parquet_groups(opened->parquet); group++) {
            CLEANUP_PARQUET_VALUES struct parquet_values values = {0};
            cr_assert_eq(parquet_read(opened->parquet, group, i, &values, &err), 0, "%s", err.text);
            for (uint64_t row = 0; row < values.rows; row++) {
                print_row(&values, row, ret);
                buf_u8(ret, '\n');
            }
        }
    }
}

/* The lines of `from` that are rows [first, first + count) of each column. */
static void pick_rows(const struct buf *from, uint64_t rows, uint64_t first, uint64_t count, struct buf *ret)
{
    uint64_t row = 0;
    for (size_t at = 0; at < from->len; row++) {
        size_t end = at;
        while (from->data[end++] != '\n')
            ;
        if (row % rows >= first && row % rows < first + count)
            buf_append(ret, from->data + at, end - at);
        at = end;
    }
}

Test(parquet_cut, any_rows_of_a_file_are_the_same_rows_as_a_file_of_their_own)
{
    static const char *const names[] = {"page-index",  "lists-v1", "lists-v2",
                                        "flat-lz4-v2", "delta-v2", "fallback"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CLEANUP_OPENED struct opened whole;
        CLEANUP_BUF struct buf all = BUF_INIT;
        opened_init(&whole, names[i]);
        print_rows(&whole, &all);
        uint64_t rows = parquet_rows(whole.parquet);
        for (uint64_t first = 0; first < rows; first += 1 + rows / 7)
            for (uint64_t count = 1; count <= rows - first; count += 1 + rows / 5) {
                CLEANUP_SLICE struct slice slice = SLICE_INIT;
                CLEANUP_BUF struct buf file = BUF_INIT, got = BUF_INIT, wanted = BUF_INIT;
                CLEANUP_OPENED struct opened part;
                struct error err = {0};
                cr_assert_eq(cut_rows(&whole, first, count, &slice, &err), 0, "%s", err.text);
                print_slice(&slice, whole.bytes.data, &file);
                opened_load_bytes(&part, "part", file.data, file.len);
                cr_assert_eq(parquet_open(&part.recording, &part.parquet, &err), 0, "%s", err.text);
                print_rows(&part, &got);
                pick_rows(&all, rows, first, count, &wanted);
                cr_assert_str_eq(buf_text(&got), buf_text(&wanted), "%s: rows %d+%d", names[i], (int)first,
                                 (int)count);
                cr_assert_eq(parquet_check(part.parquet, &err), 0, "%s", err.text);
            }
    }
    check_leaks();
}

Test(parquet_cut, only_rows_of_groups_that_are_not_whole_are_copied)
{
    CLEANUP_OPENED struct opened whole;
    opened_init(&whole, "page-index");
    CLEANUP_SLICE struct slice slice = SLICE_INIT;
    struct error err = {0};
    cr_assert_eq(cut_rows(&whole, 25, 40, &slice, &err), 0, "%s", err.text);
    cr_assert_eq(slice.count, 3);
    cr_assert(slice.pieces[0].kind == SLICE_INLINE && slice.pieces[2].kind == SLICE_INLINE);
    cr_assert_eq(slice.pieces[1].kind, SLICE_RECORDING);
    cr_assert_eq(slice.pieces[1].len, parquet_group_bytes(whole.parquet, 1));
    check_leaks();
}

/* many-pages: `n` is flat, and its pages hold 16 rows each; behind a page of `v`, lists, nothing is known,
 * and the row before it may go on in it. */
Test(parquet_cut, a_damaged_page_fails_its_rows_and_names_itself)
{
    static const struct {
        size_t column;
        uint64_t bad, bad_end;
    } cases[] = {{1, 96, 112}, {0, 79, 120}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_OPENED struct opened whole;
        opened_init(&whole, "many-pages");
        const struct parquet_chunk *chunk = parquet_chunk_of(whole.parquet, 0, cases[i].column);
        struct cursor c = cursor_of(whole.bytes.data, (size_t)(chunk->start + chunk->len));
        cursor_seek(&c, chunk->start);
        for (int page = 0; page <= 6; page++) {
            CLEANUP_THRIFT struct thrift header = THRIFT_INIT;
            thrift_id root = 0;
            cr_assert_eq(thrift_parse(&header, &c, &root, NULL), 0);
            cursor_skip(&c, (uint64_t)thrift_integer_or(&header, root, 3, 0));
        }
        whole.bytes.data[c.at - 1] ^= 1; /* the last byte of page 6 */
        for (uint64_t row = 0; row < 120; row++) {
            CLEANUP_SLICE struct slice slice = SLICE_INIT;
            struct error err = {0};
            int rc = cut_rows(&whole, row, 1, &slice, &err);
            bool bad = row >= cases[i].bad && row < cases[i].bad_end;
            cr_assert_eq(rc, bad ? -EINVAL : 0, "case %zu, row %d: %s", i, (int)row, err.text);
            cr_assert(!bad || strstr(err.text, i ? "many-pages: row group 0, column 'v': page 6: the page's"
                                                 : "many-pages: row group 0, column 'n': page 6: the page's"),
                      "%s", err.text);
        }
        struct error err = {0};
        cr_assert_eq(parquet_check(whole.parquet, &err), -EINVAL);
        cr_assert(strstr(err.text, ": page 6: the page's checksum is"), "%s", err.text);
    }
    check_leaks();
}

Test(parquet_cut, groups_that_are_not_there_are_refused)
{
    CLEANUP_OPENED struct opened whole;
    opened_init(&whole, "page-index");
    static const size_t spans[][2] = {{0, 0}, {3, 1}, {0, 4}, {2, 2}, {1, SIZE_MAX}, {SIZE_MAX, 1}};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        CLEANUP_SLICE struct slice slice = SLICE_INIT;
        struct error err = {0};
        cr_assert_eq(parquet_slice(whole.parquet, spans[i][0], spans[i][1], &slice, &err), -EINVAL);
        cr_assert_eq(strncmp(err.text, "page-index: row groups ", 23), 0, "%s", err.text);
        cr_assert_eq(slice.count, 0);
    }
    check_leaks();
}

Test(parquet_cut, an_episode_of_a_lerobot_set_is_cut_as_one_range)
{
    CLEANUP_OPENED struct opened whole;
    struct error err = {0};
    if (!opened_load(&whole, SAMPLE "/data/chunk-000/file-000.parquet"))
        cr_skip_test("no sample");
    cr_assert_eq(parquet_open(&whole.recording, &whole.parquet, &err), 0, "%s", err.text);
    for (size_t group = 0; group < parquet_groups(whole.parquet); group++) {
        CLEANUP_SLICE struct slice slice = SLICE_INIT;
        cr_assert_eq(parquet_slice(whole.parquet, group, 1, &slice, &err), 0, "%s", err.text);
        cr_assert_eq(slice.count, 3);
        CLEANUP_OPENED struct opened part;
        cut(&whole, group, 1, &part);
        check_same_group(&whole, group, &part, 0);
        cr_assert_not_null(parquet_metadata(part.parquet, "huggingface"));
        cr_assert_str_eq(parquet_metadata(part.parquet, "ARROW:schema"),
                         parquet_metadata(whole.parquet, "ARROW:schema"));
    }
    check_leaks();
}
