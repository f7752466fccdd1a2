// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "index/value.h"
#include "tests/test_leaks.h"

struct text_case {
    enum value_type type;
    const char *text, *printed, *json; /* printed NULL: refused */
};

static const struct text_case cases[] = {
    {VALUE_BOOL, "true", "true", "true"},
    {VALUE_BOOL, "True", "true", "true"},
    {VALUE_BOOL, "FALSE", "false", "false"},
    {VALUE_BOOL, "false", "false", "false"},
    {VALUE_BOOL, "tRUE", NULL, NULL},
    {VALUE_BOOL, "1", NULL, NULL},
    {VALUE_INT, "007", "7", "7"},
    {VALUE_INT, "-9223372036854775808", "-9223372036854775808", "-9223372036854775808"},
    {VALUE_INT, "9223372036854775808", NULL, NULL},
    {VALUE_INT, "", NULL, NULL},
    {VALUE_INT, "-", NULL, NULL},
    {VALUE_INT, "3.0", NULL, NULL},
    {VALUE_FLOAT, "3.0", "3", "3"},
    {VALUE_FLOAT, "-0", "0", "0"},
    {VALUE_FLOAT, ".5", "0.5", "0.5"},
    {VALUE_FLOAT, "1e300", "1e+300", "1e+300"},
    {VALUE_FLOAT, "0.1", "0.1", "0.1"},
    {VALUE_FLOAT, "inf", "inf", "null"},
    {VALUE_FLOAT, "-inf", "-inf", "null"},
    {VALUE_FLOAT, "Infinity", "inf", "null"},
    {VALUE_FLOAT, "-INF", "-inf", "null"},
    {VALUE_FLOAT, "1e999", NULL, NULL},
    {VALUE_FLOAT, "nan", NULL, NULL},
    {VALUE_FLOAT, "0x10", NULL, NULL},
    {VALUE_FLOAT, " 1", NULL, NULL},
    {VALUE_FLOAT, "1e", NULL, NULL},
    {VALUE_FLOAT, ".", NULL, NULL},
    {VALUE_TEXT, "", "", "\"\""},
    {VALUE_TEXT, "a \"b\"\n", "a \"b\"\n", "\"a \\\"b\\\"\\n\""},
    {VALUE_TEXT, "\xc3\xa9", "\xc3\xa9", "\"\xc3\xa9\""},
    {VALUE_TEXT, "\xff", NULL, NULL},
    {VALUE_TIME, "2026-03-01", "2026-03-01T00:00:00Z", "\"2026-03-01T00:00:00Z\""},
    {VALUE_TIME, "2026-03-01T12:00:05.25+01:00", "2026-03-01T11:00:05.25Z", "\"2026-03-01T11:00:05.25Z\""},
    {VALUE_TIME, "yesterday", NULL, NULL},
    {VALUE_DURATION, "2500ms", "2.5", "2.5"},
    {VALUE_DURATION, "2.5", "2.5", "2.5"},
    {VALUE_DURATION, "1.5min", "90", "90"},
    {VALUE_DURATION, "fast", NULL, NULL},
};

Test(value, texts_parse_to_one_canonical_form_or_are_refused)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct text_case *c = &cases[i];
        struct value value, again;
        struct error err = {0};
        int rc = value_parse(c->type, c->text, strlen(c->text), &value, &err);
        if (!c->printed) {
            cr_assert_eq(rc, -EINVAL, "'%s' as %s", c->text, value_type_name(c->type));
            cr_assert(strstr(err.text, "is not") || strstr(err.text, "out of range"), "%s", err.text);
            continue;
        }
        cr_assert_eq(rc, 0, "'%s': %s", c->text, err.text);
        cr_assert_eq(value_check(&value, &err), 0);
        struct buf printed = BUF_INIT, json = BUF_INIT;
        value_print(&printed, &value);
        value_print_json(&json, &value);
        cr_assert_str_eq(buf_text(&printed), c->printed);
        cr_assert_str_eq(buf_text(&json), c->json);
        cr_assert_eq(value_parse(c->type, buf_text(&printed), printed.len, &again, &err), 0, "%s", err.text);
        cr_assert_eq(value_compare(&value, &again), 0, "'%s'", c->text);
        buf_done(&printed), buf_done(&json);
    }
    check_leaks();
}

Test(value, order_is_by_number_and_by_bytes)
{
    struct value a = {.type = VALUE_TEXT, .text = "ab", .len = 2},
                 b = {.type = VALUE_TEXT, .text = "ab0", .len = 3};
    cr_assert_lt(value_compare(&a, &b), 0);
    struct value e = {.type = VALUE_TEXT, .text = "\xc3\xa9", .len = 2},
                 z = {.type = VALUE_TEXT, .text = "z", .len = 1};
    cr_assert_gt(value_compare(&e, &z), 0);
    struct value low = {.type = VALUE_INT, .integer = INT64_MIN},
                 high = {.type = VALUE_INT, .integer = INT64_MAX};
    cr_assert_lt(value_compare(&low, &high), 0);
    struct value no = {.type = VALUE_BOOL, .boolean = false}, yes = {.type = VALUE_BOOL, .boolean = true};
    cr_assert_lt(value_compare(&no, &yes), 0);
    struct value minus = {.type = VALUE_FLOAT, .real = -INFINITY}, zero = {.type = VALUE_FLOAT, .real = 0};
    cr_assert_lt(value_compare(&minus, &zero), 0);
}

Test(value, what_is_no_value_is_refused)
{
    struct error err;
    struct value nan_value = {.type = VALUE_FLOAT, .real = NAN},
                 minus_zero = {.type = VALUE_FLOAT, .real = -0.0};
    struct value nul = {.type = VALUE_TEXT, .text = "a\0b", .len = 3}, none = {.type = 0};
    cr_assert_eq(value_check(&nan_value, &err), -EINVAL);
    cr_assert_eq(value_check(&minus_zero, &err), -EINVAL);
    cr_assert_eq(value_check(&nul, &err), -EINVAL);
    cr_assert_eq(value_check(&none, &err), -EINVAL);
}

Test(value, type_names_parse_back)
{
    for (int type = VALUE_BOOL; type <= VALUE_DURATION; type++) {
        enum value_type again;
        cr_assert_eq(value_type_parse(value_type_name((enum value_type)type), &again), 0);
        cr_assert_eq((int)again, type);
    }
    enum value_type type;
    cr_assert_eq(value_type_parse("string", &type), -EINVAL);
}
