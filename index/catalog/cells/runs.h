// SPDX-License-Identifier: Apache-2.0
/*
 * The runs of an attribute where they lie, in the table `run`:
 *
 *     ((version << 17 | attribute, of a tail run with 1 << 16 more) << 14 | span) << 12 | piece
 *
 * A long run is cut into spans of rows, each a blob of its own (patch.h), so that what one clip has is found
 * without all of it: span i is of the rows from i << (cut - 1) on; of a run that is not cut (0) there is one.
 * Spans without a cell are not there. Thread rule: that of the connection.
 */
#pragma once

#include "index/catalog/cells/patch.h"

enum runs_kind { RUNS_PATCH, RUNS_TAIL };

struct runs_id { /* a run of an attribute */
    const struct attribute *attribute;
    enum runs_kind kind;
    const struct state_run *run;
};
/* Ids in the table: of all of it, and of what has the row. */
void runs_ids(const struct runs_id *id, int64_t ret[2]);
void runs_ids_of_row(const struct runs_id *id, uint32_t row, int64_t ret[2]);
/* Appends all of its cells. */
int runs_read(struct db *db, const struct runs_id *id, struct patch *patch, struct error *err);
/* The row's cell, which `patch`, an empty one, then holds; NULL: it has none. */
int runs_find(struct db *db, const struct runs_id *id, uint32_t row, struct patch *patch,
              const struct patch_cell **ret, struct error *err);
/* How a run of these cells, which take so many bytes, is cut. */
uint32_t runs_cut(uint32_t first, uint32_t last, uint64_t bytes);
/* Cells are encoded by `encode`, span by span. */
typedef void runs_encode_fn(void *ctx, const struct patch *patch, size_t from, size_t to, struct buf *buf);
int runs_write(struct db *db, const struct runs_id *id, const struct patch *patch, const size_t cells[2],
               runs_encode_fn *encode, void *ctx, struct error *err);
int runs_drop(struct db *db, const struct runs_id *id, struct error *err);
