// SPDX-License-Identifier: Apache-2.0
/*
 * The stages, a row each: "@head=10" has the row `head` and a bound 10. A stage makes one set of another. To
 * add one: a file here that defines its row, the row's place in stage.c, and its cases in tests/query.
 *
 * A stage that narrows leaves those clips of a set that it would leave of all, in the order in which they
 * stand, so it is one more condition and sorted among them. Any other is a barrier: what stands left of it
 * comes before it, what stands right of it behind.
 *
 * What is bound is immutable; any thread (through its own reader).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

struct catalog_reader; /* index/catalog/catalog.h */
struct grammar_text;   /* query/grammar.h */
struct refusal;        /* query/refusal.h */
struct set;            /* query/set.h */

struct stage {
    const char *name;
    const char *usage; /* its arguments: "vN[,ATTRIBUTE]" */
    const char *help;  /* what is left */
    bool narrows;
    /* Of its arguments, one or more, what apply() needs. -ENOENT with the reason. NULL: the stage is not
     * supported yet. */
    int (*bind)(const struct grammar_text *args, size_t count, struct catalog_reader *reader, void **ret,
                struct refusal *why, struct error *err);
    void (*free)(void *bound); /* NULL: free() does */
    /* Appends the canonical arguments, each by stage_print(). */
    void (*print)(const void *bound, struct buf *buf);
    /* How many it leaves of a set of so many. NULL: nobody knows; as many. */
    uint64_t (*leaves)(const void *bound, uint64_t of);
    bool exact; /* leaves() is no estimate: who counts need not apply it */
    /* What it has to do with order (query/lean.h). A stage with none of the three keeps the order in which
     * clips stand, and chooses the same ones whatever that is. */
    bool leaves_all; /* all clips of any set: nothing but their order is another one */
    bool by_place;   /* where clips stand tells which are left, or where these stand then */
    bool sorts;      /* in an order that depends on the clips alone, not on where they stood */
    /* So many of a set's first (UINT64_MAX: all) are enough to know the `first` first that it leaves. NULL:
     * all are needed. */
    uint64_t (*needs)(const void *bound, uint64_t first);
    /* Appends a line on what it makes of that set, where there is more to tell than how many; nothing, else.
     * NULL: there never is. */
    int (*tell)(const void *bound, struct catalog_reader *reader, struct set *set, struct buf *buf,
                struct error *err);
    /* Of the clips that are left, is this file listed? By stream name ("" for a plain one) and extension.
     * NULL: all are. */
    bool (*shows)(const void *bound, const char *name, const char *ext);
    /* The reader may be of another version than the one that was bound to (there.h): what that lacks, nobody
     * has. -EAGAIN from a reader that does not wait: call again. */
    int (*apply)(const void *bound, struct catalog_reader *reader, struct set *set, struct set **ret,
                 struct error *err);
};

extern const struct stage stage_key, stage_streams, stage_text, stage_sort, stage_skip, stage_head,
    stage_sample, stage_shuffle, stage_shard, stage_split, stage_balance, stage_since;

/* The i-th one, in the order in which they are offered; NULL behind the last. */
const struct stage *stage_at(size_t i);
const struct stage *stage_find(const char *name, size_t len); /* NULL: none is called so */

/* For rows: appends an argument, escaped, behind a ',' if it is not the first. */
void stage_print(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* -ENOENT, "@head: reason: it is written @head=N". `reason` names the argument. */
int stage_refuse(const struct stage *stage, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
