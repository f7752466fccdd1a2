// SPDX-License-Identifier: Apache-2.0
/*
 * The live rows: live(row >> 16) -> a set, as rows from the part's first. A part all of whose rows are live
 * has no row there, so that appending clips writes none. Thread rule: that of the connection.
 */
#pragma once

#include "index/base/rowset.h"
#include "index/catalog/db.h"

/* Of a catalog of this many rows; a new set. */
int live_read(struct db *db, uint64_t rows, struct rowset **ret, struct error *err);
/* Writes the parts in which `touched` has members, as `live` has them, of a catalog of `rows` now, which had
 * `rows_before`. */
int live_write(struct db *db, uint64_t rows_before, uint64_t rows, const struct rowset *live,
               const struct rowset *touched, struct error *err);
