// SPDX-License-Identifier: Apache-2.0
/*
 * Boxes: the one building block of MP4 (ISO/IEC 14496-12 section 4.2), read from memory and written to a
 * buffer.
 *
 *     | size u32 | type 4cc | [size u64 if size is 1] | body ... |    size 0: to the container's end
 *
 * Every error names the recording, the box and its offset in the recording. Bytes are borrowed.
 * Thread rule: one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/cursor.h"
#include "cache/base/error.h"

#define BOX_TYPE(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

enum { BOX_HEADER_BYTES = 8, BOX_HEADER_MAX_BYTES = 16, BOX_NAME_BYTES = 5 };

struct box_header {
    uint32_t type; /* 0: none read */
    uint64_t at;   /* offset in the recording */
    uint64_t len;  /* of the whole box, bytes; never less than header_len */
    size_t header_len;
};

/* Reads the header at `at` from its first bytes; `room` bytes are left in the container. -ENODATA if the box
 * does not fit into them, -EINVAL if it is none. */
int box_header_read(const char *name, const uint8_t *bytes, size_t len, uint64_t at, uint64_t room,
                    struct box_header *ret, struct error *err);

struct box {
    const char *name; /* of the recording */
    struct box_header header;
    const uint8_t *bytes; /* the whole box, header.len bytes */
    struct cursor body;
};

/* Iterates the boxes that fill `at`; `base` is the offset of its first byte in the recording. */
struct boxes {
    const char *name;
    struct cursor at;
    uint64_t base;
};
struct boxes boxes_in(const struct box *box); /* the rest of the box's body, from its cursor */
int boxes_next(struct boxes *boxes, struct box *ret, struct error *err); /* 1: a box, 0: the end, -EINVAL */

/* Where boxes_collect() puts the box of one type. */
struct box_slot {
    uint32_t type;
    bool needed;
    struct box *to; /* zeroed by boxes_collect(); header.type stays 0 where the box is absent */
};
/* Fills the slots; other types are passed over. -EINVAL where one comes twice or a needed one is absent. */
int boxes_collect(const struct box *parent, const struct box_slot *slots, size_t count, struct error *err);

static inline bool box_present(const struct box *box)
{
    return box->header.type != 0;
}

/* "NAME: box 'stts' at offset 4711: ..." */
int box_fail(const struct box *box, int code, struct error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* -EINVAL "is cut short" where the body was read past its end, else 0. */
int box_check_read(const struct box *box, struct error *err);

/* Reads version and flags (section 4.2.2) and refuses versions above `version_max`. Returns the version. */
int box_version(struct box *box, unsigned version_max, uint32_t *ret_flags, struct error *err);

void box_print_type(uint32_t type, char ret_text[BOX_NAME_BYTES]); /* unprintable bytes as '?' */

/* Writing: box_end() sets the size of the box begun at the returned position. */
size_t box_begin(struct buf *buf, uint32_t type);
size_t box_begin_full(struct buf *buf, uint32_t type, uint8_t version, uint32_t flags);
void box_end(struct buf *buf, size_t begun);
