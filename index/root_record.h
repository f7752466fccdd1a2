// SPDX-License-Identifier: Apache-2.0
/*
 * What an object elidefs/roots/<id>/<seq> says: where a root lies (index/FORMAT.md, "Roots and tags"). A
 * place in the data set's own folder `own` (its canonical URL) is written relative to it.
 *
 * Any thread.
 */
#pragma once

#include <stdbool.h>

#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "index/layout.h"

struct root_record {
    char *url;                  /* absolute; the caller frees it */
    char pins[LAYOUT_ID_BYTES]; /* the id of an object of pins; "": none */
};
/* `name` stands in errors. -EUCLEAN. */
int root_record_parse(const char *name, const char *own, const struct buf *bytes, struct root_record *ret,
                      struct error *err);
/* `pins`: as above, or NULL. */
void root_record_print(struct buf *buf, const char *own, const char *url, const char *pins);

/* The part of `url` below `own`, by whole components: "" if they are equal, "a/b", or NULL. */
const char *root_below(const char *own, const char *url);
/* No component is empty, "." or "..". */
bool root_has_only_names(const char *path);
