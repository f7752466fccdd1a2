// SPDX-License-Identifier: Apache-2.0
/*
 * A set of rows (dense u32 numbers): a Roaring bitmap in memory; the portable format on disk
 * (RoaringFormatSpec). Thread rule: one thread writes; shared read-only afterwards by reference count
 * (atomic).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

struct rowset;

struct rowset *rowset_new(void);
struct rowset *rowset_copy(const struct rowset *set); /* an own, writable one */
struct rowset *rowset_ref(struct rowset *set);
void rowset_unref(struct rowset *set);
CLEANUP_DEFINE(struct rowset, rowset_unref, cleanup_rowset)
#define CLEANUP_ROWSET CLEANUP(cleanup_rowset)

void rowset_add(struct rowset *set, uint32_t row);
void rowset_remove(struct rowset *set, uint32_t row);
void rowset_add_range(struct rowset *set, uint64_t first, uint64_t end);  /* [first, end) */
void rowset_keep_range(struct rowset *set, uint64_t first, uint64_t end); /* all others go */
void rowset_and(struct rowset *set, const struct rowset *other);
void rowset_or(struct rowset *set, const struct rowset *other);
void rowset_andnot(struct rowset *set, const struct rowset *other);
/* As rowset_or(), of an own one that is not needed any more: it is left with any rows. */
void rowset_or_spent(struct rowset *set, struct rowset *other);

uint64_t rowset_count(const struct rowset *set);
bool rowset_empty(const struct rowset *set);
bool rowset_contains(const struct rowset *set, uint32_t row);
bool rowset_intersects(const struct rowset *a, const struct rowset *b);
uint64_t rowset_and_count(const struct rowset *a, const struct rowset *b);
/* Up to `max` rows >= from, ascending, into ret_rows; how many. */
size_t rowset_rows(const struct rowset *set, uint64_t from, uint32_t *ret_rows, size_t max);
uint64_t rowset_rank(const struct rowset *set, uint64_t row); /* how many members are < row */
/* The member of that rank, which is below rowset_count(). */
uint32_t rowset_at(const struct rowset *set, uint64_t rank);
size_t rowset_bytes(const struct rowset *set); /* memory it takes, roughly, once it is trimmed */
/* Gives back memory that it has no use for, unless somebody else has it, too: what was cut out of other sets
 * takes as much as the smallest of these. */
void rowset_trim(struct rowset *set);

enum { ROWSET_PART_ROWS = 1 << 16, ROWSET_PART_WORDS = ROWSET_PART_ROWS / 64 };
void rowset_add_many(struct rowset *set, const uint32_t *rows, size_t count);
/* Adds row base + i for each bit i that is set in the 2^16 bits; base is a multiple of ROWSET_PART_ROWS. */
void rowset_add_words(struct rowset *set, uint32_t base, const uint64_t words[ROWSET_PART_WORDS]);

/* How many bits of so many words of 64 are set: by the CPU, where it can. */
uint32_t rowset_bits(const void *words, size_t count);

/* Appends the portable format, canonical (run-optimised). */
void rowset_encode(const struct rowset *set, struct buf *buf);
/* The same of the members in [base, end) as numbers from base, a multiple of ROWSET_PART_ROWS. */
void rowset_encode_part(const struct rowset *set, uint32_t base, uint64_t end, struct buf *buf);
/* The same of these rows, ascending. */
void rowset_encode_rows(const uint32_t *rows, size_t count, struct buf *buf);
/* Hostile bytes: bounds, order and cardinalities are checked. -EINVAL. Rows are `base` + stored; base is a
 * multiple of ROWSET_PART_ROWS. */
int rowset_decode(const char *name, const void *bytes, size_t len, uint32_t base, struct rowset **ret,
                  struct error *err);
