// SPDX-License-Identifier: Apache-2.0
/* Small allocations do not fail on Linux before the OOM killer acts; handling them at each call hides real
 * bugs. */
#include "cache/base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void *check(void *memory)
{
    if (!memory) {
        fputs("elidefs: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *mem_alloc(size_t len)
{
    return check(malloc(len ? len : 1));
}

void *mem_zero(size_t len)
{
    return check(calloc(1, len ? len : 1));
}

void *mem_resize(void *memory, size_t len)
{
    return check(realloc(memory, len ? len : 1));
}

void *mem_copy(const void *from, size_t len)
{
    char *copy = mem_alloc(len + 1);
    if (len)
        memcpy(copy, from, len);
    copy[len] = 0;
    return copy;
}

char *mem_text(const char *text)
{
    return text ? mem_copy(text, strlen(text)) : NULL;
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    return check(len < 0 ? NULL : text);
}

/* There may be millions of arrays, most with one large element in each. */
enum { FIRST_BYTES = 64 };

void mem_grow_more(void *array, size_t *cap, size_t count, size_t element_len)
{
    size_t first = element_len <= FIRST_BYTES / 8 ? 8
                   : element_len < FIRST_BYTES    ? FIRST_BYTES / element_len
                                                  : 1;
    size_t cap_new = *cap ? *cap : first;
    while (cap_new < count)
        cap_new *= 2;
    void **pointer = array;
    *pointer = mem_resize(*pointer, cap_new > SIZE_MAX / element_len ? SIZE_MAX : cap_new * element_len);
    *cap = cap_new;
}
