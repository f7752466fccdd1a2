// SPDX-License-Identifier: Apache-2.0
/* Cells, and the type that their column gets; forced types and known ones. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/test_leaks.h"
#include "tools/import/table_type.h"

enum { CELLS_MAX = 4 };

struct inference {
    enum value_type type;
    const char *cells[CELLS_MAX];
};

static struct table_value written(const char *text)
{
    return (struct table_value){.value = {.type = VALUE_TEXT, .text = text, .len = strlen(text)},
                                .written = true};
}

static void check(const struct inference *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t cells = 0;
        struct table_type type = {0};
        for (; cells < CELLS_MAX && cases[i].cells[cells]; cells++) {
            struct table_value cell = written(cases[i].cells[cells]);
            cr_assert_eq(table_type_see(&type, &cell, 7, NULL), 0);
        }
        enum value_type got = table_type_of(&type);
        cr_expect_eq(got, cases[i].type, "%s, %s ...: %s, not %s", cells ? cases[i].cells[0] : "nothing",
                     cells > 1 ? cases[i].cells[1] : "", value_type_name(got),
                     value_type_name(cases[i].type));
    }
    check_leaks();
}
#define CHECK(...)                                                                                           \
    do {                                                                                                     \
        static const struct inference cases[] = {__VA_ARGS__};                                               \
        check(cases, sizeof cases / sizeof *cases);                                                          \
    } while (0)

Test(table_type, booleans_are_spelled_as_json_python_and_spreadsheets_do)
{
    CHECK({VALUE_BOOL, {"true"}}, {VALUE_BOOL, {"true", "false"}}, {VALUE_BOOL, {"True", "False"}},
          {VALUE_BOOL, {"TRUE", "FALSE", "true"}}, {VALUE_TEXT, {"tRUE"}}, {VALUE_TEXT, {"True", "N"}},
          {VALUE_TEXT, {"yes"}}, {VALUE_INT, {"0", "1"}}, {VALUE_TEXT, {"true", "1"}},
          {VALUE_TEXT, {"true "}});
}

Test(table_type, integers_have_no_leading_zeros_and_64_bits)
{
    CHECK({VALUE_INT, {"0"}}, {VALUE_INT, {"-12", "7"}}, {VALUE_TEXT, {"007"}}, {VALUE_TEXT, {"1", "007"}},
          {VALUE_TEXT, {"-01"}}, {VALUE_INT, {"9007199254740993", "1700000000123456789"}},
          {VALUE_INT, {"9223372036854775807", "-9223372036854775808"}}, {VALUE_TEXT, {"9223372036854775808"}},
          {VALUE_TEXT, {"1", "18446744073709551615"}}, {VALUE_TEXT, {"123456789012345678901234567890"}},
          {VALUE_TEXT, {"+1"}}, {VALUE_TEXT, {" 1"}}, {VALUE_TEXT, {"1 "}}, {VALUE_TEXT, {"0x10"}},
          {VALUE_TEXT, {"-"}}, {VALUE_TEXT, {"1,5"}});
}

Test(table_type, floats_are_decimal_or_infinite_and_integers_among_them_are_exact)
{
    CHECK({VALUE_FLOAT, {"1.5"}}, {VALUE_FLOAT, {"1", "2.5"}}, {VALUE_FLOAT, {"-0.0"}},
          {VALUE_FLOAT, {"1e-3"}}, {VALUE_FLOAT, {"0.5", "1E5"}}, {VALUE_TEXT, {"00.5"}},
          {VALUE_TEXT, {"1e999"}}, {VALUE_FLOAT, {"1", "inf"}}, {VALUE_FLOAT, {"1.5", "-inf", "Infinity"}},
          {VALUE_TEXT, {"inf", "Anna"}}, {VALUE_TEXT, {"1", "infinite"}}, {VALUE_TEXT, {".5"}},
          {VALUE_TEXT, {"0x1p3"}}, {VALUE_FLOAT, {"1.5", "9007199254740992"}},
          {VALUE_TEXT, {"1.5", "9007199254740993"}}, {VALUE_TEXT, {"inf", "-9007199254740993"}},
          {VALUE_TEXT, {"1.2.3"}}, {VALUE_TEXT, {"1e"}});
}

Test(table_type, timestamps_are_rfc_3339)
{
    CHECK({VALUE_TIME, {"2026-03-01"}},
          {VALUE_TIME, {"2026-03-01T12:00:05.25Z", "2026-03-01 12:00:05+01:00"}},
          {VALUE_TEXT, {"2026-13-01"}}, {VALUE_TEXT, {"01.03.2026"}}, {VALUE_TEXT, {"2026-03-01", "today"}},
          {VALUE_INT, {"20260301"}}, {VALUE_TEXT, {"2026-03-01", "5"}});
}

Test(table_type, durations_are_a_number_and_a_unit)
{
    CHECK({VALUE_DURATION, {"2.5s"}}, {VALUE_DURATION, {"250ms", "3min", "1h"}}, {VALUE_TEXT, {"007s"}},
          {VALUE_TEXT, {"5 parsecs"}}, {VALUE_TEXT, {"s"}}, {VALUE_TEXT, {"2.5s", "1"}},
          {VALUE_TEXT, {"12:30"}});
}

Test(table_type, one_value_that_does_not_fit_makes_text)
{
    CHECK({VALUE_TEXT, {"1", "2", "n/a"}}, {VALUE_TEXT, {"true", "false", "?"}}, {VALUE_TEXT, {""}},
          {VALUE_TEXT, {"1", ""}}, {VALUE_TEXT, {"1.5", "2s"}}, {VALUE_TEXT, {NULL}});
}

static struct table_value integer(int64_t number)
{
    return (struct table_value){.value = {.type = VALUE_INT, .integer = number}};
}

static struct table_value real(double number)
{
    return (struct table_value){.value = {.type = VALUE_FLOAT, .real = number}};
}

static struct table_value text(const char *text)
{
    struct table_value value = written(text);
    value.written = false;
    return value;
}

Test(table_type, values_that_have_a_type_keep_it_and_integers_among_floats_are_floats)
{
    struct table_type type = {0};
    struct table_value values[] = {integer(3), real(2.5), integer(4)};
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(table_type_see(&type, &values[i], 7, NULL), 0);
    cr_assert_eq(table_type_of(&type), VALUE_FLOAT);
    CLEANUP_BUF struct buf scratch = BUF_INIT;
    struct value got;
    cr_assert_eq(table_type_value(&type, &values[2], &scratch, &got, NULL), 0);
    cr_assert(got.type == VALUE_FLOAT && got.real == 4.0);
    struct error err = {0};
    struct table_value word = text("5");
    cr_assert_eq(table_type_see(&type, &word, 7, &err), -EINVAL);
    cr_assert(strstr(err.text, "'5' is text here, but before it the column is float"), "%s", err.text);
    struct table_value large = integer((INT64_C(1) << 53) + 1);
    cr_assert_eq(table_type_value(&type, &large, &scratch, &got, &err), -EINVAL);
    cr_assert(strstr(err.text, "9007199254740993"), "%s", err.text);
}

Test(table_type, a_forced_type_takes_what_it_can_parse)
{
    CLEANUP_BUF struct buf scratch = BUF_INIT;
    struct value got;
    struct error err = {0};
    struct table_type texts = {.forced = VALUE_TEXT}, times = {.forced = VALUE_DURATION};
    struct table_value five = integer(5), half = real(2.5), word = text("n/a"), code = written("007");
    cr_assert_eq(table_type_see(&texts, &five, 7, NULL) + table_type_see(&texts, &word, 7, NULL), 0);
    cr_assert_eq(table_type_value(&texts, &five, &scratch, &got, NULL), 0);
    cr_assert(got.type == VALUE_TEXT && got.len == 1 && *got.text == '5');
    cr_assert_eq(table_type_value(&texts, &code, &scratch, &got, NULL), 0);
    cr_assert(got.len == 3 && !memcmp(got.text, "007", 3));
    cr_assert_eq(table_type_value(&times, &half, &scratch, &got, NULL), 0);
    cr_assert(got.type == VALUE_DURATION && got.integer == INT64_C(2500000000));
    cr_assert_eq(table_type_value(&times, &word, &scratch, &got, &err), -EINVAL);
    cr_assert(strstr(err.text, "'n/a' is not a duration"), "%s", err.text);
    enum value_type type;
    cr_assert(!table_type_parse("int", &type, NULL) && type == VALUE_INT);
    cr_assert(!table_type_parse("timestamp", &type, NULL) && type == VALUE_TIME);
    cr_assert_eq(table_type_parse("string", &type, &err), -EINVAL);
    cr_assert(strstr(err.text, "'string' is no type: boolean,"), "%s", err.text);
}

Test(table_type, nan_is_no_value_but_among_texts)
{
    CHECK({VALUE_FLOAT, {"nan", "1.5"}}, {VALUE_INT, {"1", "NaN", "2"}}, {VALUE_TEXT, {"nan", "Anna"}},
          {VALUE_BOOL, {"True", "nan"}}, {VALUE_DURATION, {"2.5s", "nan"}}, {VALUE_TEXT, {"nano", "1"}});
    struct table_type numbers = {0}, texts = {0}, all_nan = {0}, forced = {.forced = VALUE_FLOAT};
    struct table_value nan = written("-NaN"), five = written("5"), word = written("Nan");
    struct value got;
    cr_assert_eq(table_type_see(&numbers, &nan, 2, NULL) + table_type_see(&numbers, &five, 3, NULL) +
                     table_type_see(&numbers, &word, 4, NULL),
                 0);
    cr_assert(numbers.nan.count == 2 && numbers.nan.place == 2 && !strcmp(numbers.nan.text, "-NaN"));
    cr_assert_eq(table_type_value(&numbers, &nan, NULL, &got, NULL), 1);
    cr_assert_eq(table_type_value(&numbers, &five, NULL, &got, NULL), 0);
    cr_assert_eq(table_type_see(&forced, &nan, 2, NULL), 0);
    cr_assert(!forced.seen && table_type_value(&forced, &nan, NULL, &got, NULL) == 1);
    cr_assert_eq(table_type_see(&all_nan, &nan, 2, NULL), 0);
    cr_assert(!all_nan.seen && table_type_value(&all_nan, &nan, NULL, &got, NULL) == 1);
    struct table_value name = written("Anna");
    cr_assert_eq(table_type_see(&texts, &word, 2, NULL) + table_type_see(&texts, &name, 3, NULL), 0);
    cr_assert_eq(table_type_value(&texts, &word, NULL, &got, NULL), 0);
    check_leaks();
}

Test(table_type, what_made_numbers_a_text_is_remembered_unless_it_was_text_all_along)
{
    static const struct {
        const char *cells[CELLS_MAX];
        bool missed;
    } cases[] = {{{"1", "n/a", "NULL", "none"}, true},
                 {{"1", "2", "3b"}, true},
                 {{"many", "1", NULL}, true},
                 {{"a", "b", "1"}, false},
                 {{"1", "2"}, false},
                 {{"a", "b"}, false},
                 {{"2026-01-01", "today"}, false},
                 {{"007", "7"}, true},
                 {{"0,5", "-1,25", "", NULL}, true},
                 {{"18446744073709551615", "n/a", "-"}, true},
                 {{",5", "5,", "1,x"}, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct table_type type = {0};
        for (size_t k = 0; k < CELLS_MAX && cases[i].cells[k]; k++) {
            struct table_value cell = written(cases[i].cells[k]);
            cr_assert_eq(table_type_see(&type, &cell, k + 2, NULL), 0);
        }
        cr_expect_eq(table_type_missed(&type), cases[i].missed, "case %zu", i);
        if (!i)
            cr_expect(type.odd.count == 3 && type.odd.place == 3 && !strcmp(type.odd.text, "n/a"));
    }
    check_leaks();
}

Test(table_type, integers_that_no_number_holds_exactly_are_remembered)
{
    static const struct {
        const char *cells[CELLS_MAX];
        uint64_t place; /* of the first; 0: none is */
    } cases[] = {{{"1", "18446744073709551615", "5"}, 3},
                 {{"9007199254740993", "0.5"}, 2},
                 {{"1", "9007199254740993"}, 0},
                 {{"-", "?"}, 0},
                 {{"9007199254740993", "n/a"}, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct table_type type = {0};
        for (size_t k = 0; k < CELLS_MAX && cases[i].cells[k]; k++) {
            struct table_value cell = written(cases[i].cells[k]);
            cr_assert_eq(table_type_see(&type, &cell, k + 2, NULL), 0);
        }
        cr_expect_eq(table_type_too_big(&type), cases[i].place != 0, "case %zu", i);
        cr_expect(!cases[i].place || type.big.place == cases[i].place, "case %zu", i);
    }
    check_leaks();
}

