// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cache/base/buf.h"
#include "tests/test_leaks.h"
#include "tools/import/csv.h"

/* Fields as text: '|' between them, a line each, '~' for a missing one. */
static char *shown(const char *text, size_t len)
{
    struct error err = {0};
    CLEANUP_CSV struct csv *csv = NULL;
    CLEANUP_BUF struct buf out = BUF_INIT;
    if (csv_parse("t.csv", text, len, &csv, &err))
        return mem_text(err.text);
    for (size_t i = 0; i < csv->columns; i++)
        buf_printf(&out, "%s%s", i ? "|" : "", csv->header[i].text);
    for (size_t row = 0; row < csv->rows; row++) {
        buf_printf(&out, "\n%u:", csv->lines[row]);
        for (size_t i = 0; i < csv->columns; i++) {
            struct csv_field field = csv_at(csv, row, i);
            cr_assert_eq(strlen(field.text), field.len);
            buf_printf(&out, "%s%s", i ? "|" : "", field.missing ? "~" : field.text);
        }
    }
    return (char *)buf_steal(&out);
}

struct reading {
    const char *text, *expected;
};

static void check(const struct reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *got = shown(readings[i].text, strlen(readings[i].text));
        cr_expect_str_eq(got, readings[i].expected, "%s\n  gave %s\n  not %s", readings[i].text, got,
                         readings[i].expected);
        free(got);
    }
    check_leaks();
}

Test(csv, fields_are_read_as_rfc_4180_says)
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

Test(csv, an_empty_field_is_missing_and_an_empty_quoted_one_is_the_empty_text)
{
    static const struct reading readings[] = {
        {"a,b\n,\"\"\n", "a|b\n2:~|"},
        {"a,b\n,", "a|b\n2:~|~"},
        {"a\n\n", "a\n2:~"},
        {"a,b\n\"\",", "a|b\n2:|~"},
    };
    check(readings, sizeof readings / sizeof *readings);
}

Test(csv, what_is_broken_is_refused_with_file_line_and_reason)
{
    static const struct reading readings[] = {
        {"", "t.csv: the file is empty"},
        {"\xef\xbb\xbf", "t.csv: the file is empty"},
        {"a,b\n1\n", "t.csv: line 2: 1 field, but the header has 2"},
        {"a,b\n1,2\n\n", "t.csv: line 3: 1 field, but the header has 2"},
        {"a,b\n1,2,3\n", "t.csv: line 2: 3 fields, but the header has 2"},
        {"a,b\n\"1\n2\",3,4\n", "t.csv: line 2: 3 fields, but the header has 2"},
        {"a,b\n1,\"2\n3\n", "t.csv: line 2: a quote is not closed"},
        {"a,b\n1,\"2\"x\n", "t.csv: line 2: there is text behind a closing quote"},
        {"a,b\n1,2\"x\n", "t.csv: line 2: a quote stands inside a field that is not quoted"},
        {"a,b\n1,2\rx\n", "t.csv: line 2: a carriage return stands alone"},
        {"a,b\n1,\xff\n", "t.csv: line 2: the text is not UTF-8"},
        {"a,b\n\"x\n\xc0\x80\",1\n", "t.csv: line 3: the text is not UTF-8"},
        {"a,b,a\n", "t.csv: line 1: the column 'a' stands there twice"},
        {"a,\n", "t.csv: line 1: column 2 has no name"},
        {"\n1\n", "t.csv: line 1: column 1 has no name"},
    };
    check(readings, sizeof readings / sizeof *readings);
}

Test(csv, a_nul_byte_is_refused)
{
    char *got = shown("a,b\n1,2\0x\n", 10);
    cr_expect_str_eq(got, "t.csv: line 2: a field holds a NUL byte");
    free(got);
    check_leaks();
}

Test(csv, a_table_that_ends_anywhere_is_read_or_refused)
{
    static const char text[] = "a,\"b\"\r\n\"x \"\"y\"\"\nz\",\r\n1,\"\"";
    for (size_t len = 0; len < sizeof text; len++)
        free(shown(text, len));
    check_leaks();
}
