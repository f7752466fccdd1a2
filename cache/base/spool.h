// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes that are appended and read back, and may be more than memory should hold: beyond a window they lie in
 * a file without a name (file_make_temp()), which stands where they stood:
 *
 *     data  | the file's pages ........................ | memory: the last ones |
 *           0                                         filed                   len
 *
 * So they are read at their places like those of a buf; what is touched of the file stays in memory until it
 * is wanted for something else, or until spool_forget().
 *
 * Appending never fails: where the file cannot be written, all that follows stays in memory, and
 * spool_check() says so. Whoever appends asks it now and then, and at the end. Thread rule: one thread at a
 * time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"

struct spool {
    struct buf bytes;  /* all of them: to be read only. `data` moves when bytes are appended */
    size_t filed;      /* of these, in the file; whole pages */
    size_t span;       /* addresses that `data` has for itself; 0: it lies in allocated memory */
    int fd;            /* of the file, where span is not 0 */
    size_t window;     /* bytes that stay in memory; 0: SPOOL_WINDOW */
    struct error *why; /* the file cannot be written; or NULL */
};
enum { SPOOL_WINDOW = 4 << 20 };

void spool_done(struct spool *spool); /* frees and empties */
void spool_append(struct spool *spool, const void *bytes, size_t len);
/* What kept bytes from the file, naming its folder. They are all there nevertheless. */
int spool_check(const struct spool *spool, struct error *err);
/* The file's bytes need not be in memory for now. They are read as before. */
void spool_forget(const struct spool *spool);
size_t spool_held(const struct spool *spool); /* bytes that are not in the file */
