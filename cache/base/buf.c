// SPDX-License-Identifier: Apache-2.0
/* One buffer type for everything that is built: headers, JSON, requests, change sets. */
#include "cache/base/buf.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint8_t *buf_room(struct buf *buf, size_t n)
{
    mem_grow(&buf->data, &buf->cap, buf->len + n + 1, 1);
    buf->data[buf->len] = 0;
    return buf->data + buf->len;
}

void buf_done(struct buf *buf)
{
    free(buf->data);
    *buf = BUF_INIT;
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    if (buf->data)
        buf->data[0] = 0;
}

void buf_truncate(struct buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    buf->len = len;
    buf->data[len] = 0;
}

uint8_t *buf_steal(struct buf *buf)
{
    buf_room(buf, 0);
    uint8_t *data = buf->data;
    *buf = BUF_INIT;
    return data;
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? (const char *)buf->data : "";
}

void buf_text_append(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        abort();
    char *to = (char *)buf_room(buf, (size_t)len);
    va_start(args, format);
    vsnprintf(to, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

void buf_decimal(struct buf *buf, uint64_t number, int digits)
{
    enum { DIGITS_MAX = 20 };
    char text[DIGITS_MAX];
    int at = DIGITS_MAX;
    for (; number; number /= 10)
        text[--at] = (char)('0' + number % 10);
    while (at > 0 && DIGITS_MAX - at < digits)
        text[--at] = '0';
    buf_append(buf, text + at, (size_t)(DIGITS_MAX - at));
}

void buf_zero(struct buf *buf, size_t len)
{
    memset(buf_room(buf, len), 0, len + 1);
    buf->len += len;
}

static void append_be(struct buf *buf, uint64_t value, size_t len)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
    buf_append(buf, bytes, len);
}

static void append_le(struct buf *buf, uint64_t value, size_t len)
{
    value = htole64(value);
    buf_append(buf, &value, len);
}

void buf_be16(struct buf *buf, uint16_t value)
{
    append_be(buf, value, 2);
}

void buf_be32(struct buf *buf, uint32_t value)
{
    append_be(buf, value, 4);
}

void buf_be64(struct buf *buf, uint64_t value)
{
    append_be(buf, value, 8);
}

void buf_le16(struct buf *buf, uint16_t value)
{
    append_le(buf, value, 2);
}

void buf_le32(struct buf *buf, uint32_t value)
{
    append_le(buf, value, 4);
}

void buf_le64(struct buf *buf, uint64_t value)
{
    append_le(buf, value, 8);
}

void buf_varint_long(struct buf *buf, uint64_t value)
{
    enum { BYTES_MAX = 10 };
    uint8_t bytes[BYTES_MAX];
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[len++] = (uint8_t)(value | 0x80);
    bytes[len++] = (uint8_t)value;
    buf_append(buf, bytes, len);
}
