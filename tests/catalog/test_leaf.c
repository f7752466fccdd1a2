// SPDX-License-Identifier: Apache-2.0
/* The leaf that a row lies in, found without SQLite, against what SQLite wrote. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cache/base/cursor.h"
#include "index/catalog/db.h"
#include "index/pages/btree.h"
#include "tests/test_leaks.h"

enum { ROWS = 20000, STEP = 37, LEAF_TABLE = 13, INTERIOR_TABLE = 5 };

struct world {
    struct overlay *file;
    struct btree_file pages;
    uint32_t root;
    unsigned interior,
        hidden; /* pages above leaves that were read; reads from here on find nothing. 0: all do */
    struct error err;
};

static int read_page(void *ctx, uint32_t page, void *to, struct error *err)
{
    struct world *w = ctx;
    const struct page_range whole = {.page = page, .len = SCHEMA_PAGE_BYTES};
    if (w->hidden && w->interior == w->hidden)
        return -EAGAIN;
    int rc = overlay_read(w->file, &whole, to, &(struct catalog_patience){0}, err);
    w->interior += *(const uint8_t *)to == INTERIOR_TABLE;
    return rc;
}

static int64_t id_of(int64_t i)
{
    return i * STEP + (i % 3 ? 0 : INT64_C(1) << 40); /* varints of many lengths */
}

static void fill(struct world *w)
{
    sqlite3_stmt *stmt;
    struct db *db;
    const char *name;
    uint8_t bytes[100] = {0};
    cr_assert_eq(overlay_new(NULL, SCHEMA_PAGE_BYTES, &w->file, &w->err), 0);
    cr_assert_eq(db_open_write(w->file, &db, &w->err), 0, "%s", w->err.text);
    for (int64_t i = 0; i < ROWS; i++) {
        cr_assert_eq(db_query(db, QUERY_NAMES_PUT, &stmt, &w->err), 0);
        db_bind_number(stmt, 1, id_of(i));
        db_bind_bytes(stmt, 2, bytes, sizeof bytes);
        cr_assert_eq(db_run(db, stmt, &w->err), 0);
    }
    cr_assert_eq(db_query(db, QUERY_ROOTS, &stmt, &w->err), 0);
    while (!w->root && db_step(db, stmt, &w->err) == 1) {
        int64_t root;
        cr_assert_eq(db_column_text(db, stmt, 0, &name, &w->err), 0);
        cr_assert_eq(db_column_number(db, stmt, 1, 1, &root, &w->err), 0);
        w->root = strcmp(name, "names") ? 0 : (uint32_t)root;
    }
    sqlite3_reset(stmt);
    cr_assert_eq(db_commit(db, &w->err), 0);
    db_close(db);
    w->pages = (struct btree_file){SCHEMA_PAGE_BYTES, overlay_pages(w->file), read_page, w};
}

static uint64_t varint_of(struct cursor *c)
{
    uint64_t value = 0;
    for (int k = 0; k < 8; k++) {
        uint8_t byte = cursor_u8(c);
        value = value << 7 | (byte & 0x7f);
        if (byte < 0x80)
            return value;
    }
    return value << 8 | cursor_u8(c);
}

static bool holds(struct world *w, uint32_t page, int64_t id)
{
    uint8_t bytes[SCHEMA_PAGE_BYTES];
    cr_assert_eq(read_page(w, page, bytes, &w->err), 0);
    if (*bytes != LEAF_TABLE)
        return false;
    struct cursor head = cursor_of(bytes, sizeof bytes);
    cursor_seek(&head, 3);
    uint32_t cells = cursor_be16(&head);
    for (uint32_t i = 0; i < cells; i++) {
        struct cursor c = cursor_of(bytes, sizeof bytes);
        cursor_seek(&c, 8 + 2 * (uint64_t)i);
        cursor_seek(&c, cursor_be16(&c));
        varint_of(&c);
        if ((int64_t)varint_of(&c) == id)
            return true;
    }
    return false;
}

