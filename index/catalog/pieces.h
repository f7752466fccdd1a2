// SPDX-License-Identifier: Apache-2.0
/*
 * Values that may be longer than a page, as rows that each fit on one:
 *
 *     row id << bits | piece -> bytes      pieces from 0, PIECE_BYTES long; the last is shorter, and may be
 * empty
 *
 * SQLite would keep them as chains of pages of which each names only the next: who fetches them waits for one
 * after the other. The pages of rows are all named by the interior pages of their table, which are hot.
 *
 * Bytes are hostile. Thread rule: that of the connection.
 */
#pragma once

#include "index/catalog/db.h"

enum { PIECE_BYTES = SCHEMA_PAGE_BYTES - 64 }; /* a page has room for such a row */

struct pieces { /* a table of them */
    enum schema_query get, put, drop;
    unsigned bits;
};
extern const struct pieces pieces_posting; /* of `posting`: 17 of a set of 2^20 rows */
extern const struct pieces pieces_codes;   /* of `codes`: 33 to 130 of a part */
extern const struct pieces pieces_growth;  /* of `growth`, of which all values are read: */
extern const int64_t pieces_growth_ids[2];
extern const struct pieces pieces_run;   /* of `run` */
extern const struct pieces pieces_extra; /* of `extra`, by row */
extern const struct pieces pieces_file;  /* of `file` */

/* Ids of a value's first piece, and of the last one it can have. */
static inline int64_t pieces_first(const struct pieces *of, int64_t id)
{
    return (int64_t)((uint64_t)id << of->bits);
}
static inline int64_t pieces_last(const struct pieces *of, int64_t id)
{
    return pieces_first(of, id) | ((INT64_C(1) << of->bits) - 1);
}

/* Appends the value. 1; 0: it is missing, or not whole. */
int pieces_read(struct db *db, const struct pieces *of, int64_t id, struct buf *buf, struct error *err);
/* Each of the values ids[0] to ids[1] that there is, by id. 1; 0: one is not whole. */
typedef int pieces_fn(void *ctx, int64_t id, const struct buf *bytes, struct error *err);
int pieces_each(struct db *db, const struct pieces *of, const int64_t ids[2], pieces_fn *each, void *ctx,
                struct error *err);
/* In place of what is there. -EFBIG. */
int pieces_put(struct db *db, const struct pieces *of, int64_t id, const void *bytes, size_t len,
               struct error *err);
/* The values first to last. */
int pieces_drop(struct db *db, const struct pieces *of, int64_t first, int64_t last, struct error *err);
