// SPDX-License-Identifier: Apache-2.0
/*
 * "Did you mean": the names closest to a misspelt one, by edit distance (optimal string alignment: insert,
 * delete, replace, swap of neighbours; ASCII letters of either case are equal). Thread rule: one thread at a
 * time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cache/base/buf.h"

enum {
    NEAREST_MAX = 3,
    NEAREST_NAME_MAX = 128
}; /* names longer than that are never near, nor have near ones */

struct nearest {
    const char *wanted; /* borrowed */
    size_t len;
    struct {
        struct buf name;
        unsigned distance;
    } best[NEAREST_MAX]; /* nearest first; equally near ones in the order offered */
    size_t count;
};

void nearest_init(struct nearest *nearest, const char *wanted, size_t len);
void nearest_done(struct nearest *nearest);
#define CLEANUP_NEAREST CLEANUP(nearest_done)
/* Keeps the name if it is close enough and among the best. */
void nearest_offer(struct nearest *nearest, const char *name, size_t len);
/* Keeps it however it is spelt, as the nearest. */
void nearest_add(struct nearest *nearest, const char *name, size_t len);
/* Appends ": did you mean 'arm' or 'army'?", each with `before` in front; nothing if there is none. */
void nearest_print(const struct nearest *nearest, const char *before, struct buf *buf);

/* The distance, or limit + 1 if it is more than `limit`. */
unsigned nearest_distance(const char *a, size_t a_len, const char *b, size_t b_len, unsigned limit);
