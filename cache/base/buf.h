// SPDX-License-Identifier: Apache-2.0
/*
 * A growing byte buffer. `data` is followed by a NUL byte whenever it is not NULL, so text can be used in
 * place. Appending never fails (see memory.h): cap what comes from outside before appending it. Thread rule:
 * one thread at a time. Ownership: buf_done() frees; buf_steal() hands the bytes to the caller.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cache/base/memory.h"

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
};

#define BUF_INIT    ((struct buf){0})
#define CLEANUP_BUF CLEANUP(buf_done)

void buf_done(struct buf *buf);                 /* frees and empties */
void buf_clear(struct buf *buf);                /* len = 0, keeps the memory */
void buf_truncate(struct buf *buf, size_t len); /* back to `len` bytes, at most as many as it has */
uint8_t *buf_steal(struct buf *buf); /* the bytes (NUL-terminated, never NULL); buf is empty afterwards */
const char *buf_text(const struct buf *buf); /* the bytes as text; "" if empty; valid until the next append */
/* Makes room for n more bytes and returns where they go; len unchanged. */
uint8_t *buf_room(struct buf *buf, size_t n);

/* Here, so that what is written byte by byte costs no call a byte. */
static inline void buf_append(struct buf *buf, const void *bytes, size_t len)
{
    if (buf->cap - buf->len <= len)
        buf_room(buf, len);
    if (len)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = 0;
}
static inline void buf_u8(struct buf *buf, uint8_t value)
{
    if (buf->cap - buf->len <= 1)
        buf_room(buf, 1);
    buf->data[buf->len++] = value;
    buf->data[buf->len] = 0;
}

void buf_text_append(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The number in decimal, with zeros before it where it has fewer digits than `digits`. */
void buf_decimal(struct buf *buf, uint64_t number, int digits);
void buf_zero(struct buf *buf, size_t len); /* appends zero bytes */

void buf_be16(struct buf *buf, uint16_t value);
void buf_be32(struct buf *buf, uint32_t value);
void buf_be64(struct buf *buf, uint64_t value);
void buf_le16(struct buf *buf, uint16_t value);
void buf_le32(struct buf *buf, uint32_t value);
void buf_le64(struct buf *buf, uint64_t value);
void buf_varint_long(struct buf *buf, uint64_t value);         /* buf_varint() of several bytes */
static inline void buf_varint(struct buf *buf, uint64_t value) /* unsigned LEB128 */
{
    if (value < 0x80)
        buf_u8(buf, (uint8_t)value);
    else
        buf_varint_long(buf, value);
}
