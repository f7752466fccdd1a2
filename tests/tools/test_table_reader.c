// SPDX-License-Identifier: Apache-2.0
/* Small tables as text, against what is read of them, written out in one line a row. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/buf.h"
#include "cache/base/file.h"
#include "cache/base/instant.h"
#include "tests/test_leaks.h"
#include "tools/import/table_batch.h"
#include "tools/import/table_reader.h"

static void show_value(struct buf *out, const struct table_value *value)
{
    if (!value->written)
        buf_printf(out, "%.1s:", value_type_name(value->value.type));
    value_print(out, &value->value);
}

static void show_row(struct buf *out, const struct table_row *row)
{
    buf_printf(out, "\n%llu:", (unsigned long long)row->place);
    for (size_t i = 0; i < row->count; i++) {
        const struct table_cell *cell = &row->cells[i];
        buf_printf(out, "%s%s", i ? "|" : "", cell->missing ? "~" : !cell->count ? "[]" : "");
        buf_text_append(out, cell->refused ? cell->refused : "");
        for (size_t k = 0; k < cell->count; k++) {
            buf_text_append(out, k ? ";" : "");
            show_value(out, &cell->values[k]);
        }
    }
}

/* Columns, then a line a row: its place, '|' between cells, '~' for a missing one (and why it was refused),
 * ';' between values, which have the first letter of their type before them if the table says it. */
static char *shown(const char *text, size_t len, const struct table_options *options)
{
    struct error err = {0};
    CLEANUP_TABLE_READER struct table_reader *reader = NULL;
    CLEANUP_BUF struct buf rows = BUF_INIT, out = BUF_INIT;
    struct table_row row;
    int rc = table_reader_over(table_input_of_memory("table", text, len), options, &reader, &err);
    while (!rc && (rc = table_reader_next(reader, &row, &err)) > 0) {
        show_row(&rows, &row);
        rc = 0;
    }
    if (rc)
        return mem_text(err.text);
    for (size_t i = 0; i < table_reader_columns(reader); i++)
        buf_printf(&out, "%s%s", i ? "|" : "", table_reader_column(reader, i));
    buf_append(&out, rows.data, rows.len);
    return (char *)buf_steal(&out);
}

struct reading {
    const char *text, *expected;
};

static void check_with(const struct table_options *options, const struct reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *got = shown(readings[i].text, strlen(readings[i].text), options);
        cr_expect_str_eq(got, readings[i].expected, "%s\n  gave %s\n  not %s", readings[i].text, got,
                         readings[i].expected);
        free(got);
    }
    check_leaks();
}

static void check(const struct reading *readings, size_t count)
{
    check_with(NULL, readings, count);
}

Test(table_reader, csv_fields_are_read_as_rfc_4180_says)
{
    static const struct reading readings[] = {
        {"a,b\n1,2\n", "a|b\n2:1|2"},
        {"a,b\r\n1,2\r\n", "a|b\n2:1|2"},
        {"a,b\n1,2", "a|b\n2:1|2"},
        {"a,b\n", "a|b"},
        {"a", "a"},
        {"a,b\n\"1,5\",\"say \"\"hi\"\"\"\n", "a|b\n2:1,5|say \"hi\""},
        {"a,b\n\"two\nlines\",x\ny,z\n", "a|b\n2:two\nlines|x\n4:y|z"},
        {"a,b\n\"two\r\nlines\",x\n", "a|b\n2:two\r\nlines|x"},
        {"\"a\",\"b\"\n1,2\n", "a|b\n2:1|2"},
        {"a,b\n 1 ,\t2\n", "a|b\n2: 1 |\t2"},
        {"\xef\xbb\xbf"
         "a,b\n1,2\n",
         "a|b\n2:1|2"},
        {"a,b\n\xc3\xbc,\xe2\x82\xac\n", "a|b\n2:\xc3\xbc|\xe2\x82\xac"},
    };
    check(readings, sizeof readings / sizeof *readings);
}

Test(table_reader, an_empty_csv_field_is_missing_and_an_empty_quoted_one_is_the_empty_text)
{
    static const struct reading readings[] = {
        {"a,b\n,\"\"\n", "a|b\n2:~|"},
        {"a,b\n,", "a|b\n2:~|~"},
        {"a\n\n", "a\n2:~"},
        {"a,b\n\"\",", "a|b\n2:|~"},
    };
    check(readings, sizeof readings / sizeof *readings);
}

