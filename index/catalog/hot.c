// SPDX-License-Identifier: Apache-2.0
/* Found by walking the trees, not noted while they are written: so they are right whatever SQLite did. */
#include "index/catalog/hot.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "index/catalog/attributes.h"
#include "index/catalog/db.h"
#include "index/catalog/hash/hash_runs.h"
#include "index/catalog/shard/dict.h"
#include "index/catalog/shard/shard_id.h"
#include "index/pages/btree.h"

enum {
    LEAVES_MAX = 64,          /* of one table; the others of a larger one cost a round more */
    BY_ATTRIBUTE_MAX = 12,    /* of one that is looked up by attribute: else those of the first attributes */
    ATTRIBUTE_LEAVES_MAX = 4, /* the same of what is said of attributes: some thousand of them */
    TEXT_LEAVES_MAX = 12,     /* of an attribute in a shard, whose blocks are hot: some 10,000 texts */
    OTHER_LEAVES_MAX = 2,     /* numbers are asked for by ranges, which dictionaries know nearly */
    ALL_BLOCKS_MAX = 96
};

struct tree {
    struct hot_pages *hot;
    bool cold;     /* only its root is wanted */
    size_t most;   /* its leaves are wanted, too, if they are no more */
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
    if (page == tree->root || (kind == BTREE_INTERIOR && !tree->cold))
        add(tree->hot, page);
    if (page == tree->root || kind == BTREE_INTERIOR)
        return 0;
    if (tree->listed) /* where it is not hot */
        add_listed(tree->hot, page);
    if (tree->leaf_count < tree->most)
        tree->leaves[tree->leaf_count++] = page;
    else
        tree->most = 0;
    return 0;
}

