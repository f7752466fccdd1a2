// SPDX-License-Identifier: Apache-2.0
/* Table 3-7 of the Unicode standard: the second byte's range depends on the first, later ones are 80..BF. */
#include "cache/base/utf8.h"

#include <string.h>

size_t utf8_char_wide(const char *text, size_t len)
{
    const uint8_t *s = (const uint8_t *)text;
    if (!len)
        return 0;
    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
               : (s[0] & 0xf0) == 0xe0        ? 3
               : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                              : 0;
    if (!n || n > len)
        return 0;
    uint8_t low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

uint32_t utf8_code_point(const char *text, size_t n)
{
    const uint8_t *s = (const uint8_t *)text;
    static const uint8_t mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = s[0] & mask[n];
    for (size_t i = 1; i < n; i++)
        code = code << 6 | (s[i] & 0x3f);
    return code;
}

/* So many bytes at the start are ASCII, looked at eight at a time; those behind the last eight one by one. */
static size_t ascii_bytes(const char *text, size_t len)
{
    size_t i = 0;
    for (uint64_t word; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text + i, sizeof word);
        if (word & 0x8080808080808080)
            return i;
    }
    while (i < len && (unsigned char)text[i] < 0x80)
        i++;
    return i;
}

bool utf8_valid(const char *text, size_t len)
{
    for (size_t i = ascii_bytes(text, len), n; i < len; i += n)
        if (!(n = utf8_char(text + i, len - i)))
            return false;
    return true;
}
