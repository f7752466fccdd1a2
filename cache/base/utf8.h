// SPDX-License-Identifier: Apache-2.0
/* UTF-8 as RFC 3629 section 3 defines it: no overlong forms, no surrogates, at most U+10FFFF. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes (1-4) of the well-formed character at the start of `text`, 0 if it is malformed or len is
 * 0. */
size_t utf8_char_wide(const char *text, size_t len); /* where it is not ASCII */
static inline size_t utf8_char(const char *text, size_t len)
{
    return len && (unsigned char)*text < 0x80 ? 1 : utf8_char_wide(text, len);
}
/* The code point of the well-formed character of `n` bytes (as utf8_char() gave) at `text`. */
uint32_t utf8_code_point(const char *text, size_t n);
bool utf8_valid(const char *text, size_t len);
