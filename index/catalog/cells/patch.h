// SPDX-License-Identifier: Apache-2.0
/*
 * Cells of one attribute, by row: what a clip has now and what stands beneath. They lie in two tables, in two
 * forms:
 *
 *     blob    := packed(u8 form, u8 type, rows, varint sets, set*, codes, dead, origins)
 *     rows    := form 1 (a patch):  varint count, (varint step from the row before, the first from 0)*
 *                form 2 (a column): varint count, varint first: rows first .. first + count - 1
 *     set     := varint values, value*        what a clip has, ascending; code i is the i-th of them, 0 is
 * nothing codes   := of form 1: what stood beneath, then what the clip has; of form 2 only the latter. One
 * byte plane for each byte that the number of sets has: the lowest bytes of all rows, then the next ones dead
 * := varint count, (varint step)*    places among the rows whose clip is not live: they have what it had
 *     origins := varint count, varint*, and if there are several a plane of places among them as codes are
 *
 * `type` is the one the values were written in; integers of an attribute that was widened are floats when
 * they are read. Of a list there is no value, only that there is one (lists.h). Sets and origins stand in the
 * order of their first use. Thread rule: one thread at a time.
 */
#pragma once

#include "cache/base/strmap.h"
#include "index/catalog/attributes.h"
#include "index/catalog/cells/number_codes.h"
#include "index/catalog/db.h"

enum patch_form { PATCH_STEPS = 1, PATCH_COLUMN = 2 };

#define PATCH_NONE 0u
#define PATCH_DEAD (1u << 31) /* in `now`: not live, so nothing is seen of it */
struct patch_cell {
    uint32_t row;
    uint32_t old, now; /* codes */
    uint32_t origin;   /* of who set `now` */
};
static inline uint32_t patch_code_of(const struct patch_cell *cell)
{
    return cell->now & ~PATCH_DEAD;
}
static inline uint32_t patch_code_seen(const struct patch_cell *cell)
{
    return cell->now & PATCH_DEAD ? PATCH_NONE : cell->now;
}

struct patch_set { /* values[at .. at + count) */
    uint32_t at, count;
};
struct patch {
    struct patch_cell *cells;
    size_t count, cap;
    struct value *values;   /* texts lie in the map */
    struct patch_set *sets; /* of code i + 1 */
    size_t value_count, value_cap, set_count, set_cap;
    struct strmap *map;          /* a set's bytes -> its code; */
    struct number_codes numbers; /* and of sets that are one number or time */
    uint32_t first, end;         /* of the column that was read last: it speaks of the rows [first, end) */
    struct buf scratch;
};
#define CLEANUP_PATCH CLEANUP(patch_done)
void patch_done(struct patch *patch);

/* The code of these values, ascending and without doubles; PATCH_NONE of none. */
uint32_t patch_code(struct patch *patch, const struct value *values, size_t count);
/* The values of a code. */
const struct value *patch_values(const struct patch *patch, uint32_t code, size_t *ret_count);
/* A cell behind all others, or in the place of the last one where that is of the same row: what stood beneath
 * it then still does. */
void patch_add(struct patch *patch, const struct patch_cell *cell);
/* Appends the cells of a blob of `attribute`; `where` says which, in messages. Of a column only those that
 * have something. -EUCLEAN */
int patch_read(struct db *db, const struct attribute *attribute, const char *where, const void *bytes,
               size_t len, struct patch *patch, struct error *err);
/* By row; of several cells of a row the last one's `now` stands, above the first one's `old`. */
void patch_settle(struct patch *patch);
/* Of a settled patch; NULL: it has no cell of this row. */
const struct patch_cell *patch_find(const struct patch *patch, uint32_t row);

/* The cells [from, to) as a patch, not packed; values are of `type`. */
void patch_encode(const struct patch *patch, enum value_type type, size_t from, size_t to, struct buf *buf);
struct patch_span {
    size_t from, to;      /* cells */
    uint32_t first, rows; /* first .. first + rows - 1, among which they are */
};
/* The cells as a column. */
void patch_encode_column(const struct patch *patch, enum value_type type, const struct patch_span *span,
                         struct buf *buf);
