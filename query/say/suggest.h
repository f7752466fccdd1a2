// SPDX-License-Identifier: Apache-2.0
/* What may stand next in a path, for those who type one. Any thread (through its own reader). */
#pragma once

#include <stddef.h>

#include "query/query.h"

enum {
    SUGGEST_MOST = 200,        /* suggestions of one call */
    SUGGEST_CLIPS_MOST = 2000, /* clips whose files are looked at */
};

/* `text`: "arm=" or a whole component, "arm=left"; `what`: its type, or how many clips of the version have
 * it. Both borrowed for the call. Non-zero ends it with that. */
typedef int suggest_fn(void *ctx, const char *text, const char *what, struct error *err);
/* Components that start with `typed`: behind a '@' stages, else those that leave clips of `parent`:
 * attributes while no '=' has been typed, behind a '.' operators, then values. Of "arm=left+ar" the part
 * behind the last '+' is completed, of "arm.in=left,r" the one behind the last ','. -ENOENT: no such
 * attribute. */
int suggest_components(const struct query *parent, const char *typed, struct catalog_reader *reader,
                       suggest_fn *each, void *ctx, struct error *err);
/* Files of the first clips of `parent` that begin with `typed`. */
int suggest_files(const struct query *parent, const char *typed, struct catalog_reader *reader,
                  suggest_fn *each, void *ctx, struct error *err);
