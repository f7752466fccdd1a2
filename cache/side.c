// SPDX-License-Identifier: Apache-2.0
/* A torn or stale record costs one fetch: the block's CRC32C then differs. So records carry no check of their
 * own; the header does, because a wrong one would give all records another meaning. */
#include "cache/side.h"

#include <errno.h>
#include <string.h>

#include "cache/base/buf.h"
#include "cache/base/cursor.h"

static const char magic[8] = {'e', 'l', 'i', 'd', 'e', 'b', 'l', 'k'};
enum { RECORD_EMPTY = 0, RECORD_VALID = 1, HEADER_CRC_AT = SIDE_HEADER_BYTES - 4 };

void side_header(uint8_t ret[SIDE_HEADER_BYTES], const uint8_t key[SHA256_BYTES], const struct blocks *blocks)
{
    CLEANUP_BUF struct buf header = BUF_INIT;
    buf_append(&header, magic, sizeof magic);
    buf_le32(&header, SIDE_VERSION);
    buf_le32(&header, blocks->block_bytes);
    buf_le64(&header, blocks->size);
    buf_append(&header, key, SHA256_BYTES);
    buf_le32(&header, 0);
    buf_le32(&header, crc32c(0, header.data, header.len));
    memcpy(ret, header.data, SIDE_HEADER_BYTES);
}

int side_header_check(const uint8_t *bytes, size_t len, const uint8_t key[SHA256_BYTES],
                      const struct blocks *blocks, struct error *err)
{
    uint8_t right[SIDE_HEADER_BYTES];
    side_header(right, key, blocks);
    if (len < SIDE_HEADER_BYTES)
        return error_set(err, EINVAL, "the header is cut short");
    if (!memcmp(bytes, right, SIDE_HEADER_BYTES))
        return 0;
    struct cursor c = cursor_of(bytes, SIDE_HEADER_BYTES);
    cursor_seek(&c, HEADER_CRC_AT);
    if (memcmp(bytes, magic, sizeof magic) != 0 || cursor_le32(&c) != crc32c(0, bytes, HEADER_CRC_AT))
        return error_set(err, EINVAL, "the header is damaged");
    return error_set(err, EINVAL, "the header is that of another version, size, key or block");
}

uint64_t side_record_offset(uint64_t block)
{
    return SIDE_HEADER_BYTES + block * SIDE_RECORD_BYTES;
}

void side_record(uint8_t ret[SIDE_RECORD_BYTES], uint32_t crc)
{
    ret[0] = RECORD_VALID;
    for (int i = 0; i < 4; i++)
        ret[1 + i] = (uint8_t)(crc >> (8 * i));
}

uint32_t side_record_crc(const uint8_t record[SIDE_RECORD_BYTES])
{
    struct cursor c = cursor_of(record + 1, SIDE_RECORD_BYTES - 1);
    return cursor_le32(&c);
}

uint64_t side_records_load(const uint8_t *bytes, size_t len, uint64_t first, struct blocks *blocks)
{
    struct cursor c = cursor_of(bytes, len);
    uint64_t bad = 0;
    for (uint64_t i = first; i < blocks->count && cursor_left(&c) >= SIDE_RECORD_BYTES; i++) {
        uint8_t valid = cursor_u8(&c);
        uint32_t crc = cursor_le32(&c);
        bad += valid != RECORD_EMPTY && valid != RECORD_VALID;
        if (valid == RECORD_VALID && blocks->state[i] == BLOCK_ABSENT && blocks->crc[i] != crc) {
            blocks_set(blocks, i, i + 1, BLOCK_DISK);
            blocks->crc[i] = crc;
        }
    }
    return bad;
}
