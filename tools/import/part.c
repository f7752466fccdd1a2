// SPDX-License-Identifier: Apache-2.0
/* By the path alone: it is the same on every machine, wherever each has mounted the source. */
#include "tools/import/part.h"

#include <errno.h>
#include <string.h>

#include "cache/base/cursor.h"
#include "cache/base/hash.h"
#include "index/base/value.h"

static bool number_of(const char *text, size_t len, uint32_t *ret)
{
    struct value value;
    if (value_parse(VALUE_INT, text, len, &value, NULL) || value.integer < 0 ||
        value.integer > IMPORT_PARTS_MAX)
        return false;
    *ret = (uint32_t)value.integer;
    return true;
}

int import_part_parse(const char *text, struct import_part *ret, struct error *err)
{
    const char *slash = strchr(text, '/');
    struct import_part part = {0};
    if (!slash || !number_of(text, (size_t)(slash - text), &part.number) ||
        !number_of(slash + 1, strlen(slash + 1), &part.count) || !part.count)
        return error_set(err, EINVAL, "--part %s: expected I/N, as in 1/8, with N up to %d", text,
                         IMPORT_PARTS_MAX);
    if (!part.number || part.number > part.count)
        return error_set(err, EINVAL, "--part %s: parts count from 1: 1/%u to %u/%u", text, part.count,
                         part.count, part.count);
    *ret = part;
    return 0;
}

bool import_part_has(const struct import_part *part, const char *path)
{
    uint8_t digest[SHA256_BYTES];
    if (!part)
        return true;
    sha256_of(path, strlen(path), digest);
    struct cursor c = cursor_of(digest, sizeof digest);
    return cursor_le64(&c) % part->count == part->number - 1;
}

void import_pinned_encode(const struct store_object *pinned, struct buf *buf)
{
    buf_varint(buf, pinned->size);
    buf_le64(buf, (uint64_t)pinned->modified_ns);
    buf_u8(buf, (uint8_t)(pinned->versioned | pinned->archived << 1));
    buf_append(buf, pinned->pin, strlen(pinned->pin) + 1);
    evidence_encode(&pinned->evidence, buf);
}

bool import_pinned_decode(const struct buf *bytes, struct store_object *ret)
{
    enum { VERSIONED = 1, ARCHIVED = 2 };
    struct cursor c = cursor_of(bytes->data, bytes->len);
    struct store_object pinned = {.size = cursor_varint(&c), .modified_ns = (int64_t)cursor_le64(&c)};
    uint8_t flags = cursor_u8(&c);
    const char *pin = cursor_text(&c);
    if (c.failed || !pin || strlen(pin) >= sizeof pinned.pin || flags > (VERSIONED | ARCHIVED))
        return false;
    pinned.versioned = flags & VERSIONED;
    pinned.archived = flags & ARCHIVED;
    memcpy(pinned.pin, pin, strlen(pin) + 1);
    size_t left = cursor_left(&c);
    if (left && !evidence_decode(cursor_bytes(&c, left), left, pinned.size, &pinned.evidence))
        return false;
    *ret = pinned;
    return true;
}
