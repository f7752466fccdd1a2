// SPDX-License-Identifier: Apache-2.0
/* Sticky failure instead of a check at each field: the bound is tested in one place, cursor_bytes(). */
#include "cache/base/cursor.h"

#include <string.h>

void cursor_skip(struct cursor *c, uint64_t len)
{
    cursor_bytes(c, len);
}

void cursor_seek(struct cursor *c, uint64_t at)
{
    if (at > c->len)
        c->failed = true;
    else
        c->at = (size_t)at;
}

struct cursor cursor_sub(struct cursor *c, uint64_t len)
{
    const uint8_t *bytes = cursor_bytes(c, len);
    return (struct cursor){.data = bytes, .len = bytes ? (size_t)len : 0, .failed = !bytes};
}

static uint64_t read_be(struct cursor *c, size_t len)
{
    const uint8_t *bytes = cursor_bytes(c, len);
    uint64_t value = 0;
    for (size_t i = 0; bytes && i < len; i++)
        value = value << 8 | bytes[i];
    return value;
}

static uint64_t read_le(struct cursor *c, size_t len)
{
    const uint8_t *bytes = cursor_bytes(c, len);
    uint64_t value = 0;
    for (size_t i = 0; bytes && i < len; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

const char *cursor_text(struct cursor *c)
{
    const char *text = (const char *)c->data + c->at;
    const char *end = cursor_left(c) ? memchr(text, 0, cursor_left(c)) : NULL;
    if (!end) {
        c->failed = true;
        return "";
    }
    cursor_skip(c, (uint64_t)(end - text) + 1);
    return text;
}

uint16_t cursor_be16(struct cursor *c)
{
    return (uint16_t)read_be(c, 2);
}

uint32_t cursor_be24(struct cursor *c)
{
    return (uint32_t)read_be(c, 3);
}

uint32_t cursor_be32(struct cursor *c)
{
    return (uint32_t)read_be(c, 4);
}

uint64_t cursor_be64(struct cursor *c)
{
    return read_be(c, 8);
}

uint16_t cursor_le16(struct cursor *c)
{
    return (uint16_t)read_le(c, 2);
}

uint32_t cursor_le32(struct cursor *c)
{
    return (uint32_t)read_le(c, 4);
}

uint64_t cursor_le64(struct cursor *c)
{
    return read_le(c, 8);
}

uint64_t cursor_varint_long(struct cursor *c)
{
    uint64_t value = 0;
    if (!c->failed && cursor_left(c) >= 2 && c->data[c->at + 1] < 0x80) { /* most have no more */
        uint64_t low = c->data[c->at], high = c->data[c->at + 1];
        if (low >= 0x80) {
            c->at += 2;
            return (low & 0x7f) | high << 7;
        }
    }
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = cursor_u8(c);
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return c->failed ? 0 : value;
    }
    c->failed = true;
    return 0;
}
