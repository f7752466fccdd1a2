// SPDX-License-Identifier: Apache-2.0
/* Schoolbook: the number is divided by 10 until nothing is left; it is at most 64 bytes. */
#include "index/containers/parquet/decimal.h"

#include <string.h>

enum { DIGITS_MAX = DECIMAL_BYTES_MAX * 3 }; /* a byte is less than 2.5 digits */

static void negate(uint8_t *bytes, size_t len)
{
    unsigned carry = 1;
    for (size_t i = len; i-- > 0;) {
        unsigned sum = (uint8_t)~bytes[i] + carry;
        bytes[i] = (uint8_t)sum;
        carry = sum >> 8;
    }
}

static unsigned divide_by_ten(uint8_t *bytes, size_t len)
{
    unsigned rest = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned now = rest << 8 | bytes[i];
        bytes[i] = (uint8_t)(now / 10);
        rest = now % 10;
    }
    return rest;
}

bool decimal_print(const uint8_t *bytes, size_t len, unsigned scale, struct buf *to)
{
    uint8_t number[DECIMAL_BYTES_MAX + 1] = {0}; /* one more, for the least number's negative */
    char digits[DIGITS_MAX + DECIMAL_SCALE_MAX + 1];
    size_t count = 0;
    bool negative = len && bytes[0] & 0x80;
    for (uint8_t fill = negative ? 0xff : 0; len && bytes[0] == fill; bytes++, len--)
        ; /* the sign's; what follows may begin with the other bit */
    if (len > DECIMAL_BYTES_MAX)
        return false;
    memset(number, negative ? 0xff : 0, sizeof number - len);
    if (len)
        memcpy(number + sizeof number - len, bytes, len);
    if (negative)
        negate(number, sizeof number);
    for (size_t at = 0; at < sizeof number || count <= scale;) {
        if (at < sizeof number && !number[at])
            at++;
        else
            digits[count++] = (char)('0' + divide_by_ten(number, sizeof number));
    }
    if (negative)
        buf_u8(to, '-');
    while (count) {
        buf_u8(to, (uint8_t)digits[--count]);
        if (count == scale && scale)
            buf_u8(to, '.');
    }
    return true;
}
