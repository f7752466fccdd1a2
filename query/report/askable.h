// SPDX-License-Identifier: Apache-2.0
/*
 * What can be asked of some clips: their attributes, each with its type, how many of them have it, how many
 * values there are and a few of these. `.elidefs/schema.json` and `elidefs attribute list` are made of it.
 * Any thread (through its own reader). -EAGAIN from a reader that does not wait: call again.
 */
#pragma once

#include "cache/base/buf.h"
#include "query/facets.h"
#include "query/query.h"

enum { ASKABLE_EXAMPLES = 3 };

struct askable { /* borrowed until the call returns */
    const struct catalog_attribute *attribute;
    const char *description; /* "": nobody wrote one */
    uint64_t clips, values;  /* values: of lists 0, they are not counted */
    /* The most frequent, where there are few values, with how many clips have them; else the least, 0 clips
     */
    const struct facet *examples;
    size_t example_count;
};
typedef int askable_fn(void *ctx, const struct askable *askable, struct error *err);

/* By name; those that none of the clips has are left out, unless the query is that of all clips. */
int askable_each(const struct query *query, struct catalog_reader *reader, askable_fn *each, void *ctx,
                 struct error *err);
/* Appends it as a JSON object. */
void askable_print_json(const struct askable *askable, struct buf *buf);
/* schema.json: {"version":2,"path":"arm=left","clips":42,"attributes":[...]} and a newline. */
int askable_schema(const struct query *query, struct catalog_reader *reader, struct buf *buf,
                   struct error *err);
