// SPDX-License-Identifier: Apache-2.0
/* Columns as JSON, the form in which the expected values lie beside the test files. */
#pragma once

#include "index/containers/parquet/parquet.h"

/* Row r of a column: null, a number, a text, true or false; lists as arrays. BYTES in hex, NaN and infinities
 * as texts. */
void print_row(const struct parquet_values *values, uint64_t row, struct buf *to);
/* {"name": [row, row ...], ...} of the group's readable columns. */
int print_group(struct parquet *parquet, size_t group, struct buf *to, struct error *err);
/* The bytes of a slice of `recording`. */
void print_slice(const struct slice *slice, const uint8_t *recording, struct buf *to);
