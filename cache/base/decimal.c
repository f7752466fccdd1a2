// SPDX-License-Identifier: Apache-2.0
/*
 * An integer of up to 53 bits and a power of ten up to 10^22 are both exact doubles, so their quotient or
 * product is rounded once, correctly (Clinger, "How to read floating point numbers accurately", 1990).
 * Everything else is left to strtod().
 */
#include "cache/base/decimal.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "cache/base/memory.h"

enum { EXACT_POWER = 22, EXACT_DIGITS = 15, EXPONENT_MAX = 1000 };

static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "e-5" at the end of the text. */
static int read_exponent(const char *at, const char *end)
{
    int exponent = 0;
    at++;
    bool negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    for (; at < end && exponent < EXPONENT_MAX; at++)
        exponent = exponent * 10 + (*at - '0');
    return negative ? -exponent : exponent;
}

static bool parse_exactly(const char *text, size_t len, double *ret)
{
    const char *end = text + len, *at = text + (len && *text == '-');
    uint64_t digits = 0;
    int count = 0, exponent = 0;
    bool behind_point = false;
    for (; at < end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            behind_point = true;
            continue;
        }
        digits = digits * 10 + (uint64_t)(*at - '0');
        count += digits != 0;
        exponent -= behind_point;
        if (count > EXACT_DIGITS)
            return false;
    }
    exponent += at < end ? read_exponent(at, end) : 0;
    if (exponent < -EXACT_POWER || exponent > EXACT_POWER)
        return false;
    double value = exponent < 0 ? (double)digits / powers[-exponent] : (double)digits * powers[exponent];
    *ret = *text == '-' ? -value : value;
    return true;
}

int decimal_parse(const char *text, size_t len, double *ret)
{
    if (parse_exactly(text, len, ret))
        return 0;
    CLEANUP_FREE char *copy = mem_copy(text, len);
    double value = strtod(copy, NULL);
    if (isinf(value))
        return -ERANGE;
    *ret = value;
    return 0;
}
