// SPDX-License-Identifier: Apache-2.0
/* Golden tables: a text file of lines "input TAB result"; '#' begins a comment line; \t \n \\ are escapes. */
#pragma once

#include "cache/base/buf.h"

/* Appends the result for `input`: what was made of it, or the error's text. */
typedef void golden_fn(void *ctx, const char *input, size_t len, struct buf *result);

/* Runs every line of tests/query/golden/<name>; how many differ (each is printed), or -1 if it cannot be
 * read or holds no line. With GOLDEN_WRITE set in the environment the file is rewritten instead: look at the
 * difference before committing it. */
int golden_check(const char *name, golden_fn *make, void *ctx);
