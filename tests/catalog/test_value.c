// SPDX-License-Identifier: Apache-2.0
/* A table of texts: what each parses to, how it is printed, or that it is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "index/base/value_list.h"
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

Test(value, lists_keep_their_order_their_repeats_and_each_number)
{
    static const struct {
        const char *text, *printed, *json; /* NULL: refused */
    } lists[] = {
        {"[0.5,-1.5,0.5,2.0]", "[0.5,-1.5,0.5,2]", "[0.5,-1.5,0.5,2]"},
        {" [ 40, 10 ,40,\t30 ]\n", "[40,10,40,30]", "[40,10,40,30]"},
        {"[]", "[]", "[]"},
        {"[ ]", "[]", "[]"},
        {"[9007199254740993,-9223372036854775808]", "[9007199254740993,-9223372036854775808]",
         "[9007199254740993,-9223372036854775808]"},
        {"[9223372036854775808,1e300]", "[9.223372036854776e+18,1e+300]", "[9.223372036854776e+18,1e+300]"},
        {"[0.1,0.30000000000000004,-0.0,1e16,1e17]", "[0.1,0.30000000000000004,0,10000000000000000,1e+17]",
         "[0.1,0.30000000000000004,0,10000000000000000,1e+17]"},
        {"[null,NaN,nan,inf,-inf]", "[null,null,null,inf,-inf]", "[null,null,null,null,null]"},
        {"3", NULL, NULL},
        {"", NULL, NULL},
        {"[", NULL, NULL},
        {"[1", NULL, NULL},
        {"[1,]", NULL, NULL},
        {"[,1]", NULL, NULL},
        {"[1 2]", NULL, NULL},
        {"[[1],[2]]", NULL, NULL},
        {"[true]", NULL, NULL},
        {"[\"a\"]", NULL, NULL},
    };
    struct buf room = BUF_INIT, again_room = BUF_INIT;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct value list, again;
        struct error err = {0};
        struct buf printed = BUF_INIT, json = BUF_INIT;
        int rc = value_parse_in(&room, VALUE_LIST, lists[i].text, strlen(lists[i].text), &list, &err);
        cr_assert_eq(rc, lists[i].printed ? 0 : -EINVAL, "'%s'", lists[i].text);
        if (rc) {
            cr_assert(strstr(err.text, "is not a list of numbers"), "%s", err.text);
            continue;
        }
        cr_assert_eq(value_check(&list, &err), 0, "%s", err.text);
        value_print(&printed, &list);
        value_print_json(&json, &list);
        cr_assert_str_eq(buf_text(&printed), lists[i].printed);
        cr_assert_str_eq(buf_text(&json), lists[i].json);
        cr_assert_eq(value_list_parse(buf_text(&printed), printed.len, &again_room, &again), 0);
        cr_assert_eq(value_compare(&list, &again), 0, "'%s'", lists[i].text);
        buf_done(&printed), buf_done(&json);
    }
    buf_done(&room), buf_done(&again_room);
    check_leaks();
}

Test(value, numbers_that_are_printed_alike_are_the_same_in_a_list)
{
    struct buf integers = BUF_INIT, reals = BUF_INIT;
    for (int64_t i = -3; i < 4; i++) {
        value_list_add_integer(&integers, i * INT64_C(11111111111111111));
        value_list_add_real(&reals, (double)(i * INT64_C(11111111111111111)));
        value_list_add_integer(&integers, i);
        value_list_add_real(&reals, (double)i);
    }
    struct value a = value_list_of(&integers), b = value_list_of(&reals);
    struct buf shown = BUF_INIT, shown_b = BUF_INIT;
    value_print(&shown, &a), value_print(&shown_b, &b);
    cr_assert_eq(!strcmp(buf_text(&shown), buf_text(&shown_b)), !value_compare(&a, &b));
    buf_clear(&integers), buf_clear(&reals);
    value_list_add_integer(&integers, 2), value_list_add_real(&reals, 2.0);
    a = value_list_of(&integers), b = value_list_of(&reals);
    cr_assert_eq(value_compare(&a, &b), 0);
    buf_done(&integers), buf_done(&reals), buf_done(&shown), buf_done(&shown_b);
    check_leaks();
}

Test(value, bytes_that_are_no_list_are_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {{"\3", 1},
               {"\1", 1},
               {"\1\200", 2},
               {"\2\0\0\0\0\0\0\0", 8},
               {"\2\0\0\0\0\0\0\0\0", 9},     /* 0 is an integer */
               {"\2\0\0\0\0\0\0\0\200", 9},   /* and there is no -0 */
               {"\2\0\0\0\0\0\0\370\177", 9}, /* NaN is null */
               {"\2\0\0\0\0\0\0\360\77", 9}}; /* 1 */
    struct error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct value list = {.type = VALUE_LIST, .text = bad[i].bytes, .len = bad[i].len};
        cr_assert_eq(value_check(&list, &err), -EINVAL, "%zu", i);
    }
    struct buf many = BUF_INIT;
    for (size_t i = 0; i < VALUE_LIST_MAX; i++)
        value_list_add_null(&many);
    struct value list = value_list_of(&many);
    cr_assert_eq(value_check(&list, &err), 0);
    value_list_add_null(&many);
    list = value_list_of(&many);
    cr_assert_eq(value_check(&list, &err), -EINVAL);
    cr_assert_str_eq(err.text, "a list of 65537 numbers, more than 65536");
    buf_done(&many);
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

Test(value, values_of_different_types_are_compared_by_type_alone)
{
    const struct value text = {.type = VALUE_TEXT, .text = "7", .len = 1},
                       number = {.type = VALUE_INT, .integer = 7}, real = {.type = VALUE_FLOAT, .real = 7},
                       moment = {.type = VALUE_TIME, .integer = 7};
    cr_assert_gt(value_compare(&text, &number), 0);
    cr_assert_lt(value_compare(&number, &text), 0);
    cr_assert_lt(value_compare(&number, &real), 0);
    cr_assert_lt(value_compare(&number, &moment), 0);
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
    for (int type = VALUE_BOOL; type <= VALUE_LIST; type++) {
        enum value_type again;
        cr_assert_eq(value_type_parse(value_type_name((enum value_type)type), &again), 0);
        cr_assert_eq((int)again, type);
    }
    enum value_type type;
    cr_assert_eq(value_type_parse("string", &type), -EINVAL);
}
