// SPDX-License-Identifier: Apache-2.0
/* All leaves of a tree lie equally deep, so one way down tells how deep: the leaves themselves need not be
 * read. Nothing is followed more often than the file has pages, which ends every cycle. */
#include "index/pages/btree.h"

#include <errno.h>

#include "cache/base/cursor.h"
#include "cache/base/memory.h"

enum {
    FILE_HEADER_BYTES = 100,
    DEPTH_MAX = 20,
    INTERIOR_INDEX = 2,
    INTERIOR_TABLE = 5,
    LEAF_INDEX = 10,
    LEAF_TABLE = 13,
    INTERIOR_HEADER_BYTES = 12,
    FREE_TRUNK_AT = 32, /* in the file's header: the first page of the list of free ones */
};

struct walk {
    const struct btree_file *file;
    const int64_t *ids; /* leaves with rows of ids[0] to ids[1]; NULL: all, and the pages above them */
    btree_fn *each;
    void *ctx;
    uint64_t left; /* pages that may still be visited */
};

static int bad_page(uint32_t page, struct error *err, const char *what)
{
    return error_set(err, EUCLEAN, "page %u of the catalog %s", page + 1, what);
}

static int read_page(const struct btree_file *file, uint32_t page, uint8_t *to, struct error *err)
{
    return page < file->pages ? file->read(file->ctx, page, to, err)
                              : bad_page(page, err, "is named and is not there");
}

/* Where the header of a tree's page starts in it. */
static size_t header_at(uint32_t page)
{
    return page ? 0 : FILE_HEADER_BYTES;
}

bool btree_interior(const uint8_t *bytes, uint32_t page)
{
    uint8_t type = bytes[header_at(page)];
    return type == INTERIOR_INDEX || type == INTERIOR_TABLE;
}

static bool is_leaf(const uint8_t *bytes, uint32_t page)
{
    uint8_t type = bytes[header_at(page)];
    return type == LEAF_INDEX || type == LEAF_TABLE;
}

/* The children of an interior page, from 0: its cells' first, then the one of what is greater. */
static uint32_t children_of(const uint8_t *bytes, uint32_t page)
{
    struct cursor c = cursor_of(bytes + header_at(page) + 3, 2);
    return cursor_be16(&c) + 1u;
}

static int child_of(const struct btree_file *file, const uint8_t *bytes, uint32_t page, uint32_t i,
                    uint32_t *ret, struct error *err)
{
    struct cursor c = cursor_of(bytes, file->page_bytes);
    cursor_seek(&c, header_at(page) + 8);
    uint32_t child = cursor_be32(&c);
    if (i + 1 < children_of(bytes, page)) {
        cursor_seek(&c, header_at(page) + INTERIOR_HEADER_BYTES + 2 * (uint64_t)i);
        cursor_seek(&c, cursor_be16(&c));
        child = cursor_be32(&c);
    }
    if (c.failed || !child || child > file->pages)
        return bad_page(page, err, "names a page that cannot be");
    *ret = child - 1;
    return 0;
}

/* ---- one row ---- */

/* The next big-endian varint (section 1.6). Not by the cursor's bytes: a look-up reads dozens. */
static uint64_t read_varint(struct cursor *c)
{
    enum { VARINT_BYTES = 9 };
    uint64_t number = 0;
    for (int k = 1; k <= VARINT_BYTES && c->at < c->len; k++) {
        uint8_t byte = c->data[c->at++];
        if (k == VARINT_BYTES)
            return number << 8 | byte;
        number = number << 7 | (byte & 0x7f);
        if (byte < 0x80)
            return number;
    }
    c->failed = true;
    return 0;
}

/* At cell i of a page, whose list of cells starts at `list`. */
static struct cursor cell_at(const struct btree_file *file, const uint8_t *bytes, size_t list, uint32_t i)
{
    struct cursor c = cursor_of(bytes, file->page_bytes);
    size_t at = list + 2 * (size_t)i;
    c.failed = at + 2 > c.len;
    c.at = c.failed ? c.len : (size_t)bytes[at] << 8 | bytes[at + 1];
    c.at = c.at < c.len ? c.at : c.len;
    return c;
}

