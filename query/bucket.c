// SPDX-License-Identifier: Apache-2.0
/* The width is the smallest of 1, 2 and 5 times a power of ten, or of the calendar, of which so many cover
 * all. */
#include "query/bucket.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/instant.h"

typedef __int128 wide;

static wide floor_div(wide a, wide b)
{
    return a / b - (a % b < 0);
}

static int64_t clamp(wide number)
{
    return number > INT64_MAX ? INT64_MAX : number < INT64_MIN ? INT64_MIN : (int64_t)number;
}

/* ---- integers, durations, and instants within some days ---- */

static struct value integer_value(enum value_type type, wide number)
{
    return (struct value){.type = type, .integer = clamp(number)};
}

/* Of that width, from multiples of it plus `origin`. */
static size_t split_integers(const struct value *least, const struct value *greatest, wide width, wide origin,
                             struct bucket *ret)
{
    wide first = floor_div(least->integer - origin, width),
         last = floor_div(greatest->integer - origin, width);
    if (last - first >= BUCKET_MOST)
        return 0;
    size_t count = 0;
    for (wide i = first; i <= last; i++) {
        wide low = i * width + origin, high = low + width - (least->type == VALUE_INT);
        ret[count++] = (struct bucket){integer_value(least->type, low), integer_value(least->type, high)};
    }
    return count;
}

static size_t split_decimal(const struct value *least, const struct value *greatest, struct bucket *ret)
{
    static const int digits[] = {1, 2, 5};
    size_t count = 0;
    for (wide power = 1; !count; power *= 10)
        for (size_t i = 0; i < sizeof digits / sizeof *digits && !count; i++)
            count = split_integers(least, greatest, digits[i] * power, 0, ret);
    return count;
}

/* ---- floats ---- */

/* k * digit * 10^power, as near as a double can be, so that it is printed as short as it was meant. */
static double multiple(double k, int digit, int power)
{
    return power < 0 ? k * digit / pow(10, -power) : k * digit * pow(10, power);
}

static size_t split_width(double least, double greatest, int digit, int power, struct bucket *ret)
{
    const double exact = 4503599627370496.0; /* 2^52: above, neighbours in this width may be equal */
    double width = multiple(1, digit, power), first = floor(least / width);
    size_t count = 0;
    if (!(width > 0) || fabs(first) > exact || (greatest - least) / width > BUCKET_MOST)
        return 0;
    while (multiple(first, digit, power) > least)
        first--;
    while (multiple(first + 1, digit, power) <= least)
        first++;
    for (double k = first; multiple(k, digit, power) <= greatest; k++) {
        if (count == BUCKET_MOST)
            return 0;
        ret[count++] = (struct bucket){{.type = VALUE_FLOAT, .real = multiple(k, digit, power)},
                                       {.type = VALUE_FLOAT, .real = multiple(k + 1, digit, power)}};
        if (!isfinite(ret[count - 1].high.real) || ret[count - 1].low.real >= ret[count - 1].high.real)
            return 0;
    }
    return count;
}

static size_t split_floats(const struct value *least, const struct value *greatest, struct bucket *ret)
{
    static const int digits[] = {1, 2, 5};
    double span = greatest->real - least->real;
    size_t count = 0;
    if (!isfinite(span) || !(span > 0))
        return 0;
    int power = (int)floor(log10(span)) - 2;
    for (int end = power + 4; power < end && !count; power++)
        for (size_t i = 0; i < sizeof digits / sizeof *digits && !count; i++)
            count = split_width(least->real, greatest->real, digits[i], power, ret);
    return count;
}

/* ---- the calendar ---- */

static const int64_t second_ns = 1000000000, day_ns = 86400 * INT64_C(1000000000);

/* Months since the year 0. */
static int month_of(int64_t ns)
{
    CLEANUP_BUF struct buf text = BUF_INIT;
    instant_print(&text, ns);
    return atoi(buf_text(&text)) * 12 + atoi(buf_text(&text) + strlen("2026-")) - 1;
}

static int month_start(int month, int64_t *ret_ns)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%04d-%02d-01", month / 12, month % 12 + 1);
    return instant_parse(text, (size_t)len, ret_ns);
}

static size_t split_months(const struct value *least, const struct value *greatest, int width,
                           struct bucket *ret)
{
    int first = month_of(least->integer) / width, last = month_of(greatest->integer) / width;
    size_t count = 0;
    if (last - first >= BUCKET_MOST)
        return 0;
    for (int i = first; i <= last; i++) {
        int64_t low, high;
        if (month_start(i * width, &low))
            low = INT64_MIN; /* before the first year there is */
        if (month_start((i + 1) * width, &high))
            high = INT64_MAX;
        ret[count++] = (struct bucket){integer_value(VALUE_TIME, low), integer_value(VALUE_TIME, high)};
    }
    return count;
}

static size_t split_instants(const struct value *least, const struct value *greatest, struct bucket *ret)
{
    static const int seconds[] = {1,   2,    5,    10,   20,   30,    60,    120,   300,
                                  600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400};
    static const int months[] = {1, 3, 12, 60, 600, 1200};
    const wide monday = -3 * (wide)day_ns; /* the one before 1970-01-01, a Thursday */
    size_t count = 0;
    if (greatest->integer - (wide)least->integer < BUCKET_MOST * (wide)second_ns / 2)
        return split_decimal(least, greatest, ret);
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds && !count; i++)
        count = split_integers(least, greatest, seconds[i] * (wide)second_ns, 0, ret);
    if (!count)
        count = split_integers(least, greatest, 7 * (wide)day_ns, monday, ret);
    for (size_t i = 0; i < sizeof months / sizeof *months && !count; i++)
        count = split_months(least, greatest, months[i], ret);
    return count;
}

size_t bucket_split(const struct value *least, const struct value *greatest,
                    struct bucket ret_buckets[BUCKET_MOST])
{
    if (least->type == VALUE_FLOAT)
        return split_floats(least, greatest, ret_buckets);
    if (least->type == VALUE_TIME)
        return split_instants(least, greatest, ret_buckets);
    return split_decimal(least, greatest, ret_buckets);
}

void bucket_print_end(struct buf *buf, const struct value *value)
{
    static const char midnight[] = "T00:00:00Z";
    size_t start = buf->len, len = sizeof midnight - 1;
    value_print(buf, value);
    if (value->type == VALUE_TIME && buf->len - start > len &&
        !memcmp(buf->data + buf->len - len, midnight, len))
        buf_truncate(buf, buf->len - len);
}
