// SPDX-License-Identifier: Apache-2.0
/*
 * One condition bound to a version: its attribute exists there, its values are typed, known, sorted and
 * without duplicates. Immutable once made; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "index/catalog/catalog.h"
#include "query/op/op.h"

struct literal {
    uint32_t attribute;  /* id in that version's catalog */
    char *name;          /* owned, as are values and their texts: literal_done() */
    const struct op *op; /* the one whose canonical form this is: of one value eq, not in */
    struct value *values;
    size_t count;             /* of a range two, low and high; of null one integer, 0 or 1 */
    bool open_low, open_high; /* of a range: no bound on that side, its value means nothing */
};
void literal_done(struct literal *literal);

/* Appends the canonical text: "arm.in=left,right". */
void literal_print(const struct literal *literal, struct buf *buf);
/* The same condition for the catalog; borrows from `literal`. */
struct catalog_literal literal_condition(const struct literal *literal);
