// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <string.h>

#include "tests/test_leaks.h"
#include "tools/import/table.h"

enum { CELLS_MAX = 4 };

struct inference {
    enum value_type type;
    const char *cells[CELLS_MAX];
};

static void check(const struct inference *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t cells = 0, lens[CELLS_MAX];
        for (; cells < CELLS_MAX && cases[i].cells[cells]; cells++)
            lens[cells] = strlen(cases[i].cells[cells]);
        enum value_type got = table_infer(cases[i].cells, lens, cells);
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

Test(table, boolean_is_only_true_and_false)
{
    CHECK({VALUE_BOOL, {"true"}}, {VALUE_BOOL, {"true", "false"}}, {VALUE_TEXT, {"True"}},
          {VALUE_TEXT, {"yes"}}, {VALUE_INT, {"0", "1"}}, {VALUE_TEXT, {"true", "1"}},
          {VALUE_TEXT, {"true "}});
}

Test(table, integers_have_no_leading_zeros_and_are_exact_in_a_double)
{
    CHECK({VALUE_INT, {"0"}}, {VALUE_INT, {"-12", "7"}}, {VALUE_TEXT, {"007"}}, {VALUE_TEXT, {"1", "007"}},
          {VALUE_TEXT, {"-01"}}, {VALUE_INT, {"9007199254740992"}}, {VALUE_TEXT, {"9007199254740993"}},
          {VALUE_TEXT, {"-9007199254740993"}}, {VALUE_TEXT, {"123456789012345678901234567890"}},
          {VALUE_TEXT, {"+1"}}, {VALUE_TEXT, {" 1"}}, {VALUE_TEXT, {"1 "}}, {VALUE_TEXT, {"0x10"}},
          {VALUE_TEXT, {"-"}}, {VALUE_TEXT, {"1,5"}});
}

Test(table, floats_are_decimal_and_finite)
{
    CHECK({VALUE_FLOAT, {"1.5"}}, {VALUE_FLOAT, {"1", "2.5"}}, {VALUE_FLOAT, {"-0.0"}},
          {VALUE_FLOAT, {"1e-3"}}, {VALUE_FLOAT, {"0.5", "1E5"}}, {VALUE_TEXT, {"00.5"}},
          {VALUE_TEXT, {"1e999"}}, {VALUE_TEXT, {"nan"}}, {VALUE_TEXT, {"inf"}},
          {VALUE_TEXT, {"1.5", "-inf"}}, {VALUE_TEXT, {".5"}}, {VALUE_TEXT, {"0x1p3"}},
          {VALUE_TEXT, {"1.5", "9007199254740993"}}, {VALUE_TEXT, {"1.2.3"}}, {VALUE_TEXT, {"1e"}});
}

Test(table, timestamps_are_rfc_3339)
{
    CHECK({VALUE_TIME, {"2026-03-01"}},
          {VALUE_TIME, {"2026-03-01T12:00:05.25Z", "2026-03-01 12:00:05+01:00"}},
          {VALUE_TEXT, {"2026-13-01"}}, {VALUE_TEXT, {"01.03.2026"}}, {VALUE_TEXT, {"2026-03-01", "today"}},
          {VALUE_INT, {"20260301"}}, {VALUE_TEXT, {"2026-03-01", "5"}});
}

Test(table, durations_are_a_number_and_a_unit)
{
    CHECK({VALUE_DURATION, {"2.5s"}}, {VALUE_DURATION, {"250ms", "3min", "1h"}}, {VALUE_TEXT, {"007s"}},
          {VALUE_TEXT, {"5 parsecs"}}, {VALUE_TEXT, {"s"}}, {VALUE_TEXT, {"2.5s", "1"}},
          {VALUE_TEXT, {"12:30"}});
}

Test(table, one_value_that_does_not_fit_makes_text)
{
    CHECK({VALUE_TEXT, {"1", "2", "n/a"}}, {VALUE_TEXT, {"true", "false", "?"}}, {VALUE_TEXT, {""}},
          {VALUE_TEXT, {"1", ""}}, {VALUE_TEXT, {"1.5", "2s"}}, {VALUE_TEXT, {NULL}});
}