Test(table_reader, a_broken_csv_table_is_refused_with_file_line_and_reason)
{
    static const struct reading readings[] = {
        {"", "table: the file is empty"},
        {"\xef\xbb\xbf", "table: the file is empty"},
        {"a,b\n1\n", "table: line 2: 1 field, but the header has 2"},
        {"a,b\n1,2\n \n", "table: line 3: 1 field, but the header has 2"},
        {"a,b\n1,2,3\n", "table: line 2: 3 fields, but the header has 2"},
        {"a,b\n\"1\n2\",3,4\n", "table: line 2: 3 fields, but the header has 2"},
        {"a,b\n1,\"2\n3\n", "table: line 2: a quote is not closed"},
        {"a,b\n1,\"2\"x\n", "table: line 2: there is text behind a closing quote"},
        {"a,b\n1,2\"x\n", "table: line 2: a quote stands inside a field that is not quoted"},
        {"a,b\n1,2\rx\n", "table: line 2: a carriage return stands alone"},
        {"a,b\n1,\xff\n", "table: line 2: the text is not UTF-8"},
        {"a,b\n\"x\n\xc0\x80\",1\n", "table: line 3: the text is not UTF-8"},
        {"a,b,a\n", "table: line 1: the column 'a' stands there twice"},
        {"a,\n", "table: line 1: column 2 has no name"},
        {"\n1\n", "table: line 1: it is empty, but must name the columns"},
        {",a\n1,2\n",
         "table: line 1: column 1 has no name (if it is an index of pandas: to_csv(index=False))"},
        {"a;b\tc\n1\n",
         "table: line 1: there are semicolons and tabs, but no commas: which of them separate columns?"},
        {"a;b\n1,2\n", "table: line 2: 1 field, but the header has 2"},
    };
    check(readings, sizeof readings / sizeof *readings);
}

Test(table_reader, a_header_without_commas_says_what_stands_for_them)
{
    static const struct reading readings[] = {
        {"a;b\n1;2,5\n", "a|b\n2:1|2,5"},
        {"a\tb\r\n1\t\"2\t3\"\r\n", "a|b\n2:1|2\t3"},
        {"\"a;x\"\tb\n1\t2;3\n", "a;x|b\n2:1|2;3"},
        {"a;x,b\n1;2,3\n", "a;x|b\n2:1;2|3"}, /* commas are what CSV has */
        {"a;b\n1;2\n\n\r\n3;4\n\n", "a|b\n2:1|2\n5:3|4"},
        {"sep=;\r\na,x;b\r\n1;2\r\n", "a,x|b\n3:1|2"}, /* as spreadsheets write it */
        {"sep=;\na;\n1;2\n", "table: line 2: column 2 has no name"},
        {"sep=;", "table: the file is empty"},
        {"sep=\nx\n", "sep=\n2:x"}, /* a column like any other */
    };
    check(readings, sizeof readings / sizeof *readings);
}

Test(table_reader, what_is_no_table_is_refused_with_what_makes_one_of_it)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *says;
    } foreign[] = {
        {"\x1f\x8b\x08\0more", 8, "gunzip"},
        {"\x28\xb5\x2f\xfd", 4, "zstd"},
        {"\xfd\x37zXZ\0", 6, "xz"},
        {"BZh9", 4, "bzip2"},
        {"PK\3\4\x14\0\6\0", 8, "spreadsheets"},
        {"\xd0\xcf\x11\xe0", 4, ".xls"},
        {"\xff\xfek\0e\0", 6, "utf-16"},
        {"\xfe\xff\0k\0e", 6, "utf-16"},
        {"k\0e\0y\0", 6, "utf-16le"},
        {"\n [{\"key\":\"a\"}]", 15, "jq -c '.[]'"},
    };
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        char *got = shown(foreign[i].bytes, foreign[i].len, NULL);
        cr_expect(!strncmp(got, "table: it is ", 13) && strstr(got, foreign[i].says), "case %zu: %s", i, got);
        free(got);
    }
    check_leaks();
}

Test(table_reader, a_nul_byte_in_csv_is_refused)
{
    char *got = shown("a,b\n1,2\0x\n", 10, NULL);
    cr_expect_str_eq(got, "table: line 2: a field holds a NUL byte");
    free(got);
    check_leaks();
}

