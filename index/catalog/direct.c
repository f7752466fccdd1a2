// SPDX-License-Identifier: Apache-2.0
/* Down from the root, whose place the schema names: pages above leaves are kept, since each look-up comes by
 * them; a leaf is held only as long as its row is. */
#include "index/catalog/direct.h"

#include <errno.h>
#include <string.h>

#include "index/pages/btree.h"
#include "index/pages/pages.h"

static const char *const names[DIRECT_TABLES] = {[DIRECT_NAMES] = "names",
                                                 [DIRECT_SIZES] = "sizes",
                                                 [DIRECT_GROWN] = "grown",
                                                 [DIRECT_FORWARD] = "forward"};

void direct_done(struct direct *direct)
{
    for (size_t i = 0; i < DIRECT_UPPER; i++)
        page_bytes_unref(direct->upper[i].bytes);
    *direct = (struct direct){0};
}

void direct_row_done(struct direct_row *row)
{
    page_bytes_unref(row->page);
    *row = (struct direct_row){0};
}

static int note_root(struct direct *direct, struct db *db, sqlite3_stmt *stmt)
{
    const char *name;
    int64_t root;
    int rc = db_column_text(db, stmt, 0, &name, NULL);
    if (!rc)
        rc = db_column_number(db, stmt, 1, 1, &root, NULL);
    for (size_t i = 0; !rc && i < DIRECT_TABLES; i++)
        if (!strcmp(names[i], name))
            direct->roots[i] = root <= UINT32_MAX ? (uint32_t)root : 0;
    return rc;
}

/* Pages whose ends are reserved for something else are laid out otherwise. */
static bool pages_are_whole(struct db *db)
{
    enum { RESERVED_AT = 20 };
    CLEANUP_PAGE_BYTES struct page_bytes *first = db_page(db, 0);
    return first && !first->bytes[RESERVED_AT];
}

static int find_roots(struct direct *direct, struct db *db)
{
    sqlite3_stmt *stmt;
    if (direct->known)
        return 0;
    int rc = pages_are_whole(db) ? db_query(db, QUERY_ROOTS, &stmt, NULL) : -EAGAIN;
    if (rc)
        return rc;
    while ((rc = db_step(db, stmt, NULL)) == 1)
        if (note_root(direct, db, stmt))
            break;
    sqlite3_reset(stmt);
    direct->known = !rc;
    return rc;
}

/* A reference to a page; those above leaves are kept. */
static struct page_bytes *take_page(struct direct *direct, struct db *db, uint32_t page)
{
    struct direct_upper *upper = &direct->upper[page % DIRECT_UPPER];
    if (upper->bytes && upper->page == page)
        return page_bytes_ref(upper->bytes);
    struct page_bytes *bytes = db_page(db, page);
    if (!bytes || !btree_interior(bytes->bytes, page))
        return bytes;
    page_bytes_unref(upper->bytes);
    *upper = (struct direct_upper){page, page_bytes_ref(bytes)};
    return bytes;
}

static int take_row(const struct btree_file *file, struct page_bytes *leaf, uint32_t page, int64_t id,
                    struct direct_row *ret)
{
    const uint8_t *record;
    size_t len;
    int rc = btree_row(file, leaf->bytes, page, id, &record, &len, NULL);
    if (rc < 1)
        return rc;
    struct direct_row row = {.page = leaf};
    if (!btree_record_blob(record, len, &row.bytes, &row.len))
        return -EAGAIN;
    page_bytes_ref(leaf);
    *ret = row;
    return 1;
}

static int find_row(struct direct *direct, struct db *db, uint32_t page, int64_t id, struct direct_row *ret)
{
    enum { DEPTH_MAX = 20 };
    const struct map_top *top = pages_top(db_pages(db));
    const struct btree_file file = {.page_bytes = top->page_bytes, .pages = top->pages};
    for (int depth = 0; page < file.pages && depth < DEPTH_MAX; depth++) {
        CLEANUP_PAGE_BYTES struct page_bytes *bytes = take_page(direct, db, page);
        if (!bytes)
            return -EAGAIN;
        if (!btree_interior(bytes->bytes, page))
            return take_row(&file, bytes, page, id, ret);
        if (btree_child(&file, bytes->bytes, page, id, &page, NULL))
            return -EAGAIN;
    }
    return -EAGAIN;
}

int direct_row(struct db *db, enum direct_table table, int64_t id, struct direct_row *ret)
{
    struct direct *direct = db_direct(db);
    if (!direct || find_roots(direct, db) || !direct->roots[table])
        return -EAGAIN;
    int rc = find_row(direct, db, direct->roots[table] - 1, id, ret);
    return rc < 0 ? -EAGAIN : rc;
}
