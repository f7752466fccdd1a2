// SPDX-License-Identifier: Apache-2.0
/*
 * A shard that is made beside those whose rows it takes, which may take many commits: what it is for, and how
 * far it is. One at a time; it stands in the table `work`:
 *
 *     attribute -> u8 kind, varint number, varint end, varint late, cursor (shard_update.h)
 *
 * Readers know nothing of it. What it is made of does not change meanwhile: whoever changes the attribute's
 * shards or the cells that go into it gives it up first, and it begins again. Thread rule: one thread at a
 * time. Private to apply().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

struct apply;

enum apply_work_kind { APPLY_WORK_NONE, APPLY_WORK_SEAL, APPLY_WORK_FOLD, APPLY_WORK_MERGE };

struct apply_work {
    enum apply_work_kind kind;
    uint32_t attribute, number; /* the shard that is made */
    uint64_t end;               /* it takes cells of rows before this one */
    uint64_t late;              /* a fold: late columns are written of the rows before this one */
    struct buf cursor;
    bool changed; /* it is not as it is stored */
};
void apply_work_done(struct apply_work *work);

int apply_work_read(struct apply *apply, struct error *err);
int apply_work_write(struct apply *apply, struct error *err);
void apply_work_begin(struct apply *apply, const struct apply_work *work);
/* It is finished. */
void apply_work_end(struct apply *apply);
struct attribute;
struct apply_delta;
/* So much of its shard as the budget allows: 0: it is there, and the work ended; 1: it is not yet. `delta`:
 * what the shards whose place it takes do not say, or NULL. */
int apply_work_slice(struct apply *apply, const struct attribute *attribute, struct apply_delta *delta,
                     struct error *err);
/* What was made for this attribute goes. */
int apply_work_abandon(struct apply *apply, uint32_t attribute, struct error *err);
