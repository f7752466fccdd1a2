// SPDX-License-Identifier: Apache-2.0
/* Each text against strtod, which is slower and right. */
#include "cache/base/decimal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hash.h"

static void check(const char *text)
{
    double got = 1, expected = strtod(text, NULL);
    cr_assert_eq(decimal_parse(text, strlen(text), &got), 0, "%s", text);
    cr_expect_eq(memcmp(&got, &expected, sizeof got), 0, "%s: %a, not %a", text, got, expected);
}

Test(decimal, gives_what_strtod_gives)
{
    static const char *const texts[] = {"0",
                                        "-0",
                                        "0.0",
                                        "1",
                                        "-12",
                                        "0.1",
                                        "0.3",
                                        "2.5e-3",
                                        "1e22",
                                        "1e23",
                                        "1e-22",
                                        "1e-23",
                                        "123456789012345",
                                        "1234567890123456",
                                        "9007199254740993",
                                        "0.000000000000000000000000000001",
                                        "1e308",
                                        "1.7976931348623157e308",
                                        "5e-324",
                                        "4.9e-324",
                                        "1e-400",
                                        "0e999",
                                        "0.5",
                                        "8.5E+2",
                                        "100000000000000000000000",
                                        "3.141592653589793",
                                        "179769313486231570000000000000000000000",
                                        "0.30000000000000004",
                                        "1e-1000000000000"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check(texts[i]);
}

Test(decimal, gives_what_strtod_gives_for_what_is_drawn)
{
    uint64_t seed;
    random_bytes(&seed, sizeof seed);
    srand48((long)seed);
    printf("seed %" PRIu64 "\n", seed);
    for (int i = 0; i < 200000; i++) {
        char text[64];
        snprintf(text, sizeof text, i % 2 ? "%.*f" : "%.*e", (int)(lrand48() % 18), (drand48() - 0.5) * 1e6);
        check(text);
    }
}

Test(decimal, what_no_double_holds_is_refused)
{
    double got = 7;
    cr_assert_eq(decimal_parse("1e309", 5, &got), -ERANGE);
    cr_assert_eq(decimal_parse("-1e309", 6, &got), -ERANGE);
    cr_assert(got == 7);
}

Test(decimal, only_the_text_is_read)
{
    double got;
    cr_assert_eq(decimal_parse("1.59", 3, &got), 0);
    cr_assert(got == 1.5);
    cr_assert_eq(decimal_parse("1234567890123456789", 17, &got), 0);
    cr_assert(got == 12345678901234567.0);
}
