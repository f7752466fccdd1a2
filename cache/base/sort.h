// SPDX-License-Identifier: Apache-2.0
/* Sorting many numbers: by their bytes, lowest first, which compares none of them. Any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Ascending. */
void sort_numbers(int64_t *list, size_t count);
/* The same of records that begin with a number; those of one number stay as they are. */
enum { SORT_RECORD_BYTES = 16 };
void sort_records(void *list, size_t count);
