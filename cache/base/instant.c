// SPDX-License-Identifier: Apache-2.0
/* Written out instead of strptime(): the answer must not depend on locale or libc. Day arithmetic on the
 * proleptic Gregorian calendar counts years from March, so that the leap day comes last. */
#include "cache/base/instant.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

static const int64_t SECOND = 1000000000;

struct scan {
    const char *at, *end;
    bool failed;
};

static int scan_digits(struct scan *s, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (s->at >= s->end || *s->at < '0' || *s->at > '9') {
            s->failed = true;
            return 0;
        }
        value = value * 10 + (*s->at++ - '0');
    }
    return value;
}

static bool scan_accept(struct scan *s, const char *any)
{
    if (s->at >= s->end || !*s->at || !strchr(any, *s->at))
        return false;
    s->at++;
    return true;
}

static void scan_expect(struct scan *s, const char *any)
{
    if (!scan_accept(s, any))
        s->failed = true;
}

static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static int64_t scan_fraction(struct scan *s)
{
    int64_t ns = 0, unit = SECOND;
    int digits = 0;
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++, digits++)
        if (unit > 1)
            unit /= 10, ns += unit * (*s->at - '0');
    if (!digits)
        s->failed = true;
    return ns;
}

static int64_t scan_zone(struct scan *s)
{
    if (s->at == s->end || scan_accept(s, "Zz"))
        return 0;
    int sign = scan_accept(s, "-") ? -1 : 1;
    if (sign > 0)
        scan_expect(s, "+");
    int hours = scan_digits(s, 2);
    scan_accept(s, ":");
    int minutes = scan_digits(s, 2);
    if (hours > 23 || minutes > 59)
        s->failed = true;
    return sign * (hours * 3600 + minutes * 60);
}

int instant_parse(const char *text, size_t len, int64_t *ret_ns)
{
    struct scan s = {text, text + len, false};
    int year = scan_digits(&s, 4);
    scan_expect(&s, "-");
    int month = scan_digits(&s, 2);
    scan_expect(&s, "-");
    int day = scan_digits(&s, 2);
    if (s.failed || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return -EINVAL;
    int hour = 0, minute = 0, second = 0;
    int64_t fraction = 0, zone = 0;
    if (s.at < s.end) {
        scan_expect(&s, "Tt ");
        hour = scan_digits(&s, 2);
        scan_expect(&s, ":");
        minute = scan_digits(&s, 2);
        if (scan_accept(&s, ":")) {
            second = scan_digits(&s, 2);
            if (scan_accept(&s, "."))
                fraction = scan_fraction(&s);
        }
        zone = scan_zone(&s);
    }
    if (s.failed || s.at != s.end || hour > 23 || minute > 59 || second > 60)
        return -EINVAL;
    int64_t seconds = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone,
            ns;
    if (__builtin_mul_overflow(seconds, SECOND, &ns) || __builtin_add_overflow(ns, fraction, &ns))
        return -ERANGE;
    *ret_ns = ns;
    return 0;
}

static void print_fraction(struct buf *buf, int64_t ns)
{
    if (!ns)
        return;
    int digits = 9;
    for (; ns % 10 == 0; ns /= 10)
        digits--;
    buf_u8(buf, '.');
    buf_decimal(buf, (uint64_t)ns, digits);
}

static void print_two(struct buf *buf, char before, int number)
{
    buf_u8(buf, (uint8_t)before);
    buf_decimal(buf, (uint64_t)number, 2);
}

/* Without printf(): most of the time that a clip's JSON took to print was that of its times. */
void instant_print(struct buf *buf, int64_t ns)
{
    int64_t fraction = ns % SECOND;
    if (fraction < 0)
        fraction += SECOND;
    time_t seconds = (time_t)(ns / SECOND - (ns % SECOND < 0));
    struct tm tm;
    gmtime_r(&seconds, &tm);
    buf_decimal(buf, (uint64_t)tm.tm_year + 1900, 4); /* 64 bits of ns: 1677 to 2262 */
    print_two(buf, '-', tm.tm_mon + 1);
    print_two(buf, '-', tm.tm_mday);
    print_two(buf, 'T', tm.tm_hour);
    print_two(buf, ':', tm.tm_min);
    print_two(buf, ':', tm.tm_sec);
    print_fraction(buf, fraction);
    buf_u8(buf, 'Z');
}

static int64_t unit_ns(const char *unit, size_t len)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"", 1000000000},     {"ns", 1},           {"us", 1000}, {"ms", 1000000}, {"s", 1000000000},
                 {"min", 60000000000}, {"h", 3600000000000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == len && !memcmp(units[i].name, unit, len))
            return units[i].ns;
    return 0;
}

int duration_parse(const char *text, size_t len, int64_t *ret_ns)
{
    struct scan s = {text, text + len, false};
    int sign = scan_accept(&s, "-") ? -1 : 1;
    int64_t whole = 0;
    const char *start = s.at;
    for (; s.at < s.end && *s.at >= '0' && *s.at <= '9'; s.at++)
        if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, *s.at - '0', &whole))
            return -ERANGE;
    bool digits = s.at > start;
    int64_t fraction = scan_accept(&s, ".") ? scan_fraction(&s) : 0;
    int64_t unit = unit_ns(s.at, (size_t)(s.end - s.at)), ns;
    if (!digits || s.failed || !unit)
        return -EINVAL;
    int64_t part = (int64_t)((__int128)fraction * unit / SECOND);
    if (__builtin_mul_overflow(whole, unit, &ns) || __builtin_add_overflow(ns, part, &ns))
        return -ERANGE;
    *ret_ns = sign * ns;
    return 0;
}

void duration_print(struct buf *buf, int64_t ns)
{
    uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    if (ns < 0)
        buf_u8(buf, '-');
    buf_decimal(buf, size / (uint64_t)SECOND, 1);
    print_fraction(buf, (int64_t)(size % (uint64_t)SECOND));
}

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

int64_t instant_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_boot_ns(void)
{
    return read_clock(CLOCK_BOOTTIME);
}
