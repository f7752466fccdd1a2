// SPDX-License-Identifier: Apache-2.0
/* JSON, UTF-8 and %XX escapes. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/escape.h"
#include "cache/base/json.h"
#include "cache/base/utf8.h"
#include "tests/test_leaks.h"

Test(text, a_json_error_names_source_line_and_column)
{
    struct json *json = NULL;
    struct error err = {0};
    const char *bad = "{\"a\": 1,\n \"a\": 2}";
    cr_assert_lt(json_parse("info.json", bad, strlen(bad), &json, &err), 0);
    cr_assert(strstr(err.text, "info.json: line 2, column") && strstr(err.text, "duplicate"), "%s", err.text);
    check_leaks();
}

Test(text, json_members_come_in_the_order_of_the_text)
{
    struct json *json = NULL;
    const char *text = "{\"z\":1,\"a\":\"x\",\"m\":[true,null,1.5]}";
    cr_assert_eq(json_parse("t", text, strlen(text), &json, NULL), 0);
    void *iter = NULL;
    const char *key;
    const struct json *value;
    char order[8] = "";
    while (json_next(json, &iter, &key, &value))
        strcat(order, key);
    cr_assert_str_eq(order, "zam");
    cr_assert_eq(json_as_integer(json_get(json, "z")), 1);
    cr_assert_str_eq(json_get_text(json, "a"), "x");
    cr_assert_null(json_get_text(json, "z"));
    cr_assert_eq(json_count(json_get(json, "m")), 3);
    cr_assert_eq(json_as_number(json_at(json_get(json, "m"), 2)), 1.5);
    json_free(json);
    check_leaks();
}

Test(text, reals_are_written_as_the_shortest_text_that_reads_back)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {1.0 / 3, "0.3333333333333333"},
                 {1e300, "1e+300"},
                 {-0.0, "0"},
                 {100, "100"},
                 {0.57, "0.57"},
                 {1e-7, "1e-07"},
                 {123456.789, "123456.789"},
                 {-2.5e16, "-25000000000000000"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = BUF_INIT;
        json_write_real(&b, cases[i].value);
        cr_assert_str_eq(buf_text(&b), cases[i].text);
        buf_done(&b);
    }
    check_leaks();
}

/* Digit by digit, until it reads back. */
static void print_slowly(double value, char *text, size_t size)
{
    int digits = -1;
    do
        snprintf(text, size, "%.*e", ++digits, value);
    while (strtod(text, NULL) != value);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= -5 && exponent < 17)
        snprintf(text, size, "%.*f", digits > exponent ? digits - exponent : 0, value);
}

static double real_of(uint64_t bits, int kind)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    if (kind == 1)
        return (double)(int64_t)bits / 1e6 / 1e9; /* some decimals */
    if (kind == 2)
        return (double)(bits >> 40);
    return kind == 3 ? (double)(float)((double)(bits >> 40) / 7) : value;
}

Test(text, reals_are_written_as_by_trying_digit_by_digit)
{
    uint64_t bits = 0x9e3779b97f4a7c15;
    for (int i = 0; i < 20000; i++) {
        bits = bits * 6364136223846793005 + 1442695040888963407;
        double value = real_of(i % 5 == 4 ? bits >> 13 : bits, i % 4); /* i % 5 == 4: also subnormal ones */
        if (!isfinite(value))
            continue;
        char slow[400];
        struct buf b = BUF_INIT;
        print_slowly(value, slow, sizeof slow);
        json_write_real(&b, value);
        cr_assert_str_eq(buf_text(&b), slow);
        buf_done(&b);
    }
    check_leaks();
}

Test(text, written_json_text_escapes_only_what_it_must)
{
    struct buf b = BUF_INIT;
    json_write_text(&b, "a\"\\\n\x01/\xc3\xa9\xff", 9);
    cr_assert_str_eq(buf_text(&b), "\"a\\\"\\\\\\n\\u0001/\xc3\xa9\xef\xbf\xbd\"");
    buf_done(&b);
    check_leaks();
}

Test(text, a_byte_is_escaped_wherever_it_stands_in_a_text)
{
    enum { LONGEST = 19 };
    struct buf text = BUF_INIT, alone = BUF_INIT, expected = BUF_INIT;
    for (size_t i = 0; i < 256 * (LONGEST + 1) * LONGEST; i++) {
        size_t at = i / 256 % LONGEST, len = i / 256 / LONGEST;
        char from[LONGEST], one = (char)i;
        if (at >= len)
            continue;
        memset(from, 'a', len);
        from[at] = one;
        buf_clear(&text), buf_clear(&alone), buf_clear(&expected);
        json_write_text(&text, from, len);
        json_write_text(&alone, &one, 1);
        buf_append(&expected, "\"aaaaaaaaaaaaaaaaaaa", at + 1);
        buf_append(&expected, buf_text(&alone) + 1, alone.len - 2);
        buf_append(&expected, &"aaaaaaaaaaaaaaaaaaa\""[LONGEST - (len - at - 1)], len - at);
        cr_assert_str_eq(buf_text(&text), buf_text(&expected));
    }
    buf_done(&text), buf_done(&alone), buf_done(&expected);
    check_leaks();
}

Test(text, utf8_refuses_overlong_forms_and_surrogates)
{
    cr_assert(utf8_valid("a\xc3\xa9\xf0\x9f\x98\x80", 7));
    cr_assert(!utf8_valid("\xc0\xaf", 2));
    cr_assert(!utf8_valid("\xed\xa0\x80", 3));
    cr_assert(!utf8_valid("\xf4\x90\x80\x80", 4));
    cr_assert(!utf8_valid("\xe2\x82", 2));
}

Test(text, a_word_for_a_shell_is_quoted_only_where_it_must)
{
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"s3://lab-data/kitchen", "s3://lab-data/kitchen"},
        {"/data/my set", "'/data/my set'"},
        {"it's", "'it'\\''s'"},
        {"$(x);`y`", "'$(x);`y`'"},
        {"-m", "'-m'"},
        {"~", "'~'"},
        {"", "''"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_BUF struct buf word = BUF_INIT;
        escape_shell(&word, cases[i].text);
        cr_assert_str_eq(buf_text(&word), cases[i].word);
    }
}

Test(text, escapes_print_only_what_needs_it_and_decode_to_the_same)
{
    struct buf printed = BUF_INIT, back = BUF_INIT;
    const char text[] = "a b/\xc3\xa9%\xff=";
    escape_append(&printed, text, sizeof text - 1, NULL, 1);
    cr_assert_str_eq(buf_text(&printed), "a%20b%2F\xc3\xa9%25%FF%3D");
    cr_assert_eq(escape_decode(&back, buf_text(&printed), printed.len, NULL), 0);
    cr_assert_str_eq(buf_text(&back), text);
    struct error err = {0};
    cr_assert_lt(escape_decode(&back, "ab%4", 4, &err), 0);
    cr_assert(strstr(err.text, "byte 2"), "%s", err.text);
    buf_done(&printed), buf_done(&back);
    check_leaks();
}