/* The id up to which child i has rows: behind the child's number. */
static int64_t last_id(const struct btree_file *file, const uint8_t *bytes, uint32_t page, uint32_t i)
{
    struct cursor c = cell_at(file, bytes, header_at(page) + INTERIOR_HEADER_BYTES, i);
    cursor_skip(&c, 4);
    uint64_t id = read_varint(&c);
    return c.failed ? INT64_MAX : (int64_t)id;
}

static uint32_t child_with(const struct btree_file *file, const uint8_t *bytes, uint32_t page, int64_t id)
{
    uint32_t low = 0, high = children_of(bytes, page) - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (last_id(file, bytes, page, middle) < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Down to where the row would be: 0; or to a page that is not here: 1. *ret_depth: levels from the root. */
static int descend(const struct btree_file *file, uint32_t root, int64_t id, uint32_t *ret_page,
                   unsigned *ret_depth, struct error *err)
{
    CLEANUP_FREE uint8_t *bytes = mem_alloc(file->page_bytes);
    for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
        int rc = read_page(file, root, bytes, err);
        if (rc < 0 && rc != -EAGAIN)
            return rc;
        if (rc == -EAGAIN || is_leaf(bytes, root)) {
            *ret_page = root;
            *ret_depth = depth;
            return rc == -EAGAIN;
        }
        if (!btree_interior(bytes, root))
            return bad_page(root, err, "is no part of a table");
        rc = child_of(file, bytes, root, child_with(file, bytes, root, id), &root, err);
        if (rc < 0)
            return rc;
    }
    return bad_page(root, err, "lies too deep");
}

int btree_leaf(const struct btree_file *file, uint32_t root, int64_t id, uint32_t *ret_page,
               struct error *err)
{
    unsigned depth;
    int rc = descend(file, root, id, ret_page, &depth, err);
    return rc < 0 ? rc : 0;
}

int btree_child(const struct btree_file *file, const uint8_t *bytes, uint32_t page, int64_t id, uint32_t *ret,
                struct error *err)
{
    return child_of(file, bytes, page, child_with(file, bytes, page, id), ret, err);
}

/* The first cell of a leaf whose row has this id, or a greater one; its record's length and id. */
static uint32_t cell_with(const struct btree_file *file, const uint8_t *bytes, size_t list, int64_t id,
                          uint32_t cells)
{
    uint32_t low = 0, high = cells;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct cursor c = cell_at(file, bytes, list, middle);
        read_varint(&c);
        int64_t own = (int64_t)read_varint(&c);
        if (!c.failed && own < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int btree_row(const struct btree_file *file, const uint8_t *bytes, uint32_t page, int64_t id,
              const uint8_t **ret, size_t *ret_len, struct error *err)
{
    enum { LEAF_HEADER_BYTES = 8, NOT_RECORD_BYTES = 35 }; /* of a page: section 1.5 */
    size_t list = header_at(page) + LEAF_HEADER_BYTES;
    uint32_t cells = children_of(bytes, page) - 1;
    if (bytes[header_at(page)] != LEAF_TABLE)
        return bad_page(page, err, "is no leaf of a table");
    uint32_t i = cell_with(file, bytes, list, id, cells);
    if (i == cells)
        return 0;
    struct cursor c = cell_at(file, bytes, list, i);
    uint64_t len = read_varint(&c);
    int64_t own = (int64_t)read_varint(&c);
    if (c.failed)
        return bad_page(page, err, "has a row that is not on it");
    if (own != id)
        return 0;
    if (len > file->page_bytes - NOT_RECORD_BYTES)
        return -ENODATA;
    *ret = cursor_bytes(&c, len);
    *ret_len = (size_t)len;
    return c.failed ? bad_page(page, err, "has a row that is not on it") : 1;
}

bool btree_record_blob(const uint8_t *record, size_t len, const uint8_t **ret, size_t *ret_len)
{
    enum { SAME_AS_ID = 0, BLOB = 12 };
    struct cursor c = cursor_of(record, len);
    uint64_t head = read_varint(&c), id = read_varint(&c), type = read_varint(&c);
    if (c.failed || head != c.at || id != SAME_AS_ID || type < BLOB || type % 2 ||
        (type - BLOB) / 2 != cursor_left(&c))
        return false;
    *ret = record + c.at;
    *ret_len = cursor_left(&c);
    return true;
}

/* ---- many leaves ---- */

static int visit(struct walk *walk, uint32_t page, unsigned depth, struct error *err)
{
    const struct btree_file *file = walk->file;
    if (!walk->left--)
        return bad_page(page, err, "is part of a table that is larger than the file");
    if (!depth)
        return walk->each(walk->ctx, page, BTREE_LEAF, err);
    CLEANUP_FREE uint8_t *bytes = mem_alloc(file->page_bytes);
    int rc = read_page(file, page, bytes, err);
    bool away = rc == -EAGAIN && walk->ids;
    if (!rc && !btree_interior(bytes, page))
        rc = bad_page(page, err, "is a leaf higher than others");
    if (away || (!rc && !walk->ids))
        rc = walk->each(walk->ctx, page, BTREE_INTERIOR, err);
    if (away || rc)
        return rc;
    uint32_t i = walk->ids ? child_with(file, bytes, page, walk->ids[0]) : 0,
             last = walk->ids ? child_with(file, bytes, page, walk->ids[1]) : children_of(bytes, page) - 1;
    for (; !rc && i <= last; i++) {
        uint32_t child;
        rc = child_of(file, bytes, page, i, &child, err);
        if (!rc)
            rc = visit(walk, child, depth - 1, err);
    }
    return rc;
}

int btree_upper(const struct btree_file *file, uint32_t root, btree_fn *each, void *ctx, struct error *err)
{
    struct walk walk = {.file = file, .each = each, .ctx = ctx, .left = file->pages};
    uint32_t leaf;
    unsigned depth;
    int rc = descend(file, root, INT64_MIN, &leaf, &depth, err);
    return rc < 0 ? rc : rc ? -EAGAIN : visit(&walk, root, depth, err);
}

int btree_leaves(const struct btree_file *file, struct btree_table *table, const int64_t ids[2],
                 btree_fn *each, void *ctx, struct error *err)
{
    struct walk walk = {.file = file, .ids = ids, .each = each, .ctx = ctx, .left = file->pages};
    uint32_t page;
    unsigned depth = table->depth;
    int rc = table->known ? 0 : descend(file, table->root, ids[0], &page, &depth, err);
    if (rc < 0)
        return rc;
    table->known = !rc;
    table->depth = depth;
    return visit(&walk, table->root, depth, err);
}

/* ---- free pages ---- */

static int tell_trunk(const struct btree_file *file, const uint8_t *bytes, uint32_t trunk,
                      btree_free_fn *each, void *ctx, struct error *err)
{
    struct cursor c = cursor_of(bytes, file->page_bytes);
    cursor_skip(&c, 4);
    uint32_t count = cursor_be32(&c);
    if (count > cursor_left(&c) / 4)
        return bad_page(trunk, err, "names more free pages than it can");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t page = cursor_be32(&c);
        if (page < 2 || page > file->pages)
            return bad_page(trunk, err, "names a free page that cannot be");
        int rc = each(ctx, page - 1, err);
        if (rc)
            return rc;
    }
    return 0;
}

int btree_free_pages(const struct btree_file *file, btree_free_fn *each, void *ctx, struct error *err)
{
    CLEANUP_FREE uint8_t *bytes = mem_alloc(file->page_bytes);
    int rc = read_page(file, 0, bytes, err);
    if (rc < 0)
        return rc;
    struct cursor c = cursor_of(bytes + FREE_TRUNK_AT, 4);
    uint32_t trunk = cursor_be32(&c);
    for (uint64_t left = file->pages; !rc && trunk; left--) {
        if (!left)
            return bad_page(trunk - 1, err, "is part of a list of free pages that has no end");
        rc = read_page(file, trunk - 1, bytes, err);
        if (!rc)
            rc = tell_trunk(file, bytes, trunk - 1, each, ctx, err);
        c = cursor_of(bytes, 4);
        trunk = cursor_be32(&c);
    }
    return rc;
}

uint32_t btree_lock_page(uint32_t page_bytes)
{
    return (1u << 30) / page_bytes;
}
