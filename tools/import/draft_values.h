// SPDX-License-Identifier: Apache-2.0
/*
 * The values of one clip that an import found, in few bytes: there may be millions of clips. Thread rule: one
 * thread at a time. All zero: there are none.
 */
#pragma once

#include "cache/base/buf.h"
#include "cache/base/cursor.h"
#include "index/base/value.h"

struct draft_values {
    struct buf bytes;
    size_t count;
};
void draft_values_done(struct draft_values *values); /* frees and empties */
void draft_values_add(struct draft_values *values, size_t attribute, const struct value *value); /* copies */
void draft_values_remove(struct draft_values *values, size_t attribute);
/* Gives back the room for more of them: no more is expected. */
void draft_values_fit(struct draft_values *values);

struct draft_values_reader {
    struct cursor at;
    size_t attribute;   /* of the value that came last, */
    struct value value; /* and what it is: a text is borrowed until the values change */
};
#define DRAFT_VALUES_READER(values)                                                                          \
    ((struct draft_values_reader){.at = cursor_of((values)->bytes.data, (values)->bytes.len)})
/* The next value, in the order they were added; false at the end. */
bool draft_values_next(struct draft_values_reader *reader);
