// SPDX-License-Identifier: Apache-2.0
/*
 * Each page alone, so that one is read without another: a dictionary of pages would save 1 to 4 %.
 * Pages above the leaves are what every mount fetches, and are cells of one length, each a page's number and
 * an id that are a little higher than those before: zstd finds nothing there. So each byte is stored as the
 * difference to the one a cell before it, and they take a third. The frame is of
 *
 *     bytes[step] difference[page - step] step        all modulo 256
 */
#include "index/pages/frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zstd.h>

enum {
    LEVEL = 3,
    INTERIOR = 5,      /* the first byte of such a page */
    FILE_HEADER = 100, /* before it on the first page */
    STEP_MIN = 5,      /* a cell: the page's number, 4 bytes, and */
    STEP_MAX = 13      /* a varint of up to 9 */
};

struct framer {
    ZSTD_CCtx *compress; /* NULL until used */
    ZSTD_DCtx *expand;
    struct buf stepped, packed; /* a page as differences; its frame */
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
    buf_done(&framer->stepped);
    buf_done(&framer->packed);
    free(framer);
}

/* Appends a frame of these bytes, if it is shorter than `less`. */
static bool pack_below(struct framer *framer, const void *bytes, size_t len, size_t less, struct buf *buf)
{
    size_t bound = ZSTD_compressBound(len);
    uint8_t *to = buf_room(buf, bound);
    size_t made = ZSTD_compressCCtx(framer->compress, to, bound, bytes, len, LEVEL);
    bool shorter = !ZSTD_isError(made) && made < less;
    buf->len += shorter ? made : 0;
    buf->data[buf->len] = 0;
    return shorter;
}

static void step_bytes(const uint8_t *page, uint32_t page_bytes, uint8_t step, struct buf *buf)
{
    buf_clear(buf);
    uint8_t *to = buf_room(buf, page_bytes + 1);
    memcpy(to, page, step);
    for (uint32_t i = step; i < page_bytes; i++)
        to[i] = (uint8_t)(page[i] - page[i - step]);
    to[page_bytes] = step;
    buf->len = page_bytes + 1;
}

static bool is_interior(const uint8_t *page, uint32_t page_bytes)
{
    return page_bytes > FILE_HEADER &&
           (page[0] == INTERIOR || (page[0] == 'S' && page[FILE_HEADER] == INTERIOR));
}

void framer_pack(struct framer *framer, const void *page, uint32_t page_bytes, struct buf *buf)
{
    if (!framer->compress && !(framer->compress = ZSTD_createCCtx()))
        abort(); /* out of memory, as in mem_alloc() */
    size_t before = buf->len;
    if (!pack_below(framer, page, page_bytes, page_bytes, buf))
        buf_append(buf, page, page_bytes);
    if (!is_interior(page, page_bytes))
        return;
    for (unsigned step = STEP_MIN; step <= STEP_MAX; step++) {
        step_bytes(page, page_bytes, (uint8_t)step, &framer->stepped);
        buf_clear(&framer->packed);
        if (!pack_below(framer, framer->stepped.data, framer->stepped.len, buf->len - before,
                        &framer->packed))
            continue;
        buf->len = before;
        buf_append(buf, framer->packed.data, framer->packed.len);
    }
}

/* 0: it is no such frame. */
static bool unpack_exactly(struct framer *framer, const void *bytes, size_t len, void *to, size_t to_len)
{
    return ZSTD_getFrameContentSize(bytes, len) == to_len &&
           ZSTD_findFrameCompressedSize(bytes, len) == len &&
           ZSTD_decompressDCtx(framer->expand, to, to_len, bytes, len) == to_len;
}

static bool unpack_steps(struct framer *framer, const void *bytes, size_t len, uint32_t page_bytes,
                         uint8_t *to)
{
    buf_clear(&framer->stepped);
    const uint8_t *from = buf_room(&framer->stepped, page_bytes + 1);
    if (!unpack_exactly(framer, bytes, len, framer->stepped.data, page_bytes + 1))
        return false;
    uint8_t step = from[page_bytes];
    if (step < STEP_MIN || step > STEP_MAX)
        return false;
    memcpy(to, from, step);
    for (uint32_t i = step; i < page_bytes; i++)
        to[i] = (uint8_t)(from[i] + to[i - step]);
    return true;
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
    if (unpack_exactly(framer, bytes, len, to, page_bytes) ||
        unpack_steps(framer, bytes, len, page_bytes, to))
        return 0;
    return error_set(err, EUCLEAN, "does not unpack to one page of %u bytes", page_bytes);
}
