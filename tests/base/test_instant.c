// SPDX-License-Identifier: Apache-2.0
/* Texts of times and durations, and the one canonical text of each. */
#include <criterion/criterion.h>
#include <string.h>

#include "cache/base/instant.h"
#include "tests/test_leaks.h"

static void same(const char *text, const char *canonical)
{
    int64_t ns = 0;
    cr_assert_eq(instant_parse(text, strlen(text), &ns), 0, "%s", text);
    struct buf b = BUF_INIT;
    instant_print(&b, ns);
    cr_assert_str_eq(buf_text(&b), canonical, "%s gives %s", text, buf_text(&b));
    buf_done(&b);
}

Test(instant, texts_become_utc_with_only_the_digits_needed)
{
    same("2026-03-01T12:00:05.250Z", "2026-03-01T12:00:05.25Z");
    same("2026-03-01T12:00", "2026-03-01T12:00:00Z");
    same("2026-03-01 12:00:05+01:30", "2026-03-01T10:30:05Z");
    same("2024-02-29", "2024-02-29T00:00:00Z");
    same("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z");
    same("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z");
    same("1900-03-01T00:00:00.000000001Z", "1900-03-01T00:00:00.000000001Z");
    check_leaks();
}

Test(instant, impossible_dates_and_other_text_are_refused)
{
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-02-29",
                                      "2026-13-01",
                                      "2026-01-01T24:00",
                                      "2026-01-01T1:00",
                                      "2026-01-01T10:00:00.",
                                      "2026-01-01T10:00Zx",
                                      "20260101",
                                      "2026-01-01T10:00+1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ns;
        cr_assert_lt(instant_parse(bad[i], strlen(bad[i]), &ns), 0, "%s", bad[i]);
    }
    int64_t ns;
    cr_assert_lt(instant_parse("9999-01-01", 10, &ns), 0);
}

static int64_t duration(const char *text)
{
    int64_t ns = -1;
    cr_assert_eq(duration_parse(text, strlen(text), &ns), 0, "%s", text);
    return ns;
}

Test(instant, durations_take_a_unit_or_seconds)
{
    cr_assert_eq(duration("2.5s"), 2500000000);
    cr_assert_eq(duration("2.5"), 2500000000);
    cr_assert_eq(duration("-1s"), -1000000000);
    cr_assert_eq(duration("15ms"), 15000000);
    cr_assert_eq(duration("1.5min"), 90000000000);
    cr_assert_eq(duration("2h"), 7200000000000);
    int64_t ns;
    cr_assert_lt(duration_parse("s", 1, &ns), 0);
    cr_assert_lt(duration_parse("5x", 2, &ns), 0);
    cr_assert_lt(duration_parse("99999999999h", 12, &ns), 0);
    struct buf b = BUF_INIT;
    duration_print(&b, 3266666667);
    cr_assert_str_eq(buf_text(&b), "3.266666667");
    buf_clear(&b);
    duration_print(&b, -500000000);
    cr_assert_str_eq(buf_text(&b), "-0.5");
    buf_done(&b);
    check_leaks();
}
