// SPDX-License-Identifier: Apache-2.0
/*
 * Which blocks of a cached file were fetched though nobody had asked for them, and have not been read since:
 * a bit each, kept from the first such block on. So the cache can tell what fetching ahead was worth.
 * Thread rule: locks the file where it is not said that the caller does. Private to cache/.
 */
#pragma once

#include <stdint.h>

struct cached;

struct unread {
    uint8_t *bits;   /* NULL: there was never one */
    uint64_t blocks; /* that are set */
};

/* Those of [first, end) that are ABSENT are about to be fetched ahead. */
void unread_mark_locked(struct cached *file, uint64_t first, uint64_t end);
/* Those of [first, end) came and are gone again, unread. */
void unread_drop_locked(struct cached *file, uint64_t first, uint64_t end);
/* Those of [first, end) did not come. */
void unread_unmark_locked(struct cached *file, uint64_t first, uint64_t end);
/* Bytes [offset, offset + len) are read. */
void unread_take_locked(struct cached *file, uint64_t offset, uint64_t len);
/* The same; one look at a flag if there is nothing to take. */
void unread_take(struct cached *file, uint64_t offset, uint64_t len);
