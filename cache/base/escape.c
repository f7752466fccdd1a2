// SPDX-License-Identifier: Apache-2.0
/* One escaping routine for paths, clip names and URLs; they differ only in what stays raw. */
#include "cache/base/escape.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "cache/base/hash.h"
#include "cache/base/utf8.h"

static bool byte_is_raw(char c, const char *also_raw)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || (c && also_raw && strchr(also_raw, c));
}

void escape_append(struct buf *buf, const char *text, size_t len, const char *also_raw, int unicode_raw)
{
    for (size_t i = 0, n; i < len; i += n) {
        n = utf8_char(text + i, len - i);
        bool raw =
            n > 1 ? unicode_raw && utf8_code_point(text + i, n) >= 0xa1 : byte_is_raw(text[i], also_raw);
        if (!n)
            n = 1;
        if (raw)
            buf_append(buf, text + i, n);
        else
            for (size_t k = 0; k < n; k++)
                buf_printf(buf, "%%%02X", (unsigned char)text[i + k]);
    }
}

static bool is_plain_word(const char *text)
{
    for (const char *c = text; *c; c++)
        if (!byte_is_raw(*c, "/:@%+,"))
            return false;
    return *text && *text != '-';
}

void escape_shell(struct buf *buf, const char *text)
{
    if (is_plain_word(text)) {
        buf_text_append(buf, text);
        return;
    }
    buf_u8(buf, '\'');
    for (; *text; text++)
        if (*text == '\'')
            buf_text_append(buf, "'\\''");
        else
            buf_u8(buf, (uint8_t)*text);
    buf_u8(buf, '\'');
}

int escape_decode(struct buf *buf, const char *text, size_t len, struct error *err)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            buf_u8(buf, (uint8_t)text[i]);
            continue;
        }
        uint8_t byte;
        if (len - i < 3 || hex_parse(text + i + 1, 2, &byte, 1))
            return error_set(
                err, EINVAL,
                "'%%' at byte %zu is not followed by two hex digits (write %%25 for a per cent sign)", i);
        buf_u8(buf, byte);
        i += 2;
    }
    return 0;
}
