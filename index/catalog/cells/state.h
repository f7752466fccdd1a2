// SPDX-License-Identifier: Apache-2.0
/*
 * What stands above the values of an attribute as they are stored beneath: tail runs, the values of clips
 * that are in no shard yet, and above these patches; both oldest first.
 *
 *     state := u8 late, signed clips, signed different, varint folding, varint folded, varint tails,
 *              run{tails}, varint patches, run{patches}
 *     run   := varint step (of the version from the run before, the first from 0), varint level,
 *              varint rows, varint cut
 *
 * Where they lie: runs.h. Level 0
 * is a commit's own. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"

struct state_run {
    uint32_t version; /* the newest one of those that were merged into it */
    uint32_t level, rows;
    uint32_t cut; /* how it is cut into spans (runs.h) */
};
struct state_runs {
    struct state_run *list;
    size_t count, cap;
};
enum state_late { /* does it have columns that stand before records? */
                  STATE_NO_LATE,
                  STATE_LATE,    /* of clips that no patch was of, they say what records do */
                  STATE_LATE_ALL /* or something else */
};
struct state {
    enum state_late late;
    int64_t clips, different; /* to be added to what is beneath: clips that have it, values */
    uint32_t folding, folded; /* so many patches, the oldest, are being folded: rows before `folded` are */
    struct state_runs tails, patches;
};
void state_done(struct state *state);
void state_add(struct state_runs *runs, const struct state_run *run);
bool state_empty(const struct state *state); /* as if there were none */
/* -EUCLEAN. `ret` must be empty; so it is on failure. */
int state_decode(const void *bytes, size_t len, struct state *ret);
void state_encode(const struct state *state, struct buf *buf);
