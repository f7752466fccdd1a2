// SPDX-License-Identifier: Apache-2.0
/* Decimal text to the nearest double, as strtod() does it in the C locale, but fast for what people and
 * programs write. Any thread. */
#pragma once

#include <stddef.h>

/* `text` is -?digits[.digits][e[+-]digits], which the caller has checked, with at least one digit. -ERANGE:
 * too large for a double; one too small is 0. */
int decimal_parse(const char *text, size_t len, double *ret);
