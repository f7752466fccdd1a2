// SPDX-License-Identifier: Apache-2.0
/*
 * The names in `.by/` of a query directory, for who explores a set by listing it:
 *
 *     .by/             arm  outcome  recorded_at             keys whose values divide the set
 *     .by/arm/         left  right                           its values, those of most clips first
 *     .by/length/      200..299  300..399                    many numbers: ranges (query/bucket.h)
 *     .by/arm/left/    the set with arm=left                 .by/length/200..299/: with length.rng=200..299
 *
 * A name is a value as the canonical form writes it; besides, a dot at its beginning is %2E, and the empty
 * text is BROWSE_EMPTY. Names that are not listed mean what they say, too: any value, any range of numbers.
 * Any thread (through its own reader). -EAGAIN from a reader that does not wait: call again, and forget the
 * names so far.
 */
#pragma once

#include "query/query.h"

enum {
    BROWSE_PLAIN = 10,     /* more numbers than that are shown as ranges */
    BROWSE_MOST = 1000,    /* of more values a listing fails */
    BROWSE_NAME_MAX = 1023 /* bytes */
};
#define BROWSE_EMPTY "@empty"

/* Non-zero ends it with that. */
typedef int browse_fn(void *ctx, const char *name, struct error *err);
int browse_keys(const struct query *query, struct catalog_reader *reader, browse_fn *each, void *ctx,
                struct error *err);
/* -EFBIG: too many values, or one that is longer than any file name. -ENOENT: no such key. */
int browse_values(const struct query *query, const char *key, struct catalog_reader *reader, browse_fn *each,
                  void *ctx, struct error *err);

/* The attribute that a key names, if its values can be told: else -ENOENT with the reason. */
int browse_find_key(const char *key, struct catalog_reader *reader, struct catalog_attribute *ret,
                    struct error *err);
/* Appends the key of an attribute. */
void browse_print_key(const struct catalog_attribute *attribute, struct buf *buf);
/* `query` narrowed by a name in the key's directory: -ENOENT with the reason. */
int browse_extend(const struct query *query, const char *key, const char *name, struct catalog_reader *reader,
                  struct query **ret, struct error *err);
