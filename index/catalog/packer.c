// SPDX-License-Identifier: Apache-2.0
/* Compressing by one reused context: making one for each small blob costs more than the compression. */
#include "index/catalog/packer.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "cache/base/cursor.h"

enum { PACK_PLAIN = 0, PACK_ZSTD = 1, LEVEL = 3 };

struct packer {
    ZSTD_CCtx *compress;
    ZSTD_DCtx *expand;
};

struct packer *packer_new(void)
{
    struct packer *packer = MEM_NEW(struct packer);
    packer->compress = ZSTD_createCCtx();
    packer->expand = ZSTD_createDCtx();
    if (!packer->compress || !packer->expand)
        abort(); /* out of memory, as in mem_alloc() */
    return packer;
}

void packer_free(struct packer *packer)
{
    if (!packer)
        return;
    ZSTD_freeCCtx(packer->compress);
    ZSTD_freeDCtx(packer->expand);
    free(packer);
}

void packer_pack(struct packer *packer, const void *bytes, size_t len, unsigned saving_percent,
                 struct buf *buf)
{
    size_t start = buf->len, bound = ZSTD_compressBound(len);
    buf_u8(buf, PACK_ZSTD);
    buf_varint(buf, len);
    uint8_t *to = buf_room(buf, bound);
    size_t made = ZSTD_compressCCtx(packer->compress, to, bound, bytes, len, LEVEL);
    if (!ZSTD_isError(made) && made <= len - len / 100 * saving_percent) {
        buf->len += made;
        buf->data[buf->len] = 0;
        return;
    }
    buf->len = start;
    buf_u8(buf, PACK_PLAIN);
    buf_append(buf, bytes, len);
}

int packer_unpack(struct packer *packer, const void *packed, size_t len, size_t max_bytes, struct buf *buf)
{
    struct cursor c = cursor_of(packed, len);
    uint8_t coding = cursor_u8(&c);
    uint64_t raw = coding == PACK_ZSTD ? cursor_varint(&c) : cursor_left(&c);
    if (c.failed || coding > PACK_ZSTD || raw > max_bytes)
        return -EUCLEAN;
    size_t left = cursor_left(&c);
    const uint8_t *from = cursor_bytes(&c, left);
    if (coding == PACK_PLAIN) {
        buf_append(buf, from, left);
        return 0;
    }
    if (ZSTD_getFrameContentSize(from, left) !=
        raw) /* before memory is taken for what only a number claims */
        return -EUCLEAN;
    uint8_t *to = buf_room(buf, raw);
    size_t made = ZSTD_decompressDCtx(packer->expand, to, raw, from, left);
    if (ZSTD_isError(made) || made != raw)
        return -EUCLEAN;
    buf->len += made;
    buf->data[buf->len] = 0;
    return 0;
}
