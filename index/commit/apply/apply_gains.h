// SPDX-License-Identifier: Apache-2.0
/*
 * What new rows bring to each attribute, where they are sealed at once (apply_delta.h): all of an import, row
 * by row, of which memory holds a window. Given back attribute by attribute, in the order of rows, so that a
 * delta holds one shard's at a time. Thread rule: one thread at a time. Private to apply().
 */
#pragma once

#include "cache/base/cursor.h"
#include "cache/base/spool.h"
#include "index/commit/apply/apply_delta.h"

struct apply_gains;

struct apply_gains *apply_gains_new(size_t attributes);
void apply_gains_free(struct apply_gains *gains);
/* Attribute number `at` has this value in the row, which is not before those that came. Of a list it is only
 * kept that there is one. */
void apply_gains_add(struct apply_gains *gains, size_t at, const struct value *value, uint32_t row);
/* Fails where there is no room for them: to be asked while they are added. */
int apply_gains_check(const struct apply_gains *gains, struct error *err);

struct apply_gains_reader {
    struct apply_gains *gains;
    size_t at; /* of the attribute */
    const struct attribute *attribute;
    size_t block, read; /* blocks that were read; of them since the last was let go */
    struct cursor bytes;
    bool begun;   /* a row was given: */
    uint32_t row; /* the last one */
};
#define APPLY_GAINS_READER(of, number, what)                                                                 \
    ((struct apply_gains_reader){.gains = (of), .at = (number), .attribute = (what)})
/* 1 with the row that is next, 0 at the end. */
int apply_gains_next(struct apply_gains_reader *reader, uint32_t *ret_row);
/* Puts all rows before `end` into the delta. */
void apply_gains_take(struct apply_gains_reader *reader, uint64_t end, struct apply_delta *delta);