Test(leaf, each_row_lies_where_it_is_looked_for)
{
    struct world w = {0};
    fill(&w);
    for (int64_t i = 0; i < ROWS; i++) {
        uint32_t leaf;
        cr_assert_eq(btree_leaf(&w.pages, w.root - 1, id_of(i), &leaf, &w.err), 0, "%s", w.err.text);
        cr_assert(holds(&w, leaf, id_of(i)), "row %lld", (long long)id_of(i));
    }
    overlay_free(w.file);
    check_leaks();
}

Test(leaf, a_page_above_it_that_is_not_here_is_given_in_its_place)
{
    struct world w = {0};
    uint32_t leaf, above;
    fill(&w);
    cr_assert_eq(btree_leaf(&w.pages, w.root - 1, id_of(ROWS / 2), &leaf, &w.err), 0);
    cr_assert_geq(w.interior, 1);
    w.hidden = w.interior;
    w.interior = 0;
    cr_assert_eq(btree_leaf(&w.pages, w.root - 1, id_of(ROWS / 2), &above, &w.err), 0);
    cr_assert_eq(above, leaf, "the leaf itself need not be here");
    w.pages.pages = w.root; /* children lie behind the end */
    w.hidden = 0;
    cr_assert_eq(btree_leaf(&w.pages, w.root - 1, id_of(ROWS - 1), &above, &w.err), -EUCLEAN);
    overlay_free(w.file);
    check_leaks();
}

/* ---- rows that follow one another ---- */

struct leaves {
    uint32_t list[ROWS];
    size_t count;
};

static int add_leaf(void *ctx, uint32_t page, enum btree_kind kind, struct error *err)
{
    struct leaves *leaves = ctx;
    cr_assert_lt(leaves->count, (size_t)ROWS);
    leaves->list[leaves->count++] = page;
    return 0;
}

static void find_between(struct world *w, struct btree_table *table, int64_t first, int64_t last,
                         struct leaves *ret)
{
    ret->count = 0;
    cr_assert_eq(btree_leaves(&w->pages, table, (int64_t[]){first, last}, add_leaf, ret, &w->err), 0, "%s",
                 w->err.text);
}

/* Those that hold the rows, each once, and no others: one by one they are the same. */
Test(leaf, the_leaves_of_rows_that_follow_one_another_are_those_of_each)
{
    enum { RANGES = 50, STEPS_MAX = 400 };
    static struct leaves leaves, one;
    struct world w = {0};
    fill(&w);
    struct btree_table table = {.root = w.root - 1};
    for (int64_t k = 0; k < RANGES; k++) {
        int64_t low = k * 7919 % (ROWS - STEPS_MAX) * STEP, high = low + k * 331 % STEPS_MAX * STEP;
        size_t at = 0;
        find_between(&w, &table, low, high, &leaves);
        for (int64_t id = low; id <= high; id += STEP) {
            find_between(&w, &table, id, id, &one);
            cr_assert_eq(one.count, 1);
            at += leaves.list[at] != one.list[0];
            cr_assert(at < leaves.count && leaves.list[at] == one.list[0], "row %lld", (long long)id);
        }
        cr_assert_eq(at + 1, leaves.count, "a leaf of other rows");
    }
    overlay_free(w.file);
    check_leaks();
}

Test(leaf, of_rows_below_a_page_that_is_not_here_that_page_is_given)
{
    static struct leaves leaves;
    struct world w = {0};
    fill(&w);
    struct btree_table table = {.root = w.root - 1};
    w.hidden = 1; /* the root is read, and nothing below it */
    find_between(&w, &table, id_of(1), id_of(1), &leaves);
    cr_assert(leaves.count == 1 && !table.known, "what is below was not seen");
    w.hidden = w.interior = 0;
    find_between(&w, &table, id_of(1), id_of(1), &leaves);
    cr_assert(table.known && holds(&w, leaves.list[0], id_of(1)));
    overlay_free(w.file);
    check_leaks();
}
