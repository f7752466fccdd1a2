// SPDX-License-Identifier: Apache-2.0
/* Each page is counted for the tree that it is found in, and what is left is of none. */
#include "index/catalog/catalog_tables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "index/catalog/db.h"
#include "index/pages/btree.h"

struct counting {
    struct btree_file file;
    uint32_t *lens; /* bytes of each page's frame; 0: none, or it is counted already */
    struct catalog_table *tables;
    size_t count, cap;
};

static int read_page(void *ctx, uint32_t page, void *to, struct error *err)
{
    struct pages *pages = ctx;
    struct page_range range = {.page = page, .len = pages_top(pages)->page_bytes};
    return pages_read(pages, &range, to, &(struct catalog_patience){0}, err);
}

static int read_lens(struct pages *pages, uint32_t **ret, struct error *err)
{
    uint32_t count = pages_top(pages)->pages;
    CLEANUP_FREE uint32_t *lens = mem_zero((count + 1) * sizeof *lens);
    int rc = 0;
    for (uint32_t leaf = 0; !rc && leaf < map_leaves_of(count); leaf++) {
        struct map_place places[MAP_FAN], apart;
        rc = pages_leaf(pages, leaf, false, places, &apart, err);
        for (uint32_t i = 0; !rc && i < map_leaf_pages(count, leaf); i++)
            lens[leaf * MAP_FAN + i] = places[i].zero ? 0 : places[i].len;
    }
    if (!rc)
        *ret = STEAL(lens);
    return rc;
}

static int count_page(void *ctx, uint32_t page, enum btree_kind kind, struct error *err)
{
    struct counting *counting = ctx;
    if (page >= counting->file.pages || !counting->lens[page])
        return 0;
    struct catalog_table *table = &counting->tables[counting->count - 1];
    table->pages++;
    table->bytes += counting->lens[page];
    counting->lens[page] = 0;
    return 0;
}

static void begin_table(struct counting *counting, const char *name)
{
    mem_grow(&counting->tables, &counting->cap, counting->count + 1, sizeof *counting->tables);
    struct catalog_table *table = &counting->tables[counting->count++];
    *table = (struct catalog_table){0};
    snprintf(table->name, sizeof table->name, "%s", name);
}

static int count_table(struct counting *counting, struct db *db, sqlite3_stmt *stmt, struct error *err)
{
    const char *name;
    int64_t root;
    int rc = db_column_text(db, stmt, 0, &name, err);
    if (!rc)
        rc = db_column_number(db, stmt, 1, 1, &root, err);
    if (!rc && root > counting->file.pages)
        return db_damaged(db, err, "table %s begins behind its end", name);
    if (rc)
        return rc;
    begin_table(counting, name);
    return btree_upper(&counting->file, (uint32_t)root - 1, count_page, counting, err);
}

static int count_all(struct counting *counting, struct db *db, struct error *err)
{
    sqlite3_stmt *stmt;
    int rc = db_query(db, QUERY_ROOTS, &stmt, err);
    if (rc)
        return rc;
    begin_table(counting, "sqlite_schema");
    rc = btree_upper(&counting->file, 0, count_page, counting, err);
    while (!rc && (rc = db_step(db, stmt, err)) == 1)
        rc = count_table(counting, db, stmt, err);
    sqlite3_reset(stmt);
    begin_table(counting, "");
    for (uint32_t page = 0; !rc && page < counting->file.pages; page++)
        count_page(counting, page, BTREE_OVERFLOW, err);
    return rc;
}

static int largest_first(const void *a, const void *b)
{
    const struct catalog_table *x = a, *y = b;
    return x->bytes > y->bytes ? -1 : x->bytes < y->bytes ? 1 : strcmp(x->name, y->name);
}

int catalog_tables(struct pages *pages, struct catalog_table **ret, size_t *ret_count, struct error *err)
{
    CLEANUP_DB struct db *db = NULL;
    const struct map_top *top = pages_top(pages);
    struct counting counting = {.file = {top->page_bytes, top->pages, read_page, pages}};
    const struct catalog_patience patient = {0};
    pages_want_hot(pages);
    int rc = read_lens(pages, &counting.lens, err);
    if (!rc)
        rc = db_open_pages(pages, pages_name(pages), &patient, &db, err);
    if (!rc)
        rc = count_all(&counting, db, err);
    free(counting.lens);
    if (rc) {
        free(counting.tables);
        return rc;
    }
    qsort(counting.tables, counting.count, sizeof *counting.tables, largest_first);
    *ret = counting.tables;
    *ret_count = counting.count;
    return 0;
}
