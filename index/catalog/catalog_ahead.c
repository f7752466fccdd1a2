// SPDX-License-Identifier: Apache-2.0
/* SQLite asks for one page after the other, and knows the next only when it has the one before. The pages
 * above the leaves are here as a rule (they are hot), so the leaves of many rows can be named without asking
 * it. */
#include <stdlib.h>
#include <string.h>

#include "index/catalog/groups/clips.h"
#include "index/catalog/reader.h"
#include "index/pages/btree.h"

struct ahead {
    struct pages *pages;
    struct btree_file file;
    uint32_t *list; /* of pages */
    size_t count, cap;
};

static int read_here(void *ctx, uint32_t page, void *to, struct error *err)
{
    const struct ahead *ahead = ctx;
    const struct catalog_patience here = {.nowait = true, .local = true};
    struct page_range range = {.page = page, .len = ahead->file.page_bytes};
    return pages_read(ahead->pages, &range, to, &here, err);
}

/* The leaves of a table that hold these rows, `bits` of whose numbers share a row of it. */
static void add_leaves(struct ahead *ahead, uint32_t root, unsigned bits, const uint32_t *rows, size_t count)
{
    size_t before = ahead->count;
    for (size_t i = 0; i < count; i++) {
        uint32_t leaf;
        if ((i && rows[i] >> bits == rows[i - 1] >> bits) ||
            btree_leaf(&ahead->file, root, rows[i] >> bits, &leaf, NULL))
            continue;
        if (ahead->count > before && ahead->list[ahead->count - 1] == leaf)
            continue;
        mem_grow(&ahead->list, &ahead->cap, ahead->count + 1, sizeof *ahead->list);
        ahead->list[ahead->count++] = leaf;
    }
}

/* Of a table of groups of clips; 0: it is none, or is not read for each of them. */
static unsigned group_bits(const char *table)
{
    return !strcmp(table, "names") || !strcmp(table, "sizes") ? NAMES_ROW_BITS
           : !strcmp(table, "grown")                          ? GROWN_ROW_BITS
                                                              : 0;
}

static int add_tables(struct db *db, struct ahead *ahead, const uint32_t *rows, size_t count)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_query(db, QUERY_ROOTS, &stmt, NULL);
    while (!rc && db_step(db, stmt, NULL) == 1) {
        const char *name;
        int64_t root;
        rc = db_column_text(db, stmt, 0, &name, NULL);
        if (!rc)
            rc = db_column_number(db, stmt, 1, 1, &root, NULL);
        if (!rc && root <= ahead->file.pages && group_bits(name))
            add_leaves(ahead, (uint32_t)root - 1, group_bits(name), rows, count);
    }
    if (stmt)
        sqlite3_reset(stmt);
    return rc;
}

void catalog_clips_ahead(struct catalog_reader *reader, const uint32_t *rows, size_t count)
{
    struct pages *pages = reader->catalog->pages;
    if (!pages || !count)
        return;
    struct ahead ahead = {.pages = pages,
                          .file = {.page_bytes = pages_top(pages)->page_bytes,
                                   .pages = pages_top(pages)->pages,
                                   .read = read_here}};
    ahead.file.ctx = &ahead;
    if (!add_tables(reader->db, &ahead, rows, count))
        pages_want(pages, ahead.list, ahead.count, NULL);
    free(ahead.list);
}