Test(table_reader, a_csv_table_that_ends_anywhere_is_read_or_refused)
{
    static const char text[] = "a,\"b\"\r\n\"x \"\"y\"\"\nz\",\r\n1,\"\"";
    for (size_t len = 0; len < sizeof text; len++)
        free(shown(text, len, NULL));
    check_leaks();
}

Test(table_reader, json_lines_say_types_and_lists_and_bring_columns_as_they_come)
{
    static const struct reading readings[] = {
        {"{\"key\":\"a\",\"n\":1,\"x\":0.5,\"ok\":true}\n{\"n\":2,\"new\":\"\"}\n",
         "key|n|x|ok|new\n1:t:a|i:1|f:0.5|b:true\n2:~|i:2|~|~|t:"},
        {"\xef\xbb\xbf{\"a\":[\"x\",\"y\"],\"b\":[],\"c\":null}", "a|b|c\n1:t:x;t:y|[]|~"},
        {"\n  \n{\"a\":1}\r\n\n\n{\"a\":-2}\n\n", "a\n3:i:1\n6:i:-2"},
        {"{}", "\n1:"},
        {"{\"a\":-0.0,\"b\":1e300,\"c\":\"\\u00fc\"}", "a|b|c\n1:f:0|f:1e+300|t:\xc3\xbc"},
    };
    check(readings, sizeof readings / sizeof *readings);
}

Test(table_reader, a_list_of_numbers_is_one_value_and_what_is_neither_that_nor_texts_is_none)
{
    static const struct reading readings[] = {
        {"{\"a\":[0.5,-1.5,0.5,2.0],\"b\":[40,10,40],\"c\":[]}\n",
         "a|b|c\n1:l:[0.5,-1.5,0.5,2]|l:[40,10,40]|[]"},
        {"{\"a\":[1],\"b\":[2],\"c\":[3]}\n{\"c\":[null,4],\"a\":[[1]]}\n",
         "a|b|c\n1:l:[1]|l:[2]|l:[3]\n2:~a list of lists|~|l:[null,4]"},
        {"{\"a\":[1,[2,{\"b\":[3]}],4],\"z\":1}\n", "a|z\n1:~a list of lists|i:1"},
        {"{\"a\":[{\"b\":[1]}]}\n", "a\n1:~a list of objects"},
        {"{\"a\":[1,\"x\"],\"b\":[\"x\",null],\"c\":[\"x\",\"x\"]}\n",
         "a|b|c\n1:~a list of numbers and texts|~a list of texts and null|t:x;t:x"},
    };
    check(readings, sizeof readings / sizeof *readings);
}

Test(table_reader, a_broken_line_of_json_is_refused_with_line_column_and_reason)
{
    static const struct reading readings[] = {
        {"{\"a\":1}\n{\"a\":}\n", "table: line 2: column 6: not valid JSON: a value must stand here"},
        {"{\"a\":1}\n[1]\n", "table: line 2: the line is a list, not an object"},
        {"{\"a\":1}\n7\n", "table: line 2: the line is a number, not an object"},
        {"{\"a\":{\"b\":1}}\n",
         "table: line 1: column 'a': an object stands where a text, a number, true or false must"},
        {"{\"a\":[1,[2}]}\n",
         "table: line 1: column 'a': column 11: not valid JSON: a ',' or ']' must stand here"},
        {"{\"\":1}\n", "table: line 1: a member has no name"},
        {"{\"a\":\"x\\u0000y\"}\n", "table: line 1: column 14: not valid JSON: a text holds a NUL byte"},
        {"{\"a\":1,\"a\":2}\n", "table: line 1: column 'a' stands there twice"},
        {"{\"a\":null,\"a\":2}\n", "table: line 1: column 'a' stands there twice"},
        {"{\"a\":123456789012345678901}\n",
         "table: line 1: column 6: not valid JSON: an integer beyond int64 (a text keeps it)"},
        {"{\"a\":\"\xff\"}\n", "table: line 1: column 8: not valid JSON: a text is not UTF-8"},
        {"{\"a\":1} {\n", "table: line 1: column 9: not valid JSON: something follows the value"},
    };
    check(readings, sizeof readings / sizeof *readings);
}

