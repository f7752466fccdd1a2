// SPDX-License-Identifier: Apache-2.0
/*
 * Where the rows of values are gathered: a few by one, many in a bitmap as wide as the shard, since rows of
 * neighbouring values are strewn all over it. Rows are counted from the shard's first. Thread rule: one
 * thread at a time.
 */
#pragma once

#include "index/base/rowset.h"

struct shard_rows {
    struct rowset *rows; /* borrowed: where they end up */
    uint32_t base;       /* the shard's first row */
    uint32_t span;       /* how many rows it covers */
    uint64_t *words;     /* owned; NULL: few are expected */
    size_t count;
    uint32_t pending[512];
};

enum { SHARD_ROWS_MANY = 2048 }; /* from here on a bitmap is cheaper */
void shard_rows_init(struct shard_rows *to, struct rowset *rows, uint32_t base, uint32_t span,
                     uint64_t expected);
void shard_rows_flush(struct shard_rows *to); /* what is pending, before *rows is looked at */
void shard_rows_done(struct shard_rows *to);  /* flushes what was not, and frees */

static inline void shard_rows_add(struct shard_rows *to, uint32_t row)
{
    if (to->words) {
        to->words[row / 64] |= 1ull << row % 64;
        return;
    }
    if (to->count == sizeof to->pending / sizeof *to->pending)
        shard_rows_flush(to);
    to->pending[to->count++] = to->base + row;
}
