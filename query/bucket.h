// SPDX-License-Identifier: Apache-2.0
/*
 * Ranges of numbers with round bounds, for who wants to see how many values are spread:
 *
 *     integers     0..99 100..199 200..299         both ends belong to it
 *     floats       0.5..1.0 1.0..1.5               the upper end does not, as in KEY.rng=LOW..HIGH
 *     timestamps   days, weeks from Monday, months, quarters, years: 2026-03-01..2026-04-01
 *
 * Any thread.
 */
#pragma once

#include <stddef.h>

#include "cache/base/buf.h"
#include "index/base/value.h"

enum { BUCKET_MOST = 10 };

struct bucket {
    struct value low, high; /* as a range in a path has them */
};
/* Ranges beside each other from one that holds `least` to one that holds `greatest`: numbers of one type,
 * finite. How many; 0: they are so far apart, or so close together, that none has bounds to tell. */
size_t bucket_split(const struct value *least, const struct value *greatest,
                    struct bucket ret_buckets[BUCKET_MOST]);
/* Appends an end as people write it: a timestamp at midnight is a date. */
void bucket_print_end(struct buf *buf, const struct value *value);