Test(table_reader, nested_objects_are_columns_where_that_is_asked_for)
{
    static const struct reading readings[] = {
        {"{\"f\":{\"url\":\"a\",\"s\":{\"t\":1}},\"g\":2}\n", "f.url|f.s.t|g\n1:t:a|i:1|i:2"},
        {"{\"f\":{}}\n", "\n1:"},
        {"{\"f\":[{}]}\n", "f\n1:~a list of objects"},
        {"{\"f.a\":1,\"f\":{\"a\":2}}\n", "table: line 1: column 'f.a' stands there twice"},
    };
    check_with(&(struct table_options){.nested = true}, readings, sizeof readings / sizeof *readings);
}

Test(table_reader, texts_of_a_multi_column_are_several_values)
{
    static const char *const multi[] = {"t"};
    static const struct reading readings[] = {
        {"t,u\nx;y,x;y\n;1;;2;,\n\"\",\n;,\n", "t|u\n2:x;y|x;y\n3:1;2|~\n4:[]|~\n5:[]|~"},
        {"{\"t\":\"x;y\"}\n{\"t\":[\"p;q\",5]}\n", "t\n1:t:x;t:y\n2:t:p;t:q;i:5"},
        {"{\"t\":[3,1,3],\"u\":[3,1,3]}\n{\"t\":[true],\"u\":[true]}\n{\"t\":[1,null]}\n",
         "t|u\n1:i:3;i:1;i:3|l:[3,1,3]\n2:b:true|~a list with true or false (--multi: several values)\n"
         "3:~null among several values|~"},
    };
    check_with(&(struct table_options){.multi = multi, .multi_count = 1}, readings,
               sizeof readings / sizeof *readings);
}

Test(table_reader, what_is_too_much_is_refused)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    buf_text_append(&text, "{\"a\":[");
    for (int i = 0; i <= TABLE_VALUES_MAX; i++)
        buf_printf(&text, "%s\"x\"", i ? "," : "");
    buf_text_append(&text, "]}\n");
    char *got = shown(buf_text(&text), text.len, NULL);
    cr_expect_str_eq(got, "table: line 1: column 'a': more than 10000 values");
    free(got);
    buf_clear(&text);
    for (int i = 0; i <= TABLE_COLUMNS_MAX; i++)
        buf_printf(&text, "%sc%d", i ? "," : "", i);
    got = shown(buf_text(&text), text.len, NULL);
    cr_expect_str_eq(got, "table: line 1: more than 10000 columns");
    free(got);
    buf_clear(&text);
    buf_text_append(&text, "a\n\"");
    while (text.len < TABLE_LINE_MAX + 10)
        buf_text_append(&text, "some text, and a line feed\n");
    got = shown(buf_text(&text), text.len, NULL);
    cr_expect_str_eq(got, "table: line 2: more than 16 MiB, or a quote is not closed");
    free(got);
    buf_done(&text);
    check_leaks();
}

static char *read_parquet(const char *path)
{
    CLEANUP_BUF struct buf bytes = BUF_INIT;
    struct error err = {0};
    cr_assert_eq(file_read(path, 1 << 20, &bytes, &err), 0, "%s", err.text);
    return shown(buf_text(&bytes), bytes.len, NULL);
}

