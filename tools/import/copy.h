// SPDX-License-Identifier: Apache-2.0
/*
 * --copy: recordings that are put into the data set's own folder, so that its versions no longer depend on
 * the source. What was copied once is not copied again.
 *
 *     =link                            a hard link, or an error
 *     the file system has reflinks     a clone that shares its blocks
 *     one bucket server has both       the server copies, when what it will copy has been told
 *     else                             all bytes pass through us, and are hashed
 *
 * Thread rule: one thread at a time; waits.
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
    COPY_LINK, /* all, as hard links */
};
/* "", "all": all; "open"; "link". -EINVAL */
int copy_mode_parse(const char *text, enum copy_mode *ret, struct error *err);

/* Told before the server copies the first: so many are wanted and not there yet, at most. */
typedef void copy_serve_fn(uint64_t objects, uint64_t bytes);

struct copy_counts {
    uint64_t objects, bytes;         /* copied, or linked */
    uint64_t shared, linked, served; /* of the objects: clones, links, copies that the server made */
};

struct copier {
    struct store *store; /* of the data set, borrowed */
    struct source *source;
    struct known *known;
    bool *open;                  /* by object: to be copied; NULL: all are */
    bool links;                  /* else copies */
    bool unshared;               /* the stores were asked to copy by themselves, and cannot */
    bool dry;                    /* nothing is copied, only counted: */
    bool *counted;               /* by object */
    struct known_object **taken; /* by object: copied in this import */
    struct copy_counts counts;
    const struct import_part *part; /* borrowed, or NULL: what it copies is noted in `scans` for the merge, */
    struct scan_cache *scans;       /* borrowed, or NULL: which takes it as copied where it is still there */
    struct strmap *made;            /* borrowed, or NULL: gets the path of each copy that is made */
    copy_serve_fn *serve;           /* or NULL */
};
/* -EINVAL, or -EXDEV: of this source there are no links there. */
int copier_init(struct copier *ret, enum copy_mode mode, struct store *store, struct known *known,
                struct source *source, struct error *err);
void copier_done(struct copier *copier);

bool copier_wants(const struct copier *copier, const struct source_object *object);
/* Copies the object; *ret says where it lies now. -ESTALE if it changes meanwhile. No other thread may be
 * reading it: a link changes its ctime, which the source then knows. */
int copier_take(struct copier *copier, const struct source_object *object, struct known_object *ret,
                struct error *err);

/* Removes copies whose paths copier_take() has noted, which no version names yet: how many could be removed.
 */
size_t copy_take_back(struct store *store, const struct strmap *made);

/* Which objects are the last of their series, by object; the caller frees. A series is what differs in
 * numbers only, in the file's name and in a folder such as "chunk-000" above it: recorders go on in the last
 * one. */
bool *copy_open_objects(const struct source *source);
