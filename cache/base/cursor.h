// SPDX-License-Identifier: Apache-2.0
/*
 * A bounded reader over hostile bytes. A read past the end sets `failed` and gives 0 / NULL from then on, so
 * a parser reads a whole structure and checks `failed` once. The cursor borrows the bytes. Thread rule: one
 * thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *data;
    size_t len;
    size_t at; /* offset of the next byte, <= len */
    bool failed;
};

static inline struct cursor cursor_of(const void *data, size_t len)
{
    return (struct cursor){.data = (const uint8_t *)data, .len = len};
}
static inline size_t cursor_left(const struct cursor *c)
{
    return c->len - c->at;
}

/* The next len bytes, or NULL; len 0 is not a failure. The one place where the bound is tested; here, since
 * formats are read byte by byte. */
static inline const uint8_t *cursor_bytes(struct cursor *c, uint64_t len)
{
    if (c->failed || len > cursor_left(c)) {
        c->failed = true;
        return NULL;
    }
    const uint8_t *bytes = c->data ? c->data + c->at : (const uint8_t *)"";
    c->at += (size_t)len;
    return bytes;
}
void cursor_skip(struct cursor *c, uint64_t len);
void cursor_seek(struct cursor *c, uint64_t at);
struct cursor cursor_sub(struct cursor *c,
                         uint64_t len); /* a cursor over the next len bytes, which are consumed */

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *byte = cursor_bytes(c, 1);
    return byte ? *byte : 0;
}
const char *cursor_text(struct cursor *c); /* up to and with the next NUL, which must be there */
uint16_t cursor_be16(struct cursor *c);
uint32_t cursor_be24(struct cursor *c);
uint32_t cursor_be32(struct cursor *c);
uint64_t cursor_be64(struct cursor *c);
uint16_t cursor_le16(struct cursor *c);
uint32_t cursor_le32(struct cursor *c);
uint64_t cursor_le64(struct cursor *c);
uint64_t cursor_varint_long(struct cursor *c); /* cursor_varint() of several bytes */
/* Unsigned LEB128, at most 64 bits; longer ones fail. */
static inline uint64_t cursor_varint(struct cursor *c)
{
    bool one_byte = !c->failed && cursor_left(c) && c->data[c->at] < 0x80;
    return one_byte ? c->data[c->at++] : cursor_varint_long(c);
}
