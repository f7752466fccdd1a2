// SPDX-License-Identifier: Apache-2.0
/*
 * Postings: the rows that have a value, or an attribute, or are live.
 *
 *     value(attribute, value) -> clips, few      up to SCHEMA_FEW_ROWS rows, in the row of the value itself
 *                             -> clips, posting  else a number: posting(number << 12 | shard), one blob per
 * 2^20 rows
 *
 * Thread rule: that of the connection.
 */
#pragma once

#include "index/base/rowset.h"
#include "index/catalog/db.h"

/* The rows of posting `number`; a new set. */
int posting_read(struct db *db, uint32_t number, struct rowset **ret, struct error *err);
/* Writes the shards in which `touched` has members, as `rows` has them; an empty shard is dropped. */
int posting_write(struct db *db, uint32_t number, const struct rowset *rows, const struct rowset *touched,
                  struct error *err);
int posting_drop(struct db *db, uint32_t number, struct error *err);

struct posting_value {
    struct value value; /* borrowed from the statement */
    uint64_t clips;
    const uint8_t *few; /* NULL: a posting */
    size_t few_len;
    uint32_t posting;
};
/* The current row of QUERY_VALUE, QUERY_VALUES or QUERY_VALUES_FROM. */
int posting_value_read(struct db *db, sqlite3_stmt *stmt, enum value_type type, struct posting_value *ret,
                       struct error *err);
/* Adds its rows to `rows`. */
int posting_value_rows(struct db *db, const struct posting_value *value, struct rowset *rows,
                       struct error *err);
/* "few" of a set of at most SCHEMA_FEW_ROWS. */
void posting_few(const struct rowset *rows, struct buf *buf);
