// SPDX-License-Identifier: Apache-2.0
/*
 * --copy: recordings whose bytes are put into the data set's own folder, so that its versions no longer
 * depend on the source. What was copied once is not copied again. Thread rule: one thread at a time; waits.
 */
#pragma once

#include <stdbool.h>

#include "cache/base/error.h"
#include "cache/base/strmap.h"
#include "cache/store/store.h"
#include "tools/import/known.h"
#include "tools/import/source.h"

enum copy_mode {
    COPY_NONE,
    COPY_OPEN, /* what may still be written to: the last file of each series */
    COPY_ALL,
};
/* "", "all": all; "open". -EINVAL */
int copy_mode_parse(const char *text, enum copy_mode *ret, struct error *err);

struct copier {
    struct store *store; /* of the data set, borrowed */
    const struct source *source;
    const struct known *known;
    bool *open;              /* by object: to be copied; NULL: all are */
    bool dry;                /* nothing is copied, only counted: */
    bool *counted;           /* by object */
    uint64_t objects, bytes; /* copied */
    struct strmap *made;     /* borrowed, or NULL: gets the path of each copy that is made */
};
void copier_init(struct copier *ret, enum copy_mode mode, struct store *store, const struct known *known,
                 const struct source *source);
void copier_done(struct copier *copier);

bool copier_wants(const struct copier *copier, const struct source_object *object);
/* Copies the object; *ret says where it lies now. -ESTALE if it changes meanwhile. */
int copier_take(struct copier *copier, const struct source_object *object, struct known_object *ret,
                struct error *err);

/* Removes copies whose paths copier_take() has noted, which no version names yet: how many could be removed.
 */
size_t copy_take_back(struct store *store, const struct strmap *made);

/* Which objects are the last of their series, by object; the caller frees. A series is what differs in
 * numbers only, in the file's name and in a folder such as "chunk-000" above it: recorders go on in the last
 * one. */
bool *copy_open_objects(const struct source *source);
