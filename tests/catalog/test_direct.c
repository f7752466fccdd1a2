// SPDX-License-Identifier: Apache-2.0
/* Rows read out of the pages they lie on, against what SQLite reads there. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "index/catalog/direct.h"
#include "index/catalog/groups/clips.h"
#include "index/pages/btree.h"
#include "tests/catalog/paged.h"
#include "tests/test_leaks.h"

enum { ROWS = 3000, STEP = 7, LONGEST = 9000, WHOLE_MAX = SCHEMA_PAGE_BYTES - 35 };

struct world {
    struct overlay *overlay;
    struct paged paged;
    struct pages *pages;
    struct db *db;
    struct error err;
};

static size_t len_of(int64_t i)
{
    return i % 50 ? (size_t)(i * 131 % 700) : (size_t)(i * 977 % LONGEST);
}

/* The blob of row i * STEP. */
static void blob_of(int64_t i, struct buf *buf)
{
    buf_clear(buf);
    for (size_t k = 0; k < len_of(i); k++)
        buf_u8(buf, (uint8_t)(i + (int64_t)k * 3));
}

static void fill(struct world *w)
{
    CLEANUP_BUF struct buf blob = BUF_INIT;
    struct db *db;
    cr_assert_eq(overlay_new(NULL, SCHEMA_PAGE_BYTES, &w->overlay, &w->err), 0);
    cr_assert_eq(db_open_write(w->overlay, &db, &w->err), 0, "%s", w->err.text);
    for (int64_t i = 0; i < ROWS; i++) {
        blob_of(i, &blob);
        cr_assert_eq(db_put_bytes(db, QUERY_NAMES_PUT, i * STEP, &blob, &w->err), 0, "%s", w->err.text);
    }
    cr_assert_eq(db_commit(db, &w->err), 0);
    db_close(db);
}

static void begin(struct world *w)
{
    struct map_top top;
    *w = (struct world){0};
    fill(w);
    cr_assert_eq(paged_init(&w->paged, &w->err), 0, "%s", w->err.text);
    cr_assert_eq(paged_put(&w->paged, w->overlay, &top, &w->err), 0, "%s", w->err.text);
    w->pages = pages_new(w->paged.store, &top, "it");
    cr_assert_eq(db_open_pages(w->pages, "it", PATIENCE_ENDLESS, &w->db, &w->err), 0, "%s", w->err.text);
}

static void end(struct world *w)
{
    db_close(w->db);
    pages_unref(w->pages);
    paged_done(&w->paged);
    overlay_free(w->overlay);
    check_leaks();
}

/* Reads it as SQLite does, so its pages are here then. */
static int read_row(struct world *w, int64_t id, struct buf *buf)
{
    buf_clear(buf);
    int rc = clips_bytes(w->db, QUERY_NAMES, id, buf, &w->err);
    cr_assert_geq(rc, 0, "%s", w->err.text);
    return rc;
}

Test(direct, a_row_is_what_sqlite_reads_and_one_that_is_not_whole_on_its_page_is_left_to_it)
{
    CLEANUP_BUF struct buf blob = BUF_INIT;
    struct world w;
    unsigned whole = 0, longer = 0;
    begin(&w);
    for (int64_t id = -3; id < (ROWS + 1) * STEP; id++) {
        CLEANUP_DIRECT_ROW struct direct_row row = {0};
        int there = read_row(&w, id, &blob), rc = direct_row(w.db, DIRECT_NAMES, id, &row);
        cr_assert_eq(there, id >= 0 && id < ROWS * STEP && id % STEP == 0);
        if (rc == -EAGAIN) { /* a head of a few bytes stands before the blob */
            cr_assert(there && blob.len > WHOLE_MAX - 10, "row %lld of %zu bytes", (long long)id, blob.len);
            longer++;
            continue;
        }
        cr_assert_eq(rc, there, "row %lld", (long long)id);
        cr_assert_eq(row.len, blob.len * (size_t)rc);
        cr_assert(!row.len || !memcmp(row.bytes, blob.data, row.len));
        whole += rc == 1;
    }
    cr_assert_gt(whole, ROWS * 9 / 10);
    cr_assert_gt(longer, 2);
    end(&w);
}

Test(direct, a_page_that_is_not_here_is_left_to_sqlite)
{
    CLEANUP_BUF struct buf blob = BUF_INIT;
    CLEANUP_DIRECT_ROW struct direct_row row = {0}, again = {0};
    struct world w;
    begin(&w);
    read_row(&w, 0, &blob);
    cr_assert_eq(direct_row(w.db, DIRECT_NAMES, 0, &row), 1);
    cr_assert_eq(direct_row(w.db, DIRECT_NAMES, ROWS / 2 * STEP, &again), -EAGAIN);
    cr_assert_null(again.page);
    read_row(&w, ROWS / 2 * STEP, &blob);
    cr_assert_eq(direct_row(w.db, DIRECT_NAMES, ROWS / 2 * STEP, &again), 1);
    end(&w);
}

Test(direct, what_is_no_versions_is_left_to_sqlite)
{
    struct world w;
    struct direct_row row = {0};
    struct db *db;
    begin(&w);
    cr_assert_eq(db_open_overlay(w.overlay, &db, &w.err), 0);
    cr_assert_eq(direct_row(db, DIRECT_NAMES, 0, &row), -EAGAIN);
    db_close(db);
    end(&w);
}

/* Any byte of a leaf may be anything: what it gives lies on it. */
Test(direct, a_leaf_of_any_bytes_gives_nothing_that_is_not_on_it)
{
    enum { TURNS = 200000 };
    struct world w;
    uint8_t page[SCHEMA_PAGE_BYTES], *copy = malloc(sizeof page); /* on its own: a byte too far is seen */
    const struct btree_file file = {SCHEMA_PAGE_BYTES, 1000, NULL, NULL};
    uint64_t random = 1;
    unsigned found = 0;
    begin(&w);
    const struct page_range range = {.page = overlay_pages(w.overlay) - 1, .len = sizeof page};
    cr_assert_eq(overlay_read(w.overlay, &range, page, PATIENCE_ENDLESS, &w.err), 0);
    for (int i = 0; i < TURNS; i++) {
        const uint8_t *record, *blob;
        size_t len, blob_len;
        uint32_t child;
        memcpy(copy, page, sizeof page);
        for (int k = 0; k < 3; k++) {
            random = random * UINT64_C(6364136223846793005) + 1;
            copy[random >> 33 & (k ? 0x3f : sizeof page - 1)] = (uint8_t)(random >> 56);
        }
        int64_t id = (int64_t)(random >> 20) % (ROWS * STEP);
        btree_child(&file, copy, 1, id, &child, NULL);
        if (btree_row(&file, copy, 1, id, &record, &len, NULL) < 1)
            continue;
        cr_assert(record >= copy && len <= sizeof page && record + len <= copy + sizeof page);
        found++;
        if (btree_record_blob(record, len, &blob, &blob_len))
            cr_assert(blob > record && blob + blob_len == record + len);
    }
    cr_assert_gt(found, 10);
    free(copy);
    end(&w);
}
