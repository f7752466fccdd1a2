// SPDX-License-Identifier: Apache-2.0
/*
 * A page is read as SQLite reads it (SQLite file format, sections 1.5 and 1.6): what a header, an array of
 * cells, a cell or the head of a free block takes is kept, all other bytes are not. What hangs over a cell
 * lies in pages that each name the next one; behind the last byte of it nothing is kept either. Pages that
 * were not written are not read: their like was tidied when they were.
 */
#include "index/pages/tidy.h"

#include <errno.h>
#include <string.h>

#include "cache/base/cursor.h"

enum {
    FILE_HEADER_BYTES = 100,
    FREE_TRUNK_AT = 32,
    INTERIOR_INDEX = 2,
    INTERIOR_TABLE = 5,
    LEAF_INDEX = 10,
    LEAF_TABLE = 13,
    LEAF_HEADER_BYTES = 8,
    INTERIOR_HEADER_BYTES = 12,
    FREE_BLOCK_BYTES = 4,
    CELL_BYTES_MIN = 4,
    CHILD_BYTES = 4,
    NEXT_BYTES = 4, /* of the next page of what hangs over */
    VARINT_BYTES = 9,
};

struct tidying {
    struct overlay *overlay;
    uint32_t page_bytes;
    uint8_t *bytes, *over,
        *kept;     /* of a page of a tree; of one that hangs over; a byte a byte that is kept */
    uint8_t *done; /* a bit a page that is no page of a tree */
};

static int damaged(const struct tidying *t, uint32_t page, struct error *err)
{
    return error_set(err, EUCLEAN, "page %u of the catalog %s is none that SQLite writes", page + 1,
                     overlay_name(t->overlay));
}

static int read_page(const struct tidying *t, uint32_t page, uint8_t *to, struct error *err)
{
    static const struct catalog_patience patient = {0};
    struct page_range range = {.page = page, .len = t->page_bytes};
    return overlay_read(t->overlay, &range, to, &patient, err);
}

static bool is_done(const struct tidying *t, uint32_t page)
{
    return t->done[page / 8] >> page % 8 & 1;
}

static void set_done(const struct tidying *t, uint32_t page)
{
    t->done[page / 8] |= (uint8_t)(1 << page % 8);
}

/* Keeps the first `used` bytes of a page that is no tree's. */
static int cut_page(const struct tidying *t, uint32_t page, uint8_t *bytes, size_t used, struct error *err)
{
    bool tidy = true;
    set_done(t, page);
    for (size_t i = used; i < t->page_bytes; i++) {
        tidy &= !bytes[i];
        bytes[i] = 0;
    }
    return tidy ? 0 : overlay_write(t->overlay, page, bytes, err);
}

/* ---- what hangs over ---- */

