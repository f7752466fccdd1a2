// SPDX-License-Identifier: Apache-2.0
/*
 * Rows of tables of numbered blobs, read out of the pages they lie on. SQLite takes four times as long for
 * one, and what is said of a clip takes four. Only what is here and whole on a page is read so; of all else
 * SQLite is asked, which waits for it, or says what is wrong with it.
 *
 * Thread rule: that of the connection.
 */
#pragma once

#include "index/catalog/db.h"
#include "index/pages/page_cache.h"

enum direct_table { DIRECT_NAMES, DIRECT_SIZES, DIRECT_GROWN, DIRECT_FORWARD, DIRECT_TABLES };

enum { DIRECT_UPPER = 32 };

struct direct { /* of a connection; zero is empty */
    bool known;
    uint32_t roots[DIRECT_TABLES]; /* from 1; 0: there is none */
    struct direct_upper {          /* pages above leaves, by their lowest bits */
        uint32_t page;
        struct page_bytes *bytes; /* a reference; NULL: none */
    } upper[DIRECT_UPPER];
};
void direct_done(struct direct *direct);

struct direct_row {
    const uint8_t *bytes; /* borrowed of the page */
    size_t len;
    struct page_bytes *page; /* a reference */
};
void direct_row_done(struct direct_row *row);
#define CLEANUP_DIRECT_ROW CLEANUP(direct_row_done)
/* 1, 0: there is no such row, -EAGAIN: SQLite is to be asked. `ret`, an empty one, is as it was then. */
int direct_row(struct db *db, enum direct_table table, int64_t id, struct direct_row *ret);
