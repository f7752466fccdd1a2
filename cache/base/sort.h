// SPDX-License-Identifier: Apache-2.0
/* Sorting many numbers: by their bytes, lowest first, which compares none of them. Any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Ascending. */
void sort_numbers(int64_t *list, size_t count);
