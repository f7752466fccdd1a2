// SPDX-License-Identifier: Apache-2.0
/*
 * What an object elidefs/series/roots/<id>/<seq> says: where a root lies (index/FORMAT.md, "Roots and tags"),
 * in one place or several. A place in the data set's own folder `own` (its canonical URL) is written relative
 * to it.
 *
 * Any thread.
 */
#pragma once

#include <stdbool.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/base/layout.h"

enum { ROOT_PLACES_MAX = 16 };

struct root_record_place {
    char *url;                  /* absolute */
    char pins[LAYOUT_ID_BYTES]; /* the id of an object of pins; "": none */
};
struct root_record {
    struct root_record_place places[ROOT_PLACES_MAX]; /* where objects are looked for, in this order */
    size_t count;                                     /* at least one */
};
/* `name` stands in errors. -EUCLEAN; -ENOTSUP with the feature that a newer program made the record need.
 * `ret` is the caller's: root_record_done(). */
int root_record_parse(const char *name, const char *own, const struct buf *bytes, struct root_record *ret,
                      struct error *err);
void root_record_done(struct root_record *record);
void root_record_print(struct buf *buf, const char *own, const struct root_record *record);

/* The part of `url` below `own`, by whole components: "" if they are equal, "a/b", or NULL. */
const char *root_below(const char *own, const char *url);
/* No component is empty, "." or "..". */
bool root_has_only_names(const char *path);
