// SPDX-License-Identifier: Apache-2.0
/*
 * The attributes of the clip under way: what its record says, what it shall say, and what that changes in
 * postings and columns. Clips come in row order. Thread rule: one thread at a time. Private to apply().
 */
#pragma once

#include "index/apply_state.h"

struct apply_record {
    struct apply *apply;
    struct record_group group; /* that of the clip under way */
    bool dirty;                /* the group is not as it is stored */
    uint32_t row;
    struct record_values was; /* the parent's, by id; borrowed from the group */
    struct record_values now; /* the caller's to fill; by id, once sorted. Texts are borrowed */
    struct buf json;          /* the clip's JSON, once printed */
    struct record_values by_name;
    struct buf bytes;
};
#define APPLY_RECORD(of) ((struct apply_record){.apply = (of), .group = RECORD_GROUP_INIT})
void apply_record_done(struct apply_record *record);

/* The clip in `row`: `was` is read, if the parent has it (`known`), and `now` is empty. */
int apply_record_enter(struct apply_record *record, uint32_t row, bool known, struct error *err);
/* Does `now`, sorted, hold what `was` holds? */
bool apply_record_same(const struct apply_record *record);
/* Makes `json` of `now`. */
void apply_record_print(struct apply_record *record, const char *key);
/* `now` is the record from here on; `was` is gone. */
void apply_record_put(struct apply_record *record);
/* Writes the last group. */
int apply_record_flush(struct apply_record *record, struct error *err);
