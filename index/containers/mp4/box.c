// SPDX-License-Identifier: Apache-2.0
/* A box is checked against its container once, in box_header_read(); behind it only the body's cursor is
 * used. */
#include "index/containers/mp4/box.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void box_print_type(uint32_t type, char ret_text[BOX_NAME_BYTES])
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned char byte = (unsigned char)(type >> (24 - 8 * i));
        ret_text[i] = byte >= 0x20 && byte < 0x7f ? (char)byte : '?';
    }
    ret_text[4] = 0;
}

int box_header_read(const char *name, const uint8_t *bytes, size_t len, uint64_t at, uint64_t room,
                    struct box_header *ret, struct error *err)
{
    struct cursor c = cursor_of(bytes, len);
    uint64_t size = cursor_be32(&c);
    uint32_t type = cursor_be32(&c);
    size_t header_len = BOX_HEADER_BYTES;
    if (size == 1) {
        size = cursor_be64(&c);
        header_len = BOX_HEADER_MAX_BYTES;
    } else if (size == 0) {
        size = room;
    }
    char text[BOX_NAME_BYTES];
    box_print_type(type, text);
    if (c.failed)
        return error_set(err, ENODATA, "%s: truncated: no room for a box header at offset %" PRIu64, name,
                         at);
    if (size < header_len || !type)
        return error_set(err, EINVAL, "%s: no box at offset %" PRIu64 " (size %" PRIu64 ", type '%s')", name,
                         at, size, text);
    if (size > room)
        return error_set(err, ENODATA,
                         "%s: truncated: box '%s' at offset %" PRIu64 " claims %" PRIu64
                         " bytes, but %" PRIu64 " are there",
                         name, text, at, size, room);
    *ret = (struct box_header){.type = type, .at = at, .len = size, .header_len = header_len};
    return 0;
}

struct boxes boxes_in(const struct box *box)
{
    size_t left = cursor_left(&box->body);
    const uint8_t *start = box->body.data ? box->body.data + box->body.at : NULL;
    return (struct boxes){
        .name = box->name, .at = cursor_of(start, left), .base = box->header.at + box->header.len - left};
}

/* Up to seven bytes behind the last box are passed over: QuickTime ends some containers with a zero word. */
int boxes_next(struct boxes *boxes, struct box *ret, struct error *err)
{
    struct cursor *c = &boxes->at;
    size_t left = cursor_left(c);
    if (c->failed || left < BOX_HEADER_BYTES)
        return 0;
    struct box box = {.name = boxes->name, .bytes = c->data + c->at};
    int rc = box_header_read(boxes->name, box.bytes, left, boxes->base + c->at, left, &box.header, err);
    if (rc) /* its container is there, so it is no end that is missing */
        return error_recode(err, EINVAL);
    box.body = cursor_sub(c, box.header.len);
    cursor_skip(&box.body, box.header.header_len);
    *ret = box;
    return 1;
}

static const struct box_slot *slot_of(const struct box_slot *slots, size_t count, uint32_t type)
{
    for (size_t i = 0; i < count; i++)
        if (slots[i].type == type)
            return &slots[i];
    return NULL;
}

static int check_needed(const struct box *parent, const struct box_slot *slots, size_t count,
                        struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!slots[i].needed || box_present(slots[i].to))
            continue;
        char text[BOX_NAME_BYTES];
        box_print_type(slots[i].type, text);
        return box_fail(parent, EINVAL, err, "has no box '%s'", text);
    }
    return 0;
}

int boxes_collect(const struct box *parent, const struct box_slot *slots, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        *slots[i].to = (struct box){0};
    struct boxes boxes = boxes_in(parent);
    struct box box = {0};
    int rc;
    while ((rc = boxes_next(&boxes, &box, err)) > 0) {
        const struct box_slot *slot = slot_of(slots, count, box.header.type);
        if (!slot)
            continue;
        if (box_present(slot->to))
            return box_fail(&box, EINVAL, err, "comes twice");
        *slot->to = box;
    }
    return rc ? rc : check_needed(parent, slots, count, err);
}

int box_fail(const struct box *box, int code, struct error *err, const char *format, ...)
{
    char text[ERROR_TEXT_BYTES];
    char type[BOX_NAME_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    box_print_type(box->header.type, type);
    return error_set(err, code, "%s: box '%s' at offset %" PRIu64 ": %s", box->name, type, box->header.at,
                     text);
}

int box_check_read(const struct box *box, struct error *err)
{
    return box->body.failed ? box_fail(box, EINVAL, err, "is cut short") : 0;
}

int box_version(struct box *box, unsigned version_max, uint32_t *ret_flags, struct error *err)
{
    unsigned version = cursor_u8(&box->body);
    uint32_t flags = cursor_be24(&box->body);
    int rc = box_check_read(box, err);
    if (rc)
        return rc;
    if (version > version_max)
        return box_fail(box, ENOTSUP, err, "has version %u, known up to %u", version, version_max);
    if (ret_flags)
        *ret_flags = flags;
    return (int)version;
}

size_t box_begin(struct buf *buf, uint32_t type)
{
    size_t begun = buf->len;
    buf_be32(buf, 0);
    buf_be32(buf, type);
    return begun;
}

size_t box_begin_full(struct buf *buf, uint32_t type, uint8_t version, uint32_t flags)
{
    size_t begun = box_begin(buf, type);
    buf_be32(buf, (uint32_t)version << 24 | flags);
    return begun;
}

void box_end(struct buf *buf, size_t begun)
{
    size_t len = buf->len - begun;
    assert(len <= UINT32_MAX);
    for (unsigned i = 0; i < 4; i++)
        buf->data[begun + i] = (uint8_t)(len >> (24 - 8 * i));
}
