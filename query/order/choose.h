// SPDX-License-Identifier: Apache-2.0
/*
 * Clips chosen by the hashes of their keys, so that the same ones are chosen on every machine, and mostly the
 * same as a data set grows: of a sample or a share, others come in between; none changes sides but for that.
 *
 * `rows` are live rows of the reader's version; *ret is a new set of some of them. -EAGAIN from a reader that
 * does not wait: call again.
 */
#pragma once

#include <stddef.h>

#include "index/base/rowset.h"
#include "index/catalog/catalog.h"
#include "query/order/keyed.h"

/* The `count` with the least keyed_clip(); of equal ones the lower row. Memory is for `count`. */
int choose_least(struct catalog_reader *reader, const struct rowset *rows, const struct keyed *key,
                 enum keyed_purpose purpose, uint64_t count, struct rowset **ret, struct error *err);

enum { CHOOSE_ALL = 100000000 }; /* 100 per cent, in millionths of one */
struct choose_share {
    struct keyed key;
    uint32_t from, to; /* from <= x < to */
};
/* A clip's x is keyed_clip() as a share of 2^64: it never changes. */
int choose_share(struct catalog_reader *reader, const struct rowset *rows, const struct choose_share *share,
                 struct rowset **ret, struct error *err);

/* The same with all clips of a value on one side: values stand in the order of keyed_value(), and x is where
 * the middle of a value's clips is among all that have one, so that sizes are as near as whole groups allow.
 * As data grows a value near a border may change sides. A clip without a value has its own x. -EINVAL: some
 * clip has several values. */
struct choose_groups {
    uint64_t chosen, all; /* values */
};
int choose_share_of_groups(struct catalog_reader *reader, const struct rowset *rows,
                           const struct choose_share *share, uint32_t attribute, struct rowset **ret,
                           struct choose_groups *ret_groups, struct error *err);

/* Of each value's clips as many as the weights allow: count(value) / weight is the same for all, and as large
 * as may be. Without weights (count 0) every value that is there has the same. Clips with none of the values
 * are left out. Of an attribute that has one value a clip. Memory: 8 bytes a clip. */
struct choose_weight {
    struct value value;
    uint64_t weight; /* in millionths; 0: none of its clips */
};
int choose_balanced(struct catalog_reader *reader, const struct rowset *rows, uint32_t attribute,
                    const struct choose_weight *weights, size_t count, struct rowset **ret,
                    struct error *err);
