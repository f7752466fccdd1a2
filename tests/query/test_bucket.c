// SPDX-License-Identifier: Apache-2.0
/* Round ranges: they lie side by side and hold all. The seed is printed and taken from SEED. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query/bucket.h"
#include "tests/test_leaks.h"

static uint64_t state;

static uint64_t random_u64(void)
{
    state += 0x9e3779b97f4a7c15;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static struct value read_value(enum value_type type, const char *text)
{
    struct value value;
    struct error err = {0};
    cr_assert_eq(value_parse(type, text, strlen(text), &value, &err), 0, "%s", err.text);
    return value;
}

static void expect(enum value_type type, const char *least, const char *greatest, const char *wanted)
{
    CLEANUP_BUF struct buf got = BUF_INIT;
    struct bucket buckets[BUCKET_MOST];
    struct value low = read_value(type, least), high = read_value(type, greatest);
    size_t count = bucket_split(&low, &high, buckets);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_u8(&got, ' ');
        bucket_print_end(&got, &buckets[i].low);
        buf_text_append(&got, "..");
        bucket_print_end(&got, &buckets[i].high);
    }
    cr_assert_str_eq(buf_text(&got), wanted, "%s to %s: %s", least, greatest, buf_text(&got));
}

Test(bucket, bounds_are_round)
{
    expect(VALUE_INT, "0", "49", "0..4 5..9 10..14 15..19 20..24 25..29 30..34 35..39 40..44 45..49");
    expect(VALUE_INT, "76", "126", "70..79 80..89 90..99 100..109 110..119 120..129");
    expect(VALUE_INT, "-15", "3", "-16..-15 -14..-13 -12..-11 -10..-9 -8..-7 -6..-5 -4..-3 -2..-1 0..1 2..3");
    expect(VALUE_INT, "5", "5", "5..5");
    expect(VALUE_FLOAT, "0.05", "0.31", "0.05..0.1 0.1..0.15 0.15..0.2 0.2..0.25 0.25..0.3 0.3..0.35");
    expect(VALUE_FLOAT, "-1", "1", "-1..-0.5 -0.5..0 0..0.5 0.5..1 1..1.5");
    expect(VALUE_DURATION, "2.533", "4.2",
           "2.4..2.6 2.6..2.8 2.8..3 3..3.2 3.2..3.4 3.4..3.6 3.6..3.8 3.8..4 "
           "4..4.2 4.2..4.4");
}

Test(bucket, instants_go_by_the_calendar)
{
    expect(VALUE_TIME, "2025-04-02T13:30:11Z", "2025-04-02T14:13:14Z",
           "2025-04-02T13:30:00Z..2025-04-02T13:35:00Z 2025-04-02T13:35:00Z..2025-04-02T13:40:00Z "
           "2025-04-02T13:40:00Z..2025-04-02T13:45:00Z 2025-04-02T13:45:00Z..2025-04-02T13:50:00Z "
           "2025-04-02T13:50:00Z..2025-04-02T13:55:00Z 2025-04-02T13:55:00Z..2025-04-02T14:00:00Z "
           "2025-04-02T14:00:00Z..2025-04-02T14:05:00Z 2025-04-02T14:05:00Z..2025-04-02T14:10:00Z "
           "2025-04-02T14:10:00Z..2025-04-02T14:15:00Z");
    expect(VALUE_TIME, "2026-02-26T08:00:00Z", "2026-03-03T23:59:59Z",
           "2026-02-26..2026-02-27 2026-02-27..2026-02-28 2026-02-28..2026-03-01 2026-03-01..2026-03-02 "
           "2026-03-02..2026-03-03 2026-03-03..2026-03-04");
    expect(VALUE_TIME, "2026-11-30", "2026-12-20",
           "2026-11-30..2026-12-07 2026-12-07..2026-12-14 2026-12-14..2026-12-21");
    expect(VALUE_TIME, "2025-11-03", "2026-02-20",
           "2025-11-01..2025-12-01 2025-12-01..2026-01-01 2026-01-01..2026-02-01 2026-02-01..2026-03-01");
    expect(VALUE_TIME, "1999-05-05", "2026-02-20",
           "1995-01-01..2000-01-01 2000-01-01..2005-01-01 2005-01-01..2010-01-01 2010-01-01..2015-01-01 "
           "2015-01-01..2020-01-01 2020-01-01..2025-01-01 2025-01-01..2030-01-01");
}

Test(bucket, what_cannot_be_told_apart_has_none)
{
    expect(VALUE_FLOAT, "-1.7e308", "1.7e308", "");
    expect(VALUE_FLOAT, "1", "1", "");
}

static bool holds(const struct bucket *bucket, const struct value *value)
{
    int end = value_compare(value, &bucket->high);
    return value_compare(value, &bucket->low) >= 0 && (value->type == VALUE_INT ? end <= 0 : end < 0);
}

static void check(const struct value *a, const struct value *b)
{
    struct bucket buckets[BUCKET_MOST];
    const struct value *least = value_compare(a, b) < 0 ? a : b, *greatest = least == a ? b : a;
    size_t count = bucket_split(least, greatest, buckets);
    if (a->type == VALUE_FLOAT && !count)
        return;
    cr_assert(count >= 1 && count <= BUCKET_MOST);
    cr_assert(holds(&buckets[0], least) && holds(&buckets[count - 1], greatest));
    for (size_t i = 0; i < count; i++) {
        int order = value_compare(&buckets[i].low, &buckets[i].high);
        cr_assert(a->type == VALUE_INT ? order <= 0 : order < 0);
        if (i && a->type == VALUE_INT)
            cr_assert_eq(buckets[i].low.integer, buckets[i - 1].high.integer + 1);
        else if (i)
            cr_assert_eq(value_compare(&buckets[i].low, &buckets[i - 1].high), 0);
    }
}

/* Of any size, some small. */
static int64_t any_integer(void)
{
    int64_t number = (int64_t)(random_u64() >> (1 + random_u64() % 63));
    return random_u64() % 2 ? number : -number;
}

Test(bucket, ranges_lie_side_by_side_and_hold_all)
{
    const char *text = getenv("SEED");
    state = text ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
    fprintf(stderr, "SEED=%llu\n", (unsigned long long)state);
    size_t told = 0;
    for (int i = 0; i < 20000; i++) {
        struct bucket buckets[BUCKET_MOST];
        struct value a = {.type = VALUE_INT, .integer = any_integer()}, b = {.type = VALUE_INT};
        b.integer = random_u64() % 2 ? any_integer() : a.integer / 2 + 3;
        check(&a, &b);
        a.type = b.type = VALUE_DURATION;
        check(&a, &b);
        a.type = b.type = VALUE_TIME;
        a.integer /= 2; /* ranges end at whole centuries, which need room */
        b.integer /= 2;
        check(&a, &b);
        double scale = pow(10, (double)(random_u64() % 40) - 20);
        struct value x = {.type = VALUE_FLOAT, .real = (double)any_integer() * scale}, y = x;
        y.real += (double)any_integer() * scale + scale;
        check(&x, &y);
        const struct value *low = x.real < y.real ? &x : &y;
        told += bucket_split(low, low == &x ? &y : &x, buckets) > 0;
    }
    cr_assert_gt(told, 15000, "most pairs of numbers can be told apart: %zu", told);
    check_leaks();
}

Test(bucket, the_largest_integers_there_are)
{
    struct value least = {.type = VALUE_INT, .integer = INT64_MIN},
                 greatest = {.type = VALUE_INT, .integer = INT64_MAX};
    check(&least, &greatest);
}
