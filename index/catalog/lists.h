// SPDX-License-Identifier: Apache-2.0
/*
 * The lists of clips stand apart from their other attributes, in a group of rows for each attribute: they are
 * long, and a label that changes shall not write them again.
 *
 *     group of an attribute := packed( varint length of each of 128 records, the records )
 *     record                := (nothing: the clip has none) | value_encode() of the list
 *
 * Thread rule: one thread at a time.
 */
#pragma once

#include "index/catalog/record.h"

struct lists_group { /* the group of an attribute that was read last */
    uint32_t attribute;
    bool dirty; /* the caller's: it is not as it is stored */
    struct record_group group;
};
struct lists {
    struct lists_group *groups; /* by attribute id */
    size_t count, cap;
    size_t next; /* behind the one asked for last: clips tend to be alike */
};
void lists_done(struct lists *lists);

/* That of the attribute, made if there is none yet. Valid until the next call. */
struct lists_group *lists_group_of(struct lists *lists, uint32_t attribute);
/* The list of `row` in a group that was read. 0: the clip has none; 1; -EUCLEAN. */
int lists_get(struct db *db, const struct record_group *group, uint32_t row, struct value *ret,
              struct error *err);
/* Gives the values of the record of `row`, as record_decode() left them, their lists. They borrow `lists`. */
int lists_fill(struct db *db, struct lists *lists, uint32_t row, struct record_values *values,
               struct error *err);
/* The lists among the values, one behind the other; and back into values that lack them. */
void lists_encode(const struct record_values *values, struct buf *buf);
int lists_decode(struct db *db, struct cursor bytes, struct record_values *values, struct error *err);
/* All groups of an attribute go. */
int lists_drop(struct db *db, uint32_t attribute, struct error *err);
