// SPDX-License-Identifier: Apache-2.0
/*
 * What differs between two versions, for the clips of a query: attributes first, then what sources say of
 * themselves, then clips in listing order.
 *
 * A clip is added if it is in the query in the newer version and was not in the older one, removed the other
 * way round, changed if it is in both and a file of it has other bytes. So with a condition a clip can be
 * added that was there before: its differences say why it came in. What changed and changed back is no
 * difference.
 *
 * Any thread (through its own readers). -EAGAIN as query_run().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/catalog/catalog.h"
#include "query/query.h"

struct diff {
    struct catalog_reader *older, *newer;
    const struct query *query; /* bound to the newer version */
};

enum diff_op { DIFF_ADDED, DIFF_CHANGED, DIFF_REMOVED, DIFF_RENAMED, DIFF_OPS };
const char *diff_op_name(enum diff_op op); /* "added", ... */

/* An attribute of the data set. */
struct diff_attribute {
    enum diff_op op; /* CHANGED: another type or description */
    const char *name, *old_name;
    enum value_type type, old_type;            /* both of the one that is there */
    const char *description, *old_description; /* "": none; both of the one that is there */
};
struct diff_source { /* a file of a source that both versions have */
    enum diff_op op;
    uint32_t source;
    const char *folder, *file; /* below its root; below that folder */
    uint32_t version;          /* that last changed the source's files */
};
struct diff_value { /* of one clip; JSON: a value, an array where there may be several, NULL where it has none
                     */
    const char *attribute, *was, *is;
    const char *by; /* who set what it is, NULL if it is none, "" if that is not recorded */
};
struct diff_file {
    enum diff_op op;
    const char *name;
};
struct diff_clip { /* borrowed for the call */
    enum diff_op op;
    const char *key;
    uint32_t version;                /* the one that changed it last, or removed it */
    const struct diff_value *values; /* by name; none of a clip that is new or gone */
    size_t value_count;
    const struct diff_file *files; /* without the json, which follows from the values */
    size_t file_count;
};

/* Non-zero from a function ends it with that; any may be NULL. */
typedef int diff_attribute_fn(void *ctx, const struct diff_attribute *attribute, struct error *err);
typedef int diff_clip_fn(void *ctx, const struct diff_clip *clip, struct error *err);
typedef int diff_source_fn(void *ctx, const struct diff_source *source, struct error *err);
struct diff_visitor {
    diff_attribute_fn *attribute;
    diff_source_fn *source;
    diff_clip_fn *clip;
    void *ctx;
};
/* -EINVAL if `older` is the newer one. The versions between are opened only if clips are gone. */
int diff_run(const struct diff *diff, const struct diff_visitor *visitor, struct error *err);

/* Appends a line of JSON: query/GRAMMAR.md, "What changed". */
void diff_print_attribute(const struct diff_attribute *attribute, struct buf *buf);
void diff_print_source(const struct diff_source *source, struct buf *buf);
void diff_print_clip(const struct diff_clip *clip, struct buf *buf);
/* All of them; appends nothing on failure. */
int diff_append(const struct diff *diff, struct buf *buf, struct error *err);