/* What the data set's attribute is, what a table's column says, and what the first value becomes. */
struct known_case {
    enum value_type known;
    struct table_value cells[2];
    enum value_type becomes; /* 0: it is refused, */
    const char *says;        /* with this */
};

Test(table_type, the_type_in_the_data_set_comes_first_and_loses_nothing)
{
    const struct known_case cases[] = {
        {VALUE_TEXT, {written("7"), written("8")}, VALUE_TEXT, "7"},
        {VALUE_TEXT, {written("nan"), written("8")}, VALUE_TEXT, "nan"},
        {VALUE_FLOAT, {written("7"), written("8")}, VALUE_FLOAT, "7"},
        {VALUE_FLOAT, {integer(7), integer(8)}, VALUE_FLOAT, "7"},
        {VALUE_FLOAT, {written(".5"), written("8")}, VALUE_FLOAT, "0.5"},
        {VALUE_INT, {written("7"), written("2.5")}, VALUE_FLOAT, "7"},
        {VALUE_INT, {written("7"), written("many")}, VALUE_INT, "7"},
        {VALUE_INT, {written("7"), written("nan")}, VALUE_INT, "7"},
        {VALUE_INT, {written("1700000000123456789"), written("7")}, VALUE_INT, "1700000000123456789"},
        {VALUE_BOOL, {written("TRUE"), written("1")}, VALUE_BOOL, "true"},
        {VALUE_TIME, {text("2026-03-01"), text("x")}, VALUE_TIME, "2026-03-01T00:00:00Z"},
        {VALUE_DURATION, {written("2"), written("3")}, VALUE_DURATION, "2"},
        {VALUE_INT,
         {written("007"), written("8")},
         0,
         "'007' has leading zeros, which are no part of an integer"},
        {VALUE_FLOAT, {written("00.5"), written("8")}, 0, "'00.5' has leading zeros"},
        {VALUE_FLOAT,
         {written("9007199254740993"), written("8")},
         0,
         "9007199254740993 does not fit among floats"},
        {VALUE_BOOL, {written("1"), written("0")}, 0, "'1' is not true or false"},
        {VALUE_TEXT, {integer(7), integer(8)}, 0, "'7' is integer"},
        {VALUE_BOOL, {integer(1), integer(0)}, 0, "'1' is integer"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CLEANUP_BUF struct buf scratch = BUF_INIT, shown = BUF_INIT;
        const struct known_case *one = &cases[i];
        struct table_type type = {.known = one->known};
        struct value got = {0};
        struct error err = {0};
        for (size_t k = 0; k < 2; k++)
            cr_assert_eq(table_type_see(&type, &one->cells[k], k + 2, NULL), 0);
        int rc = table_type_value(&type, &one->cells[0], &scratch, &got, &err);
        cr_expect_eq(rc, one->becomes ? 0 : -EINVAL, "case %zu: %s", i, err.text);
        if (rc) {
            cr_assert_eq(table_type_explain(&type, "n", &err), -EINVAL);
            cr_expect(strstr(err.text, one->says), "case %zu: %s", i, err.text);
            cr_expect(strstr(err.text, "attribute 'n' is ") && strstr(err.text, "; --type 'n=text' "),
                      "case %zu: %s", i, err.text);
            continue;
        }
        value_print(&shown, &got);
        cr_expect(got.type == one->becomes && !strcmp(buf_text(&shown), one->says), "case %zu: %s", i,
                  buf_text(&shown));
    }
    check_leaks();
}

Test(table_type, a_forced_float_does_not_round_an_integer)
{
    CLEANUP_BUF struct buf scratch = BUF_INIT;
    struct table_type type = {.forced = VALUE_FLOAT};
    struct value got;
    struct error err = {0};
    struct table_value large = written("1700000000123456789"), zeros = written("007");
    cr_assert_eq(table_type_value(&type, &large, &scratch, &got, &err), -EINVAL);
    cr_assert(strstr(err.text, "the integer 1700000000123456789 does not fit among floats"), "%s", err.text);
    cr_assert_eq(table_type_value(&type, &zeros, &scratch, &got, &err), 0);
    cr_assert(got.real == 7);
    check_leaks();
}
