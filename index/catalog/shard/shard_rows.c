// SPDX-License-Identifier: Apache-2.0
/* A bitmap of 2^20 rows is 128 KiB: it costs less to clear and to read than a few thousand additions to a
 * compressed set. */
#include "index/catalog/shard/shard_rows.h"

#include "cache/base/memory.h"

void shard_rows_init(struct shard_rows *to, struct rowset *rows, uint32_t base, uint32_t span,
                     uint64_t expected)
{
    to->rows = rows;
    to->base = base;
    to->span = span;
    to->count = 0;
    to->words = expected < SHARD_ROWS_MANY ? NULL : mem_zero(span / 8);
}

void shard_rows_flush(struct shard_rows *to)
{
    rowset_add_many(to->rows, to->pending, to->count);
    to->count = 0;
    for (uint32_t part = 0; to->words && part < to->span / ROWSET_PART_ROWS; part++)
        rowset_add_words(to->rows, to->base + part * ROWSET_PART_ROWS,
                         to->words + (size_t)part * ROWSET_PART_WORDS);
}

void shard_rows_done(struct shard_rows *to)
{
    shard_rows_flush(to);
    free(to->words);
    to->words = NULL;
}
