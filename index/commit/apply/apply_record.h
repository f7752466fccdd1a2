// SPDX-License-Identifier: Apache-2.0
/*
 * The labels of the clip under way, its values and events: what its record says, what the change set says,
 * what it shall say, and what that changes: in a row that the parent has it becomes a patch, in a new one a
 * record and a part of a tail run, or, where the tail is sealed, of shards. Clips come in row order. Thread
 * rule: one thread at a time. Private to apply().
 */
#pragma once

#include "index/commit/apply/apply_state.h"

struct apply_record {
    struct apply *apply;
    struct record_group group, event_group; /* those of the clip under way */
    bool dirty, events_dirty;               /* the group is not as it is stored */
    struct lists lists;
    const struct attribute *only; /* only lists of this one are read; NULL: those that the set may change */
    /* Of rows that the parent has only these attributes are read: indices, ascending, and whether that of
     * events is among them; NULL: all. */
    const uint32_t *some;
    size_t some_count;
    bool some_events;
    uint32_t row;
    bool seen; /* the parent has it, and it is live */
    /* Values are by id; texts are borrowed. */
    struct record_values stored; /* the parent's; of a clip that is not live what it had. Without lists */
    struct record_values was;    /* the parent's of a live clip */
    struct record_values said;   /* the set's: apply_record_say() */
    struct record_values now;    /* apply_merge() makes it of both */
    struct events was_events, now_events; /* the latter are the former until somebody changes them */
    size_t *none; /* indices of attributes that the set says the clip has no value of */
    size_t none_count, none_cap;
    bool says_events;         /* said holds the labels of now_events */
    bool was_taken, was_kept; /* apply_merge() has counted the clip so */
    struct buf json;          /* the clip's JSON, once printed */
    struct record_values by_name;
    struct buf bytes, list;
    struct value *values;
    size_t value_cap;
};
#define APPLY_RECORD(of)                                                                                     \
    ((struct apply_record){.apply = (of), .group = RECORD_GROUP_INIT, .event_group = RECORD_GROUP_EVENTS})
void apply_record_done(struct apply_record *record);

/* The clip in `row`: `was` is read, if the parent has it (`known`), and the rest is empty. A list that no
 * one here can change is not read: it has no bytes, and stays as it is. What a removed clip had is none of
 * what a clip in its row has. */
int apply_record_enter(struct apply_record *record, uint32_t row, bool known, struct error *err);
/* Adds a value of the set to `said`. -EINVAL: an integer that is not exact as the float it must become. */
int apply_record_say(struct apply_record *record, const struct changeset_op *op, struct error *err);
/* Does it hold what it held? */
bool apply_record_same(const struct apply_record *record);
/* Makes `json` of `now`. */
int apply_record_print(struct apply_record *record, const char *key, struct error *err);
/* By how many bytes the clip's JSON becomes longer (or shorter: negative). */
int apply_record_growth(struct apply_record *record, int64_t *ret_bytes, struct error *err);
/* `now` and `now_events` are the clip's from here on; `was` is gone. */
int apply_record_put(struct apply_record *record, struct error *err);
/* The clip is removed: nothing is seen of what it has, which stays for a clip that comes back. */
void apply_record_retire(struct apply_record *record);
/* As apply_record_put(), but nothing is to be seen of it. */
int apply_record_hide(struct apply_record *record, struct error *err);
/* Writes the last groups. */
int apply_record_flush(struct apply_record *record, struct error *err);

/* Whose values stand (apply_merge.c): makes `now` of `old`, sorted by id, which is what the clip, or one that
 * it takes the labels of, had, and of what the set says. */
int apply_merge(struct apply_record *record, const struct apply_clip *place, const struct record_values *old,
                struct error *err);
