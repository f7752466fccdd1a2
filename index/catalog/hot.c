// SPDX-License-Identifier: Apache-2.0
/* Found by walking the trees, not noted while they are written: so they are right whatever SQLite did. */
#include "index/catalog/hot.h"

#include <stdbool.h>
#include <string.h>

#include "index/catalog/db.h"
#include "index/pages/btree.h"

enum { LEAVES_MAX = 64 }; /* of one table; the others of a larger one cost a round more */

struct tree {
    struct hot_pages *hot;
    bool small;    /* its leaves are wanted, too */
    bool listed;   /* its leaves shall lie side by side */
    uint32_t root; /* a root that is a leaf always is */
    uint32_t leaves[LEAVES_MAX];
    size_t leaf_count;
};

static void add(struct hot_pages *hot, uint32_t page)
{
    mem_grow(&hot->list, &hot->cap, hot->count + 1, sizeof *hot->list);
    hot->list[hot->count++] = page;
}

static void add_listed(struct hot_pages *hot, uint32_t page)
{
    mem_grow(&hot->listed, &hot->listed_cap, hot->listed_count + 1, sizeof *hot->listed);
    hot->listed[hot->listed_count++] = page;
}

static int note(void *ctx, uint32_t page, enum btree_kind kind, struct error *err)
{
    struct tree *tree = ctx;
    if (kind == BTREE_INTERIOR || page == tree->root)
        add(tree->hot, page);
    else if (tree->listed)
        add_listed(tree->hot, page);
    else if (tree->leaf_count < LEAVES_MAX)
        tree->leaves[tree->leaf_count++] = page;
    else
        tree->small = false;
    return 0;
}

static bool is_one_of(const char *const *names, const char *name)
{
    for (size_t i = 0; names[i]; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static int walk_tree(const struct btree_file *file, const char *name, uint32_t root, struct hot_pages *hot,
                     struct error *err)
{
    struct tree tree = {.hot = hot,
                        .small = is_one_of(schema_hot_tables, name),
                        .listed = is_one_of(schema_listed_tables, name),
                        .root = root};
    int rc = btree_upper(file, root, note, &tree, err);
    for (size_t i = 0; !rc && tree.small && i < tree.leaf_count; i++)
        add(hot, tree.leaves[i]);
    return rc;
}

static int walk_all(struct db *db, const struct btree_file *file, struct hot_pages *hot, struct error *err)
{
    sqlite3_stmt *stmt;
    int more, rc = db_query(db, QUERY_ROOTS, &stmt, err);
    if (!rc)
        rc = walk_tree(file, "sqlite_schema", 0, hot, err);
    while (!rc && (more = db_step(db, stmt, err))) {
        const char *name;
        int64_t root;
        rc = more < 0 ? more : db_column_text(db, stmt, 0, &name, err);
        if (!rc)
            rc = db_column_number(db, stmt, 1, 1, &root, err);
        if (!rc && root > file->pages)
            rc = db_damaged(db, err, "table %s begins behind its end", name);
        if (!rc)
            rc = walk_tree(file, name, (uint32_t)root - 1, hot, err);
    }
    if (!rc)
        sqlite3_reset(stmt);
    return rc;
}

static int read_page(void *ctx, uint32_t page, void *to, struct error *err)
{
    struct overlay *overlay = ctx;
    struct page_range range = {.page = page, .len = overlay_page_bytes(overlay)};
    return overlay_read(overlay, &range, to, &(struct catalog_patience){0}, err);
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int hot_pages_find(struct overlay *overlay, struct hot_pages *ret, struct error *err)
{
    CLEANUP_DB struct db *db = NULL;
    struct btree_file file = {.page_bytes = overlay_page_bytes(overlay),
                              .pages = overlay_pages(overlay),
                              .read = read_page,
                              .ctx = overlay};
    struct hot_pages hot = {0};
    int rc = db_open_overlay(overlay, &db, err);
    if (!rc)
        rc = walk_all(db, &file, &hot, err);
    if (rc < 0) {
        hot_pages_done(&hot);
        return rc;
    }
    qsort(hot.list, hot.count, sizeof *hot.list, ascending);
    *ret = hot;
    return 0;
}

void hot_pages_done(struct hot_pages *hot)
{
    free(hot->list);
    free(hot->listed);
    *hot = (struct hot_pages){0};
}
