// SPDX-License-Identifier: Apache-2.0
/*
 * Allocation and ownership.
 *
 * The `mem_` allocators never return NULL: they end the process when the machine is out of memory. Use them
 * only for sizes the program itself bounds. A size that a file, a store or a path names must be checked
 * against a cap first; that is an error for the world (-E2BIG, -EFBIG), not an allocation failure.
 *
 * Ownership is written down with cleanup attributes: `CLEANUP_FREE char *name = ...;` is freed when it leaves
 * scope, `return STEAL(name);` hands it on. Thread rule: any thread.
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

void *mem_alloc(size_t len);                  /* uninitialised; len 0 gives a unique pointer */
void *mem_zero(size_t len);                   /* zeroed */
void *mem_resize(void *memory, size_t len);   /* realloc */
void *mem_copy(const void *from, size_t len); /* copy of `len` bytes, one NUL byte behind them */
char *mem_text(const char *text);             /* strdup; NULL gives NULL */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define MEM_NEW(type) ((type *)mem_zero(sizeof(type)))

/* Makes room for `count` elements in the array at *array (a pointer to a pointer), capacity kept in *cap;
 * doubles, from about 64 bytes. */
void mem_grow_more(void *array, size_t *cap, size_t count, size_t element_len); /* the rest of mem_grow() */
static inline void mem_grow(void *array, size_t *cap, size_t count, size_t element_len)
{
    if (count > *cap)
        mem_grow_more(array, cap, count, element_len);
}

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}
static inline void cleanup_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
static inline int steal_fd(int *fd)
{
    int out = *fd;
    *fd = -1;
    return out;
}

#define CLEANUP(function) __attribute__((cleanup(function)))
#define CLEANUP_FREE      CLEANUP(cleanup_free)
#define CLEANUP_CLOSE     CLEANUP(cleanup_close)
#define STEAL(pointer)                                                                                       \
    __extension__({                                                                                          \
        __typeof__(pointer) stolen_ = (pointer);                                                             \
        (pointer) = NULL;                                                                                    \
        stolen_;                                                                                             \
    })

/* Defines `name(type **)` for CLEANUP(): frees *pointer with `function` unless it is NULL. */
#define CLEANUP_DEFINE(type, function, name)                                                                 \
    static inline void name(type **pointer)                                                                  \
    {                                                                                                        \
        if (*pointer)                                                                                        \
            function(*pointer);                                                                              \
    }
