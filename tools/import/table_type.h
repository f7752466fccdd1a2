// SPDX-License-Identifier: Apache-2.0
/*
 * The type of a column, found value by value. Written texts (CSV): the narrowest type that all of them have,
 * boolean (true, True, TRUE), integer (no leading zeros, within int64), float (inf is one; an integer among
 * floats is exact as one), timestamp, duration (number and unit), else text. "nan", however it is spelled, is
 * no value unless the column is text. Values that have a type: that one, integers among floats are floats.
 * The type of the attribute that the data set has comes first: what it would not keep as it is spelled does
 * not fit. One thread at a time.
 */
#pragma once

#include "cache/base/buf.h"
#include "tools/import/table_cells.h"

enum { TABLE_TYPE_SHOWN = 64 };
struct table_type_odd {          /* written texts of a kind */
    uint64_t count, place;       /* how many, and the place of the first; */
    char text[TABLE_TYPE_SHOWN]; /* its text, perhaps cut */
};

struct table_type {          /* all zero: nothing seen */
    enum value_type forced;  /* set by the caller: whatever comes must be that; 0: not */
    enum value_type known;   /* set by the caller: what the data set's attribute is; 0: there is none */
    enum value_type typed;   /* of values that have a type; 0: none came */
    unsigned refuted;        /* a bit for each type some written text does not have */
    bool seen, reals;        /* some value; some written one is a float and no integer */
    uint64_t numbers;        /* written ones */
    uint64_t blanks, commas; /* among `odd`: words for "none", such as n/a; decimal commas */
    struct table_type_odd nan, odd, big; /* odd: no numbers; big: integers that a float would round */
    struct table_type_odd refused;       /* cells that hold what is no value, and what the first does */
};

/* `place`: of its row, for people. -EINVAL: it has another type than those before. */
int table_type_see(struct table_type *type, const struct table_value *value, uint64_t place,
                   struct error *err);
/* A cell of the column holds what is no value (table_cells.h). */
void table_type_refuse(struct table_type *type, const char *what, uint64_t place);
enum value_type table_type_of(const struct table_type *type);
/* The value as one of the column's type, once all were seen; a text or list borrows `value` or `scratch`. 1:
 * "nan", which is none there. -EINVAL with the value: it cannot be, or would lose something, which happens
 * where a type is forced or known, or among values that have one. */
int table_type_value(const struct table_type *type, const struct table_value *value, struct buf *scratch,
                     struct value *ret, struct error *err);
/* What table_type_value() said, with the attribute's type and what to type: -EINVAL. */
int table_type_explain(const struct table_type *type, const char *attribute, struct error *err);

bool table_type_nan_is_none(const struct table_type *type);
/* Was the column to be numbers, but is text for some other texts in it? */
bool table_type_missed(const struct table_type *type);
/* Is it text only because no type of number holds all of them exactly? */
bool table_type_too_big(const struct table_type *type);

/* "boolean" ... as attributes' types are called, and bool, int, number for short. -EINVAL, naming them. */
int table_type_parse(const char *name, enum value_type *ret, struct error *err);
