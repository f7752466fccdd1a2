// SPDX-License-Identifier: Apache-2.0
/*
 * Which values of an attribute some clips have, and how many of the clips each. `rows` are live rows of the
 * reader's version. Any thread (through its own reader). -EAGAIN from a reader that does not wait: call
 * again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/base/rowset.h"
#include "index/catalog/catalog.h"

struct tally_value {
    struct value value; /* a text is owned */
    uint64_t clips;     /* one or more */
};
struct tally {
    struct tally_value *list; /* in value order; none if there are more than was asked for */
    size_t count, cap;
    bool too_many;
    struct value least, greatest; /* of numbers that are finite, if `numbers`; of more than these clips, if
                                     too_many */
    bool numbers, minus_infinity, infinity;
};
/* Lists have no values. */
int tally_make(struct catalog_reader *reader, const struct rowset *rows,
               const struct catalog_attribute *attribute, size_t most, struct tally *ret, struct error *err);
void tally_done(struct tally *tally);
#define CLEANUP_TALLY CLEANUP(tally_done)

/* Puts the values that most clips have first; of equal ones the least. */
void tally_sort(struct tally *tally);

/* 1: some of the clips have a value that others of them do not have; 0: it would only give all or none. */
int tally_divides(struct catalog_reader *reader, const struct rowset *rows,
                  const struct catalog_attribute *attribute, struct error *err);
/* How many of the rows the condition leaves. */
int tally_count(struct catalog_reader *reader, const struct rowset *rows,
                const struct catalog_literal *literal, uint64_t *ret, struct error *err);
