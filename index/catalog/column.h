// SPDX-License-Identifier: Apache-2.0
/*
 * Columns: the values of a single-valued numeric attribute, 2^16 rows a part, as codes of 1, 2, 4 or 8 bytes,
 * in the shorter of two forms:
 *
 *     step > 0   value = low + step * code              low and high are the part's zone map
 *     step = 0   value = list[code]                     the part's different values, ascending
 *
 *     expanded blob:  | u64 rows | u64 presence[ceil(rows / 64)] | i64 list[different] if step = 0 |
 * code[rows] |
 *
 * Values stand as int64 in their order; floats by their bits, mirrored below zero.
 * Thread rule: that of the connection.
 */
#pragma once

#include "index/base/rowset.h"
#include "index/catalog/db.h"

struct column_part {
    int64_t id;
    uint32_t number;    /* its first row / 2^16 */
    uint32_t attribute; /* of those that were read */
    int64_t low, high;
    uint32_t clips, different;
    uint64_t step;
    unsigned width;
};

/* A part in the open. */
struct column_values {
    uint64_t present[ROWSET_PART_WORDS];
    int64_t values[ROWSET_PART_ROWS]; /* 0 where not present */
};

int64_t column_number(const struct value *value); /* order-preserving */
struct value column_value(enum value_type type, int64_t number);

/* The current row of QUERY_PARTS: its zone map. Nothing is expanded. */
int column_part_read(struct db *db, sqlite3_stmt *stmt, struct column_part *ret, struct error *err);
/* Reads its codes, expanded, into `buf` (which is cleared). */
int column_part_expand(struct db *db, const struct column_part *part, struct buf *buf, struct error *err);
/* Sets the bits of the rows whose value lies in [low, high]. */
void column_part_match(const struct column_part *part, const struct buf *expanded, const int64_t range[2],
                       uint64_t words[ROWSET_PART_WORDS]);
void column_part_values(const struct column_part *part, const struct buf *expanded,
                        struct column_values *ret);

/* Appends the packed codes of `values`; fills the rest of *ret. With nothing present ret->clips is 0. */
void column_part_make(struct packer *packer, const struct column_values *values, struct column_part *ret,
                      struct buf *codes);
