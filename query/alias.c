// SPDX-License-Identifier: Apache-2.0
/* Five bits a letter, the highest first; what is left over in the last one is zero. */
#include "query/alias.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

void alias_append(const char *path, size_t len, struct buf *buf)
{
    uint32_t bits = 0; /* the low `held` ones are not written yet */
    unsigned held = 0;
    size_t written = 0;
    for (size_t i = 0; i < len || held;) {
        while (held < 5 && i < len) {
            bits = bits << 8 | (uint8_t)path[i++];
            held += 8;
        }
        if (held < 5) { /* the last letter */
            bits <<= 5 - held;
            held = 5;
        }
        if (written && written % ALIAS_PIECE_MAX == 0)
            buf_u8(buf, '/');
        held -= 5;
        buf_u8(buf, (uint8_t)alphabet[bits >> held & 31]);
        bits &= (UINT32_C(1) << held) - 1;
        written++;
    }
    buf_u8(buf, '_');
}

static bool is_letter(char c, uint32_t *ret)
{
    const char *found = c ? strchr(alphabet, c) : NULL;
    if (found)
        *ret = (uint32_t)(found - alphabet);
    return found;
}

bool alias_is_piece(const char *name, size_t len, bool *ret_last)
{
    uint32_t number;
    *ret_last = len && name[len - 1] == '_';
    len -= *ret_last;
    for (size_t i = 0; i < len; i++)
        if (!is_letter(name[i], &number))
            return false;
    return len && len <= ALIAS_PIECE_MAX;
}

int alias_decode(const char *letters, size_t len, struct buf *buf, struct error *err)
{
    size_t start = buf->len;
    uint32_t bits = 0, number = 0;
    unsigned held = 0;
    for (size_t i = 0; i < len; i++) {
        if (letters[i] == '/' || (letters[i] == '_' && i + 1 == len))
            continue;
        if (!is_letter(letters[i], &number) || buf->len - start > ALIAS_PATH_MAX) {
            buf_truncate(buf, start);
            return error_set(err, ENOENT,
                             ".q: the letters are not base32 (a-z, 2-7) of a path, with '_' at the end");
        }
        bits = bits << 5 | number;
        held += 5;
        if (held >= 8) {
            held -= 8;
            buf_u8(buf, (uint8_t)(bits >> held));
            bits &= (UINT32_C(1) << held) - 1;
        }
    }
    if (held < 5 && !bits && !memchr(buf->data + start, 0, buf->len - start))
        return 0;
    buf_truncate(buf, start);
    return error_set(err, ENOENT, ".q: the letters are cut short: they stand for no path");
}