Test(table_reader, parquet_gives_typed_values_and_lists)
{
    static const struct reading readings[] = {
        {"required",
         "n|t\n1:i:0|t:a\n2:i:1|t:b\n3:i:2|t:c\n4:i:3|t:d\n5:i:4|t:e\n6:i:5|t:f\n7:i:6|t:g\n8:i:7|"
         "t:h\n9:i:8|t:i"},
        {"times",
         "date|time-ms|time-us\n1:t:1970-01-01T00:00:00Z|i:0|i:0\n2:t:2024-10-04T00:00:00Z|i:86399999|i:"
         "86399999999\n3:t:1969-12-31T00:00:00Z|i:1|i:1\n4:~|~|~"},
        {"empty", "n|l"},
        {"list-no-nulls", "l\n1:l:[1,2]\n2:l:[]\n3:l:[3]"},
        {"list-names", "l\n1:l:[1,2]\n2:l:[]\n3:~\n4:l:[null,3]\n5:l:[4]"},
        {"dictionary-type", "c|n\n1:t:a|i:1\n2:t:b|i:2\n3:t:a|i:3\n4:~|i:4"},
        {"list-four-deep", "table: column 'l': it holds structs, maps, or lists more than three deep"},
        {"special",
         "d|f|i\n1:~|~|i:0\n2:f:inf|f:inf|i:-1\n3:f:-inf|f:-inf|i:9223372036854775807\n4:f:0|f:0|i:-"
         "9223372036854775808\n5:f:0|f:1.401298464324817e-45|i:1\n6:f:5e-324|f:3.4028234663852886e+38|"
         "i:2\n7:f:1.7976931348623157e+308|f:0.10000000149011612|i:3"},
    };
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        CLEANUP_FREE char *path =
            mem_printf("%s/tests/parquet/data/%s.parquet", getenv("ELIDEFS_SOURCE"), readings[i].text);
        CLEANUP_FREE char *got = read_parquet(path);
        cr_expect_str_eq(got, readings[i].expected, "%s\n  gave %s\n  not %s", path, got,
                         readings[i].expected);
    }
    check_leaks();
}

/* Rows come one at a time, in any pieces, and waiting for one ends when it is told to. */
Test(table_reader, a_pipe_gives_rows_as_they_come)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    CLEANUP_FREE char *path = mem_printf("/dev/fd/%d", ends[0]);
    cr_assert_eq(write(ends[1], "a,b\n1,2\n3", 9), 9);
    struct table_reader *reader = NULL;
    struct table_row row;
    struct error err = {0};
    cr_assert_eq(table_reader_open(NULL, path, NULL, &reader, &err), 0, "%s", err.text);
    cr_assert_eq(table_reader_next(reader, &row, &err), 1);
    cr_assert(row.place == 2 && row.count == 2 && row.cells[1].values[0].value.text[0] == '2');
    table_reader_deadline(reader, clock_now_ns() + 1000000);
    cr_assert_eq(table_reader_next(reader, &row, &err), -ETIMEDOUT);
    table_reader_deadline(reader, 0);
    cr_assert_eq(write(ends[1], "4,5", 3), 3);
    close(ends[1]);
    cr_assert_eq(table_reader_next(reader, &row, &err), 1);
    cr_assert(row.place == 3 && row.cells[0].values[0].value.len == 2);
    cr_assert_eq(table_reader_next(reader, &row, &err), 0);
    table_reader_free(reader);
    close(ends[0]);
    check_leaks();
}

Test(table_reader, a_batch_keeps_rows_until_types_are_known)
{
    static const char long_text[] = "which is long, so that all of them together are more than the window of "
                                    "rows that memory holds, and most lie in a file";
    CLEANUP_BUF struct buf text = BUF_INIT, scratch = BUF_INIT;
    buf_text_append(&text, "key,n,t\n");
    for (int i = 0; i < 200000; i++)
        buf_printf(&text, "k%d,%d,\"%s\"\n", i, i, long_text);
    struct table_reader *reader = NULL;
    CLEANUP_TABLE_BATCH struct table_batch *batch = table_batch_new();
    struct table_row row;
    struct table_kept_row kept;
    struct error err = {0};
    size_t column, rows = 0;
    table_batch_skip(batch, 0);
    int rc = table_reader_over(table_input_of_memory("t", text.data, text.len), NULL, &reader, &err);
    while (!rc && table_reader_next(reader, &row, &err) > 0)
        rc = table_batch_add(batch, &row, row.place * 10, &column, &err);
    cr_assert_eq(rc, 0, "%s", err.text);
    cr_assert(table_batch_rows(batch) == 200000 && table_batch_bytes(batch) < 8500000);
    cr_assert(table_batch_next(batch, &kept) && kept.place == 2);
    table_batch_rewind(batch);
    for (; table_batch_next(batch, &kept); rows++) {
        struct value value;
        cr_assert(kept.place == rows + 2 && kept.tag == kept.place * 10);
        cr_assert(kept.count == 2 && kept.cells[0].column == 1);
        rc = table_type_value(table_batch_type(batch, 1), kept.cells[0].values, &scratch, &value, NULL);
        cr_assert(!rc && value.type == VALUE_INT && value.integer == (int64_t)rows);
    }
    cr_assert_eq(rows, 200000);
    table_reader_free(reader);
}
