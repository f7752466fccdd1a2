// SPDX-License-Identifier: Apache-2.0
/* Each page alone, so that one is read without another: a dictionary of pages would save 1 to 4 %. */
#include "index/pages/frame.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>

enum { LEVEL = 3 };

struct framer {
    ZSTD_CCtx *compress; /* NULL until used */
    ZSTD_DCtx *expand;
};

struct framer *framer_new(void)
{
    return MEM_NEW(struct framer);
}

void framer_free(struct framer *framer)
{
    if (!framer)
        return;
    ZSTD_freeCCtx(framer->compress);
    ZSTD_freeDCtx(framer->expand);
    free(framer);
}

void framer_pack(struct framer *framer, const void *page, uint32_t page_bytes, struct buf *buf)
{
    if (!framer->compress && !(framer->compress = ZSTD_createCCtx()))
        abort(); /* out of memory, as in mem_alloc() */
    size_t bound = ZSTD_compressBound(page_bytes);
    uint8_t *to = buf_room(buf, bound);
    size_t made = ZSTD_compressCCtx(framer->compress, to, bound, page, page_bytes, LEVEL);
    if (ZSTD_isError(made) || made >= page_bytes) {
        buf_append(buf, page, page_bytes);
        return;
    }
    buf->len += made;
    buf->data[buf->len] = 0;
}

int framer_unpack(struct framer *framer, const void *bytes, size_t len, uint32_t page_bytes, void *to,
                  struct error *err)
{
    if (len == page_bytes) {
        memcpy(to, bytes, len);
        return 0;
    }
    if (!framer->expand && !(framer->expand = ZSTD_createDCtx()))
        abort(); /* out of memory, as in mem_alloc() */
    size_t made = 0;
    if (ZSTD_findFrameCompressedSize(bytes, len) == len && ZSTD_getFrameContentSize(bytes, len) == page_bytes)
        made = ZSTD_decompressDCtx(framer->expand, to, page_bytes, bytes, len);
    if (made == page_bytes)
        return 0;
    return error_set(err, EUCLEAN, "does not unpack to one page of %u bytes", page_bytes);
}
