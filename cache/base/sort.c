// SPDX-License-Identifier: Apache-2.0
/* A byte that is the same in all numbers needs no pass: those of times and floats mostly differ in half of
 * theirs. */
#include "cache/base/sort.h"

#include <stdbool.h>
#include <string.h>

#include "cache/base/memory.h"

enum { BYTES = sizeof(int64_t), BYTE_VALUES = 256 };

/* The sign's bit turned over, numbers are in order as unsigned ones. */
static unsigned byte_of(int64_t number, int byte)
{
    return (unsigned)(((uint64_t)number ^ 1ull << 63) >> 8 * byte) & (BYTE_VALUES - 1);
}

/* Stable, so that what lower bytes have put in order stays so. */
static void pass(const int64_t *from, int64_t *to, size_t count, int byte, const size_t *counts)
{
    size_t at[BYTE_VALUES], sum = 0;
    for (int i = 0; i < BYTE_VALUES; i++) {
        at[i] = sum;
        sum += counts[i];
    }
    for (size_t i = 0; i < count; i++)
        to[at[byte_of(from[i], byte)]++] = from[i];
}

static bool is_sorted(const int64_t *list, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (list[i - 1] > list[i])
            return false;
    return true;
}

void sort_numbers(int64_t *list, size_t count)
{
    if (is_sorted(list, count))
        return;
    size_t counts[BYTES][BYTE_VALUES] = {{0}};
    CLEANUP_FREE int64_t *other = mem_alloc(count * sizeof *other);
    int64_t *from = list, *to = other;
    for (size_t i = 0; i < count; i++)
        for (int byte = 0; byte < BYTES; byte++)
            counts[byte][byte_of(list[i], byte)]++;
    for (int byte = 0; byte < BYTES; byte++) {
        if (counts[byte][byte_of(list[0], byte)] == count)
            continue;
        pass(from, to, count, byte, counts[byte]);
        int64_t *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != list)
        memcpy(list, from, count * sizeof *list);
}