static int follow(const struct tidying *t, uint32_t next, uint64_t left, struct error *err)
{
    const uint32_t room = t->page_bytes - NEXT_BYTES;
    while (left && next && next <= overlay_pages(t->overlay) && overlay_has(t->overlay, next - 1)) {
        uint32_t page = next - 1, here = left < room ? (uint32_t)left : room;
        int rc = read_page(t, page, t->over, err);
        if (rc < 0)
            return rc;
        struct cursor c = cursor_of(t->over, NEXT_BYTES);
        next = cursor_be32(&c);
        left -= here;
        rc = cut_page(t, page, t->over, NEXT_BYTES + here, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- cells ---- */

static uint64_t varint(struct cursor *c)
{
    uint64_t number = 0;
    for (int k = 1; k <= VARINT_BYTES; k++) {
        uint8_t byte = cursor_u8(c);
        number = k == VARINT_BYTES ? number << 8 | byte : number << 7 | (byte & 0x7f);
        if (byte < 0x80)
            break;
    }
    return number;
}

/* How many bytes of a payload stand in its cell. */
static uint64_t here_of(uint64_t payload, uint32_t usable, bool table)
{
    uint64_t most = table ? usable - 35 : (usable - 12) * 64 / 255 - 23,
             least = (usable - 12) * 32 / 255 - 23;
    if (payload <= most)
        return payload;
    uint64_t here = least + (payload - least) % (usable - NEXT_BYTES);
    return here <= most ? here : least;
}

/* Marks the cell at `at`; false: there is none. *ret_over: what hangs over it, from page *ret_next on. */
static bool mark_cell(const struct tidying *t, uint8_t type, uint16_t at, uint64_t *ret_over,
                      uint32_t *ret_next)
{
    struct cursor c = cursor_of(t->bytes, t->page_bytes);
    cursor_seek(&c, at);
    *ret_over = 0;
    if (type == INTERIOR_TABLE || type == INTERIOR_INDEX)
        cursor_skip(&c, CHILD_BYTES);
    uint64_t payload = varint(&c), here = 0;
    if (type == LEAF_TABLE)
        varint(&c);
    if (type != INTERIOR_TABLE) {
        here = here_of(payload, t->page_bytes, type == LEAF_TABLE);
        *ret_over = payload - here;
    }
    cursor_skip(&c, here);
    *ret_next = *ret_over ? cursor_be32(&c) : 0;
    if (c.failed)
        return false;
    size_t len = t->page_bytes - cursor_left(&c) - at;
    len = len < CELL_BYTES_MIN ? CELL_BYTES_MIN : len;
    if (len > t->page_bytes - at)
        return false;
    memset(t->kept + at, 1, len);
    return true;
}

static bool mark_free_blocks(const struct tidying *t, uint16_t at)
{
    for (uint16_t next; at; at = next) {
        struct cursor c = cursor_of(t->bytes, t->page_bytes);
        cursor_seek(&c, at);
        next = cursor_be16(&c);
        cursor_be16(&c);
        if (c.failed || (next && next <= at))
            return false;
        memset(t->kept + at, 1, FREE_BLOCK_BYTES);
    }
    return true;
}

/* ---- pages ---- */

static bool is_tree(uint8_t type)
{
    return type == INTERIOR_INDEX || type == INTERIOR_TABLE || type == LEAF_INDEX || type == LEAF_TABLE;
}

static int mark_cells(const struct tidying *t, uint32_t page, uint8_t type, struct cursor cells,
                      uint32_t count, struct error *err)
{
    int rc = 0;
    for (uint32_t i = 0; !rc && i < count; i++) {
        uint64_t over;
        uint32_t next;
        uint16_t at = cursor_be16(&cells);
        if (cells.failed || !mark_cell(t, type, at, &over, &next))
            return damaged(t, page, err);
        rc = over ? follow(t, next, over, err) : 0;
    }
    return rc;
}

static int tidy_tree(const struct tidying *t, uint32_t page, struct error *err)
{
    size_t header = page ? 0 : FILE_HEADER_BYTES;
    struct cursor c = cursor_of(t->bytes, t->page_bytes);
    cursor_seek(&c, header);
    uint8_t type = cursor_u8(&c);
    uint16_t blocks = cursor_be16(&c);
    uint32_t count = cursor_be16(&c);
    size_t start = header + (type == INTERIOR_INDEX || type == INTERIOR_TABLE ? INTERIOR_HEADER_BYTES
                                                                              : LEAF_HEADER_BYTES);
    cursor_seek(&c, start);
    if (start + 2 * (size_t)count > t->page_bytes)
        return damaged(t, page, err);
    memset(t->kept, 0, t->page_bytes);
    memset(t->kept, 1, start + 2 * (size_t)count);
    int rc = mark_cells(t, page, type, c, count, err);
    if (!rc && !mark_free_blocks(t, blocks))
        rc = damaged(t, page, err);
    bool tidy = true;
    for (size_t i = 0; i < t->page_bytes; i++) {
        tidy &= t->kept[i] || !t->bytes[i];
        t->bytes[i] = t->kept[i] ? t->bytes[i] : 0;
    }
    return rc < 0 || tidy ? rc : overlay_write(t->overlay, page, t->bytes, err);
}

/* The pages that hold the list of free ones. Its leaves are nobody's. */
static int tidy_free_list(const struct tidying *t, struct error *err)
{
    int rc = read_page(t, 0, t->over, err);
    struct cursor c = cursor_of(t->over + FREE_TRUNK_AT, 4);
    uint32_t next = cursor_be32(&c), pages = overlay_pages(t->overlay);
    for (uint32_t left = pages; rc >= 0 && next && next <= pages && left; left--) {
        uint32_t page = next - 1;
        rc = read_page(t, page, t->over, err);
        if (rc < 0)
            return rc;
        c = cursor_of(t->over, t->page_bytes);
        next = cursor_be32(&c);
        uint32_t count = cursor_be32(&c);
        if (count > cursor_left(&c) / 4)
            return damaged(t, page, err);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t leaf = cursor_be32(&c);
            if (!leaf || leaf > pages)
                return damaged(t, page, err);
            set_done(t, leaf - 1);
        }
        if (overlay_has(t->overlay, page))
            rc = cut_page(t, page, t->over, 8 + 4 * (size_t)count, err);
        set_done(t, page);
    }
    return rc;
}

static int tidy_written(const struct tidying *t, struct error *err)
{
    int rc = tidy_free_list(t, err);
    for (uint32_t page = 0; !rc && page < overlay_pages(t->overlay); page++) {
        if (!overlay_has(t->overlay, page) || is_done(t, page))
            continue;
        rc = read_page(t, page, t->bytes, err);
        if (!rc && is_tree(t->bytes[page ? 0 : FILE_HEADER_BYTES]))
            rc = tidy_tree(t, page, err);
    }
    return rc;
}

int tidy_pages(struct overlay *overlay, struct error *err)
{
    uint32_t bytes = overlay_page_bytes(overlay), pages = overlay_pages(overlay);
    if (!pages)
        return 0;
    struct tidying t = {.overlay = overlay,
                        .page_bytes = bytes,
                        .bytes = mem_alloc(bytes),
                        .over = mem_alloc(bytes),
                        .kept = mem_alloc(bytes),
                        .done = mem_zero(pages / 8 + 1)};
    int rc = tidy_written(&t, err);
    free(t.bytes);
    free(t.over);
    free(t.kept);
    free(t.done);
    return rc;
}
