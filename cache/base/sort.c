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

static inline int64_t number_at(const char *list, size_t i, size_t size)
{
    int64_t number;
    memcpy(&number, list + i * size, sizeof number);
    return number;
}

/* Stable, so that what lower bytes have put in order stays so. */
static inline void pass(const char *from, char *to, size_t count, size_t size, int byte, const size_t *counts)
{
    size_t at[BYTE_VALUES], sum = 0;
    for (int i = 0; i < BYTE_VALUES; i++) {
        at[i] = sum;
        sum += counts[i];
    }
    for (size_t i = 0; i < count; i++)
        memcpy(to + size * at[byte_of(number_at(from, i, size), byte)]++, from + size * i, size);
}

static inline bool is_sorted(const char *list, size_t count, size_t size)
{
    for (size_t i = 1; i < count; i++)
        if (number_at(list, i - 1, size) > number_at(list, i, size))
            return false;
    return true;
}

/* Inlined, so that the size is known where records are copied. */
static inline void sort(char *list, size_t count, size_t size)
{
    if (is_sorted(list, count, size))
        return;
    size_t counts[BYTES][BYTE_VALUES] = {{0}};
    CLEANUP_FREE char *other = mem_alloc(count * size);
    char *from = list, *to = other;
    for (size_t i = 0; i < count; i++)
        for (int byte = 0; byte < BYTES; byte++)
            counts[byte][byte_of(number_at(list, i, size), byte)]++;
    int64_t first = number_at(list, 0, size);
    for (int byte = 0; byte < BYTES; byte++) {
        if (counts[byte][byte_of(first, byte)] == count)
            continue;
        pass(from, to, count, size, byte, counts[byte]);
        char *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != list)
        memcpy(list, from, count * size);
}

void sort_numbers(int64_t *list, size_t count)
{
    sort((char *)list, count, sizeof *list);
}

void sort_records(void *list, size_t count)
{
    sort(list, count, SORT_RECORD_BYTES);
}