static bool is_one_of(const char *const *names, const char *name)
{
    for (size_t i = 0; names[i]; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static size_t leaves_wanted(const char *name)
{
    return is_one_of(schema_of_attributes, name)  ? ATTRIBUTE_LEAVES_MAX
           : is_one_of(schema_by_attribute, name) ? BY_ATTRIBUTE_MAX
           : is_one_of(schema_hot_tables, name)   ? LEAVES_MAX
                                                  : 0;
}

static int walk_tree(const struct btree_file *file, const char *name, uint32_t root, struct hot_pages *hot,
                     struct error *err)
{
    struct tree tree = {.hot = hot,
                        .cold = is_one_of(schema_cold_tables, name),
                        .most = leaves_wanted(name),
                        .listed = is_one_of(schema_listed_tables, name),
                        .root = root};
    int rc = btree_upper(file, root, note, &tree, err);
    for (size_t i = 0; !rc && i < tree.most && i < tree.leaf_count; i++)
        add(hot, tree.leaves[i]);
    return rc;
}

/* ---- what is looked up by attribute ---- */

struct by_attribute { /* tables; root 0: not found */
    struct btree_table attribute, state, shards, dict, block;
};

struct few {
    struct hot_pages *hot;
    size_t end; /* the list may get as long as this */
};

static int note_leaf(void *ctx, uint32_t page, enum btree_kind kind, struct error *err)
{
    struct few *few = ctx;
    if (few->hot->count == few->end)
        return -E2BIG;
    add(few->hot, page);
    return 0;
}

/* Which shards an attribute has, and their dictionaries: what every look-up reads first. */
static int add_dicts_of(struct db *db, const struct btree_file *file, struct by_attribute *tables,
                        uint32_t attribute, struct few *few, struct error *err)
{
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count = 0;
    int rc = btree_leaves(file, &tables->shards, (int64_t[]){attribute, attribute}, note_leaf, few, err);
    if (!rc)
        rc = shard_numbers_read(db, attribute, &numbers, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        int64_t id = shard_dict_id(numbers[i], attribute);
        rc = btree_leaves(file, &tables->dict, (int64_t[]){id, id}, note_leaf, few, err);
    }
    return rc;
}

static int add_dicts(struct db *db, const struct btree_file *file, struct by_attribute *tables,
                     const struct attributes *attributes, struct hot_pages *hot, struct error *err)
{
    struct few few = {hot, hot->count + LEAVES_MAX};
    const int64_t first[] = {0, ATTRIBUTES_FIRST}; /* who reads these looks at the next one */
    int rc = btree_leaves(file, &tables->attribute, first, note_leaf, &few, err);
    if (!rc)
        rc = btree_leaves(file, &tables->state, first, note_leaf, &few, err);
    for (size_t i = 0; !rc && i < attributes->count && i < ATTRIBUTES_FIRST; i++)
        rc = add_dicts_of(db, file, tables, attributes->list[i].info.id, &few, err);
    return rc == -E2BIG ? 0 : rc;
}

/* Whether a clip has such a value is what each component of a path asks, and a shard that says so is enough:
 * so the first shards, which are the largest, come first. 1: the attribute has a shard so far down its list.
 */
static int add_blocks_of(struct db *db, const struct btree_file *file, struct btree_table *blocks,
                         const struct attribute *attribute, size_t rank, struct few *few, struct error *err)
{
    CLEANUP_FREE uint32_t *numbers = NULL;
    size_t count, before = few->hot->count, end = few->end,
                  most = shard_key_is_text(attribute->info.type) ? TEXT_LEAVES_MAX : OTHER_LEAVES_MAX;
    int rc = shard_numbers_read(db, attribute->info.id, &numbers, &count, err);
    if (rc || rank >= count)
        return rc;
    struct shard shard = {.attribute = attribute->info.id, .number = numbers[rank]};
    const int64_t ids[] = {shard_block_id(&shard, 0), shard_block_id(&shard, DICT_HAS)};
    few->end = end < before + most ? end : before + most;
    rc = btree_leaves(file, blocks, ids, note_leaf, few, err);
    few->end = end;
    if (rc == -E2BIG)
        few->hot->count = before;
    return rc && rc != -E2BIG ? rc : 1;
}

static int add_blocks(struct db *db, const struct btree_file *file, struct btree_table *blocks,
                      const struct attributes *attributes, struct hot_pages *hot, struct error *err)
{
    struct few few = {hot, hot->count + ALL_BLOCKS_MAX};
    int rc = 0, found = 1;
    for (size_t rank = 0; !rc && found; rank++) {
        found = 0;
        for (size_t i = 0; rc >= 0 && i < attributes->count && i < ATTRIBUTES_FIRST; i++) {
            rc = add_blocks_of(db, file, blocks, &attributes->list[i], rank, &few, err);
            found |= rc == 1;
        }
        rc = rc < 0 ? rc : 0;
    }
    return rc;
}

/* The leaf of a row that everybody reads first. */
static int add_leaf_of(const struct btree_file *file, struct btree_table *table, int64_t id,
                       struct hot_pages *hot, struct error *err)
{
    struct few few = {hot, hot->count + 1};
    return table->root ? btree_leaves(file, table, (int64_t[]){id, id}, note_leaf, &few, err) : 0;
}

/* Who looks a name up: which runs of hashes there are, and how names are numbered (key_guess.h). */
static int add_keys(const struct btree_file *file, struct btree_table *hash, struct btree_table *names,
                    struct hot_pages *hot, struct error *err)
{
    int rc = add_leaf_of(file, hash, HASH_STATE, hot, err);
    return rc ? rc : add_leaf_of(file, names, 0, hot, err);
}

static int add_by_attribute(struct db *db, const struct btree_file *file, struct by_attribute *tables,
                            struct hot_pages *hot, struct error *err)
{
    CLEANUP_ATTRIBUTES struct attributes attributes = {0};
    if (!tables->attribute.root || !tables->state.root || !tables->shards.root || !tables->dict.root ||
        !tables->block.root)
        return 0;
    int rc = attributes_read(db, SCHEMA_ATTRIBUTES_MAX, &attributes, err);
    if (!rc)
        rc = add_dicts(db, file, tables, &attributes, hot, err);
    return rc ? rc : add_blocks(db, file, &tables->block, &attributes, hot, err);
}

/* ---- all of them ---- */

static int walk_all(struct db *db, const struct btree_file *file, struct hot_pages *hot, struct error *err)
{
    struct by_attribute tables = {0};
    struct btree_table hash = {0}, names = {0};
    const struct {
        const char *name;
        uint32_t *root;
    } roots[] = {{"attribute", &tables.attribute.root},
                 {"state", &tables.state.root},
                 {"shards", &tables.shards.root},
                 {"dict", &tables.dict.root},
                 {"block", &tables.block.root},
                 {"hash", &hash.root},
                 {"names", &names.root}};
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
        for (size_t i = 0; !rc && i < sizeof roots / sizeof *roots; i++)
            if (!strcmp(name, roots[i].name))
                *roots[i].root = (uint32_t)root - 1;
    }
    if (!rc)
        sqlite3_reset(stmt);
    if (!rc)
        rc = add_keys(file, &hash, &names, hot, err);
    return rc ? rc : add_by_attribute(db, file, &tables, hot, err);
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

static size_t without_repeats(uint32_t *list, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!kept || list[kept - 1] != list[i])
            list[kept++] = list[i];
    return kept;
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
    hot.count = without_repeats(hot.list, hot.count);
    *ret = hot;
    return 0;
}

void hot_pages_done(struct hot_pages *hot)
{
    free(hot->list);
    free(hot->listed);
    *hot = (struct hot_pages){0};
}
