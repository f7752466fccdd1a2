// SPDX-License-Identifier: Apache-2.0
/*
 * apply(parent, change set): makes the next version's catalog. Deterministic in rows: the same parent, change
 * set, version and time give the same contents. Thread rule: any thread; works on its own file.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/error.h"
#include "index/commit/changeset.h"
#include "index/commit/interim.h"
#include "index/pages/overlay.h"

/* When what stands above others goes into them (index/FORMAT.md), in rows, and in bytes before they are
 * packed. */
struct apply_limits {
    /* Growth of the JSON of clips: a commit of more than own_rows folds all of it; where runs have more than
     * open_rows together they are folded, and beyond the budget while they have more than held_rows. */
    size_t own_rows, open_rows, held_rows;
    size_t tail_rows;       /* as many clips are sealed, and, where one commit brings them, at once */
    size_t patched_rows;    /* as many of an attribute are folded */
    size_t upkeep_bytes;    /* what a commit writes of what is older than it (apply_upkeep.h), and more */
    size_t sample_groups;   /* of records that one commit brings make a dictionary */
    size_t small_set_bytes; /* where its change set is of more bytes: APPLY_UPKEEP_TIMES those above these */
};
enum { APPLY_UPKEEP_TIMES = 2 };
/* Those of the format. */
#define APPLY_LIMITS                                                                                         \
    ((struct apply_limits){.own_rows = 1 << 15,                                                              \
                           .open_rows = 1 << 15,                                                             \
                           .held_rows = 1 << 17,                                                             \
                           .tail_rows = 1 << 16,                                                             \
                           .patched_rows = 64000,                                                            \
                           .upkeep_bytes = 3 << 18,                                                          \
                           .sample_groups = 128,                                                             \
                           .small_set_bytes = 1 << 21})

struct apply_options {
    struct overlay *file; /* over the parent's catalog, or over nothing (v0); holds the result. Of no use to
                             anybody after a failure */
    uint32_t version;
    int64_t time_ns;                   /* commit time */
    const struct apply_limits *limits; /* NULL: APPLY_LIMITS */
    const struct interim *interim;     /* what others have committed since the set was made; NULL: nothing */
    /* Gives the catalog's root id for a root URL of the change set (roots are not versioned: see
     * index/dataset/dataset.h). */
    int (*root_id)(void *ctx, const char *url, uint32_t *ret, struct error *err);
    void *ctx;
};
enum { APPLY_SHOWN = 3 }; /* examples in a message */
struct apply_counts {
    uint64_t clips_added, clips_replaced, clips_removed, clips_unchanged, streams, values;
    uint64_t clips_labelled, values_set, events_set, attributes_changed; /* by a set of labels */
    uint64_t values_taken, clips_taken; /* what an import took back, and of how many clips; */
    uint32_t taken_first, taken_last;   /* versions that had set it */
    uint64_t values_changed;  /* by a set that is partial, as a table is, of what imports had set; */
    char changed_shown[900];  /* the first APPLY_SHOWN of them, for people */
    uint64_t clips_kept;      /* in which an import left what others had said, being partial */
    uint64_t sources_changed; /* that say something else of themselves, or are new */
    uint64_t clips, rows;     /* of the result */
    uint64_t upkeep_left;     /* bytes of what is older that may still be written */
};
/* A known key with the same fingerprint keeps its row and is unchanged unless its attributes or streams
 * differ; with another fingerprint it is replaced under its row. A
 * removed clip's row keeps its key; given again, it is added, without the labels it had. Whether
 * content that is known under another key is a copy or has moved, is for the set to say. A type conflict with
 * the parent's attribute: -EINVAL naming both types (int widens to float).
 *
 * A set of labels (index/commit/changeset_labels.h): -ENOENT with the first of the clips that are not there;
 * -EEXIST with how many values others have set and three of them, unless the set's policy allows it. Whose
 * values stand: index/FORMAT.md.
 *
 * What was committed since the set was made is -EEXIST with the versions where it is in the set's way, and
 * -EREMCHG where the set must be made anew to tell (index/commit/apply/apply_conflict.h). */
int apply(const struct apply_options *options, const struct changeset *set, struct apply_counts *ret,
          struct error *err);
