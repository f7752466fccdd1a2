// SPDX-License-Identifier: Apache-2.0
/*
 * Each attribute gathers a block, which goes to a spool that all share:
 *
 *     entry:  row - the one before it, value (value_encode(); nothing of a list)
 */
#include "index/commit/apply/apply_gains.h"

#include <assert.h>
#include <stdlib.h>

enum {
    BLOCK_BYTES = 8 << 10,
    BLOCKS_HELD = 512, /* so many that were read are let go of: with them come their neighbours */
};

struct block {
    size_t at, len;
};
struct gained {
    struct buf bytes; /* that are in no block yet */
    uint32_t row;     /* the last one */
    struct block *blocks;
    size_t count, cap;
};
struct apply_gains {
    struct spool spool;
    size_t count;
    struct gained of[];
};

struct apply_gains *apply_gains_new(size_t attributes)
{
    struct apply_gains *gains = mem_zero(sizeof *gains + attributes * sizeof gains->of[0]);
    gains->count = attributes;
    return gains;
}

void apply_gains_free(struct apply_gains *gains)
{
    if (!gains)
        return;
    for (size_t i = 0; i < gains->count; i++) {
        buf_done(&gains->of[i].bytes);
        free(gains->of[i].blocks);
    }
    spool_done(&gains->spool);
    free(gains);
}

void apply_gains_add(struct apply_gains *gains, size_t at, const struct value *value, uint32_t row)
{
    struct gained *of = &gains->of[at];
    buf_varint(&of->bytes, row - of->row);
    of->row = row;
    if (value->type != VALUE_LIST)
        value_encode(&of->bytes, value);
    if (of->bytes.len < BLOCK_BYTES)
        return;
    mem_grow(&of->blocks, &of->cap, of->count + 1, sizeof *of->blocks);
    of->blocks[of->count++] = (struct block){gains->spool.bytes.len, of->bytes.len};
    spool_append(&gains->spool, of->bytes.data, of->bytes.len);
    buf_clear(&of->bytes);
}

int apply_gains_check(const struct apply_gains *gains, struct error *err)
{
    return spool_check(&gains->spool, err);
}

/* ---- reading ---- */

static void next_block(struct apply_gains_reader *reader)
{
    const struct apply_gains *gains = reader->gains;
    const struct gained *of = &gains->of[reader->at];
    if (++reader->read % BLOCKS_HELD == 0)
        spool_forget(&gains->spool);
    if (reader->block < of->count) {
        const struct block *block = &of->blocks[reader->block];
        reader->bytes = cursor_of(gains->spool.bytes.data + block->at, block->len);
    } else {
        reader->bytes = cursor_of(of->bytes.data, of->bytes.len);
    }
    reader->block++;
}

int apply_gains_next(struct apply_gains_reader *reader, uint32_t *ret_row)
{
    if (!reader->gains)
        return 0;
    while (!cursor_left(&reader->bytes) && reader->block <= reader->gains->of[reader->at].count)
        next_block(reader);
    if (!cursor_left(&reader->bytes))
        return 0;
    struct cursor ahead = reader->bytes;
    *ret_row = reader->row + (uint32_t)cursor_varint(&ahead);
    return 1;
}

static void take_one(struct apply_gains_reader *reader, uint32_t row, struct apply_delta *delta)
{
    const struct attribute *attribute = reader->attribute;
    struct value value;
    cursor_varint(&reader->bytes);
    if (!reader->begun || row != reader->row)
        apply_delta_row(delta, row, true);
    if (attribute->info.type != VALUE_LIST) {
        value_decode_unchecked(&reader->bytes, attribute->info.type, &value);
        apply_delta_value(delta, attribute_has_column(attribute), &value, row, true);
    }
    assert(!reader->bytes.failed); /* we wrote it */
    reader->begun = true;
    reader->row = row;
}

void apply_gains_take(struct apply_gains_reader *reader, uint64_t end, struct apply_delta *delta)
{
    uint32_t row;
    while (apply_gains_next(reader, &row) && row < end)
        take_one(reader, row, delta);
}
