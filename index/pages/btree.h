// SPDX-License-Identifier: Apache-2.0
/*
 * The pages of a SQLite file by what they are for (SQLite file format, sections 1.5 and 1.6): which of them
 * every reader needs, which are free, which table they belong to. The file may be hostile: -EUCLEAN. Pages
 * count from 0 here. Thread rule: any thread; reads through who calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"

bool btree_interior(const uint8_t *bytes, uint32_t page); /* of a tree, by the page's bytes? */

struct btree_file {
    uint32_t page_bytes, pages;
    int (*read)(void *ctx, uint32_t page, void *to, struct error *err); /* one whole page */
    void *ctx;
};

enum btree_kind { BTREE_INTERIOR, BTREE_LEAF, BTREE_OVERFLOW };
typedef int btree_fn(void *ctx, uint32_t page, enum btree_kind kind, struct error *err);

/* Interior pages of the tree, and its leaves, which are not read unless they are the root: for each its
 * number. A root that is a leaf is told as one. */
int btree_upper(const struct btree_file *file, uint32_t root, btree_fn *each, void *ctx, struct error *err);
/* The leaf of a table where a row of this id would be; or a page above it that could not be read (-EAGAIN).
 */
int btree_leaf(const struct btree_file *file, uint32_t root, int64_t id, uint32_t *ret_page,
               struct error *err);
/* The leaves where rows of ids[0] to ids[1] would be, in their order: they are not read, but for the first
 * time one. Where a page above them could not be read (-EAGAIN), that page, as BTREE_INTERIOR, or as a leaf
 * if it is above the first one. */
struct btree_table {
    uint32_t root;
    unsigned depth; /* levels above the leaves */
    bool known;     /* is it? Found out by the first call that reads as far */
};
int btree_leaves(const struct btree_file *file, struct btree_table *table, const int64_t ids[2],
                 btree_fn *each, void *ctx, struct error *err);
/* By the bytes of pages that somebody has. Where the row of this id would be below an interior one; and the
 * row on a leaf of a table: 1 with its record (section 2.1), 0: there is none, -ENODATA: the record goes on
 * on other pages. */
int btree_child(const struct btree_file *file, const uint8_t *bytes, uint32_t page, int64_t id, uint32_t *ret,
                struct error *err);
int btree_row(const struct btree_file *file, const uint8_t *bytes, uint32_t page, int64_t id,
              const uint8_t **ret, size_t *ret_len, struct error *err);
/* The record of a table of numbered blobs, (id INTEGER PRIMARY KEY, blob): its blob. False: it is another. */
bool btree_record_blob(const uint8_t *record, size_t len, const uint8_t **ret, size_t *ret_len);
/* The leaves of the list of free pages: nobody reads them. The pages that hold the list are not among them.
 */
typedef int btree_free_fn(void *ctx, uint32_t page, struct error *err);
int btree_free_pages(const struct btree_file *file, btree_free_fn *each, void *ctx, struct error *err);
/* The page that SQLite never uses, since locks lie there; UINT32_MAX in a smaller file. */
uint32_t btree_lock_page(uint32_t page_bytes);
