// SPDX-License-Identifier: Apache-2.0
/*
 * Lists of numbers (VALUE_LIST): in their order, with their repeats, as they were given. A list is held as
 * its bytes, so it is compared, copied and kept as a text is:
 *
 *     list    := element{up to VALUE_LIST_MAX}
 *     element := u8 0                   null: none, or NaN
 *              | u8 1 signed            an integer ("signed" of index/FORMAT.md)
 *              | u8 2 u64               any other number: IEEE 754 bits
 *
 * What is printed alike has the same bytes: a float that is printed as an integer stands as one, so 2.0 is 2.
 * Any thread.
 */
#pragma once

#include "index/base/value.h"

enum { VALUE_LIST_MAX = 65536 }; /* elements */

/* One more element behind the list in `list`, which is empty at first. */
void value_list_add_null(struct buf *list);
void value_list_add_integer(struct buf *list, int64_t number);
void value_list_add_real(struct buf *list, double number);
struct value value_list_of(const struct buf *list); /* borrows it */

/* "[1,2.5,null]", with blanks or without; inf and -inf are numbers, nan is null. The list stands in `list`,
 * which is emptied first. -EINVAL */
int value_list_parse(const char *text, size_t len, struct buf *list, struct value *ret);

/* The next element of a list: an integer, a float, or, with type 0, null. False: it ends, or c->failed. */
bool value_list_next(struct cursor *c, struct value *ret);
