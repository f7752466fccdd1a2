// SPDX-License-Identifier: Apache-2.0
/*
 * The rows that a query means, in the order in which its folder lists them. Three kinds, one interface:
 *
 *     rows     ascending, a bitmap                     set_new_rows()    all that conditions leave
 *     list     rows in any order, kept: 4 bytes each,  set_new_list()    the nearest, a sorted folder
 *              8 once one was looked for
 *     picked   position -> position in another set,    set_new_picked()  a shuffle, a shard, the first n
 *              computed: nothing is kept
 *
 * A set is all in memory: nothing here reads, waits or fails. It is immutable and shared by reference count
 * (atomic); any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "cache/base/memory.h"
#include "index/base/rowset.h"

struct set;

struct set *set_ref(struct set *set);
void set_unref(struct set *set);
CLEANUP_DEFINE(struct set, set_unref, cleanup_set)
#define CLEANUP_SET CLEANUP(cleanup_set)

/* A reference to `rows` is taken; nobody may write to them any more. */
struct set *set_new_rows(struct rowset *rows);
/* No row stands twice in `rows`, which is taken (an array from mem_alloc). */
struct set *set_new_list(uint32_t *rows, size_t count);

/* Which positions of another set these are, and in which order: a function that never gives the same twice.
 * All that it needs are its arguments, so nothing is kept for it. */
struct set_pick {
    /* The position in the other set, for 0 <= position < count. */
    uint64_t (*at)(const struct set_pick *pick, uint64_t position);
    /* The other way round, for any position of the other set; false: it is not picked. */
    bool (*find)(const struct set_pick *pick, uint64_t in_base, uint64_t *ret_position);
    uint64_t count; /* positions picked; at most as many as the other set has */
    uint64_t args[4];
};
/* A reference to `base`, of any kind, is taken; few of many become a list instead. */
struct set *set_new_picked(struct set *base, const struct set_pick *pick);
/* Every step-th one from `first` on, at most `max`: the first n (0, 1, n), all but the first n (n, 1,
 * UINT64_MAX), a shard (i, n, UINT64_MAX). step >= 1. */
struct set *set_new_every(struct set *base, uint64_t first, uint64_t step, uint64_t max);
/* Those of the set that are in `rows` too, in the order of the set. A list unless the set ascends. */
struct set *set_new_kept(struct set *set, struct rowset *rows);

uint64_t set_count(const struct set *set);
size_t set_bytes(const struct set *set); /* memory it holds, alone or with others, roughly */
/* Gives back what it has in excess, for who keeps it: before another thread has it. */
void set_trim(struct set *set);
/* Do rows ascend, and are cursors rows? Else cursors are positions. */
bool set_ascends(const struct set *set);

/* The row at a position, 0 <= position < set_count(). */
uint32_t set_at(const struct set *set, uint64_t position);
bool set_has(const struct set *set, uint32_t row);
bool set_find(const struct set *set, uint32_t row, uint64_t *ret_position); /* set_has(), and where */

/* Reading goes on at a cursor: `from` is 0, then *ret_next of the call before. Up to `max` rows; how many; 0
 * at the end. A cursor is a number of at most 33 bits that means the same in every set of the same rows in
 * the same order, however it was made: of ascending ones the row before it plus 1 (any number is a cursor, of
 * the next row that is not below it), of others the position. */
size_t set_read(const struct set *set, uint64_t from, uint32_t *ret_rows, size_t max, uint64_t *ret_next);
/* The cursor before the row at a position, at most set_count(). */
uint64_t set_cursor(const struct set *set, uint64_t position);

/* Calls `each` for every row, in order; non-zero from it ends that and is returned. */
typedef int set_row_fn(void *ctx, uint32_t row, struct error *err);
int set_each(const struct set *set, set_row_fn *each, void *ctx, struct error *err);

/* The rows without their order: a reference, maybe to what the set itself holds; copy before changing it. */
struct rowset *set_rows(const struct set *set);
