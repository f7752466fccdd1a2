// SPDX-License-Identifier: Apache-2.0
/*
 * Files of sections and settings:
 *
 *     # comment (also ;), on a line of its own
 *     [kind "name"]        or [name]
 *     key = value
 *
 * Strict: what is none of these is an error that names file and line. AWS's files also have settings nested
 * by indentation, which INI_NESTED leaves out. Thread rule: any thread.
 */
#pragma once

#include <stddef.h>

#include "cache/base/error.h"

struct ini_entry {
    const char *file; /* as given */
    unsigned line;
    const char *section;     /* the text between the brackets, blanks around it removed */
    const char *key, *value; /* NULL, NULL: the section begins here */
};

typedef int ini_fn(void *ctx, const struct ini_entry *entry, struct error *err);

enum ini_nesting { INI_FLAT, INI_NESTED };

/* -EINVAL, or what `each` said if negative. All texts are valid during the call only. */
int ini_parse(const char *file, const char *text, size_t len, enum ini_nesting nesting, ini_fn *each,
              void *ctx, struct error *err);
/* error_set() with "file:line: " in front. */
int ini_error(const struct ini_entry *entry, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
