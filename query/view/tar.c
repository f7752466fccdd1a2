// SPDX-License-Identifier: Apache-2.0
/* Fields are put where POSIX has them; what they cannot hold becomes records of a pax header. */
#include "query/view/tar.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { NAME_FIELD_BYTES = 100, MODE = 0644 };
#define FIELD_MAX ((UINT64_C(1) << 33) - 1) /* 11 octal digits */

/* The header's fields, by offset. */
enum {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_TIME = 136,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    AT_MAJOR = 329,
    AT_MINOR = 337,
};

static bool name_fits(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] >= 0x80)
            return false;
    return len <= NAME_FIELD_BYTES;
}

/* "LEN KEY=VALUE\n", whose LEN counts itself. */
static void append_record(struct buf *buf, const char *key, const char *value)
{
    size_t rest = strlen(key) + strlen(value) + 3, len = rest + 1;
    while (len != rest + (size_t)snprintf(NULL, 0, "%zu", len))
        len = rest + (size_t)snprintf(NULL, 0, "%zu", len);
    buf_printf(buf, "%zu %s=%s\n", len, key, value);
}

/* Seconds that the header can say. */
static uint64_t seconds(const struct tar_member *member)
{
    uint64_t time_s = member->time_ns < 0 ? 0 : (uint64_t)member->time_ns / 1000000000;
    return time_s > FIELD_MAX ? FIELD_MAX : time_s;
}

/* What the header cannot say; empty if it can. As long for any time. */
static void append_records(const struct tar_member *member, struct buf *buf)
{
    char text[32];
    uint64_t time_s = seconds(member);
    if (name_fits(member->name) && member->size <= FIELD_MAX)
        return;
    if (!name_fits(member->name))
        append_record(buf, "path", member->name);
    snprintf(text, sizeof text, "%llu", (unsigned long long)member->size);
    if (member->size > FIELD_MAX)
        append_record(buf, "size", text);
    snprintf(text, sizeof text, "%010llu.%09llu", (unsigned long long)time_s,
             member->time_ns < 0 ? 0 : (unsigned long long)member->time_ns % 1000000000);
    append_record(buf, "mtime", text);
}

static size_t padding(uint64_t size)
{
    return (TAR_BLOCK_BYTES - size % TAR_BLOCK_BYTES) % TAR_BLOCK_BYTES;
}

/* `digits` octal digits and a NUL. */
static void put_octal(uint8_t *at, uint64_t number, int digits)
{
    char text[16];
    snprintf(text, sizeof text, "%0*llo", digits, (unsigned long long)number);
    memcpy(at, text, (size_t)digits + 1);
}

/* As much of it as there is room for, whole characters; who reads pax never looks at one that was cut. */
static size_t name_part(const char *name)
{
    size_t len = strlen(name);
    if (len <= NAME_FIELD_BYTES)
        return len;
    len = NAME_FIELD_BYTES;
    while (len && ((unsigned char)name[len] & 0xC0) == 0x80)
        len--;
    return len;
}

static void append_block(struct buf *buf, const struct tar_member *member, char type)
{
    static const uint8_t magic[] = {'u', 's', 't', 'a', 'r', 0, '0', '0'};
    uint8_t block[TAR_BLOCK_BYTES] = {0};
    unsigned sum = 0;
    memcpy(block + AT_NAME, member->name, name_part(member->name));
    put_octal(block + AT_MODE, MODE, 7);
    put_octal(block + AT_UID, 0, 7);
    put_octal(block + AT_GID, 0, 7);
    put_octal(block + AT_SIZE, member->size > FIELD_MAX ? 0 : member->size, 11);
    put_octal(block + AT_TIME, seconds(member), 11);
    memset(block + AT_SUM, ' ', 8);
    block[AT_TYPE] = (uint8_t)type;
    memcpy(block + AT_MAGIC, magic, sizeof magic);
    put_octal(block + AT_MAJOR, 0, 7);
    put_octal(block + AT_MINOR, 0, 7);
    for (size_t i = 0; i < sizeof block; i++)
        sum += block[i];
    put_octal(block + AT_SUM, sum, 6); /* six digits, a NUL, and the blank that stands there */
    buf_append(buf, block, sizeof block);
}

size_t tar_header_bytes(const struct tar_member *member)
{
    CLEANUP_BUF struct buf records = BUF_INIT;
    append_records(member, &records);
    if (!records.len)
        return TAR_BLOCK_BYTES;
    return 2 * TAR_BLOCK_BYTES + records.len + padding(records.len);
}

void tar_header_append(const struct tar_member *member, struct buf *buf)
{
    CLEANUP_BUF struct buf records = BUF_INIT;
    append_records(member, &records);
    if (records.len) {
        append_block(buf, &(struct tar_member){"PaxHeaders", records.len, member->time_ns}, 'x');
        buf_append(buf, records.data, records.len);
        buf_zero(buf, padding(records.len));
    }
    append_block(buf, member, '0');
}

size_t tar_padding(const struct tar_member *member)
{
    return padding(member->size);
}
