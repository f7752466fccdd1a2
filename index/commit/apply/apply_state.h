// SPDX-License-Identifier: Apache-2.0
/*
 * The insides of apply(): what its steps hand to each other.
 *
 *     intake    reads the log once: roots, objects, attributes; one struct apply_clip a clip
 *     places    known keys get their rows, new ones rows behind the last, sorted; labels that move are read
 *     clips     in row order: streams, record and clip row; values go into patches, of rows that the parent
 *               has and of new ones in the tail, or into deltas
 *     patches   an attribute's own runs; older ones are merged, or folded into its delta (apply_patches.h)
 *     deltas    the shards of each attribute
 */
#pragma once

#include "index/catalog/attributes.h"
#include "index/catalog/cells/cells.h"
#include "index/catalog/db.h"
#include "index/catalog/groups/clips.h"
#include "index/catalog/hash/keys.h"
#include "index/catalog/lists.h"
#include "index/catalog/origins.h"
#include "index/catalog/record.h"
#include "index/commit/apply/apply.h"
#include "index/commit/apply/apply_delta.h"
#include "index/commit/apply/apply_gains.h"
#include "index/commit/apply/apply_packing.h"
#include "index/commit/apply/apply_work.h"
#include "index/commit/changeset_labels.h"
#include "index/commit/changeset_log.h"

enum { APPLY_SORT_KEYS = 3, APPLY_UNRANKED = UINT32_MAX, APPLY_NO_ATTRIBUTE = UINT32_MAX };

/* There may be millions: few bytes each. */
struct apply_clip {
    uint32_t order; /* in the change set; of those that are removed, among these */
    uint32_t row;
    uint32_t
        takes; /* index into identity.takes, plus 1: it takes over another clip's labels; 0: it does not */
    bool known : 1; /* the row is the parent's */
    bool live : 1;  /* and so is the clip: a row that was removed only keeps its number */
    bool removed : 1;
    bool hidden : 1;      /* given, but not to be seen */
    bool labels_left : 1; /* another clip of the set takes over its labels */
};

/* What is wanted of new clips until they have their rows. */
struct apply_sort {
    int64_t t0_ns;
    uint32_t
        ranks[APPLY_SORT_KEYS]; /* of site, robot, session among their values; APPLY_UNRANKED: not known */
    uint32_t key_hash;
};

/* A clip takes over the labels of another. */
struct apply_taking {
    const char *of; /* its key, borrowed from the log */
    bool found;     /* the parent has it, live or not: */
    struct buf record, lists, events;
};

/* How often something is the case, and the first few cases, for one message. */
struct apply_examples {
    uint64_t count;
    struct buf shown;
};

/* What goes in, and what the set's numbers mean in the catalog. */
struct apply_source {
    const struct apply_options *options;
    struct apply_limits limits;
    const struct changeset *set;
    bool has_parent;
    int64_t parent_rows;
    size_t parent_attributes;
    uint32_t parent_next_attribute;  /* of this number and above it the parent has none */
    struct origins origins;          /* of the parent */
    struct cells cells;              /* what it says */
    uint32_t *root_ids, *object_ids; /* of the set -> of the catalog */
    size_t root_count, object_count, root_cap, object_cap;
    uint32_t
        *attribute_at; /* attribute of the set -> index into attributes.list; APPLY_NO_ATTRIBUTE: dropped */
    bool *declared;    /* attributes.list[i] is one of the set's; */
    bool *partial;     /* a clip without a value of it there keeps its own */
};

/* Which clip is which: keys and rows. */
struct apply_identity {
    struct apply_clip *clips; /* by order, those to be removed last; later by row */
    struct apply_sort *sorts; /* by order, until clips have rows; NULL: of labels */
    size_t count, removals;
    struct apply_taking *takes;
    size_t take_count, take_cap;
    struct rowset *live;    /* of the parent, later of the result */
    struct rowset *changed; /* rows that come or go */
    struct hash_runs runs;
    struct hash_additions new_hashes;
};

/* Whoever sets the values of the set, and what stood in the way. */
struct apply_setter {
    const char *name;
    enum changeset_policy policy;
    const char *table;                    /* before numbers of lines, in messages */
    uint32_t origin;                      /* its number */
    bool origin_used;                     /* some value has it */
    struct apply_examples unknown, taken; /* clips that are not there; values that others set; */
    struct apply_examples late;           /* what was changed since the set was made (apply_conflict.h) */
    struct apply_examples replaced;       /* values of an import's own that a partial set replaces */
};

struct apply_folding {        /* the patches that are folded (apply_fold.h), while it goes on */
    uint64_t of;              /* the attribute's id, plus 1; 0: of none */
    struct patch_index *held; /* a reference, where they were in memory; else */
    struct patch patch;
};

struct apply_sources; /* apply_sources.h */

/* What comes out. */
struct apply_output {
    int64_t rows, clip_count, next_object, next_origin, next_attribute;
    struct attributes attributes; /* fixed once intake is through */
    size_t event_at;              /* index of the attribute of events, or SIZE_MAX */
    struct apply_delta *deltas; /* one an attribute, as attributes.list: of rows that are sealed or folded; */
    struct apply_gains *gains;  /* and, before they come to these, of new rows that are sealed at once */
    struct patch *patches;      /* parallel: of rows that the parent has, and of new ones in the tail */
    bool seals;                 /* so many clips are new that they go beneath at once, with all of the tail */
    int64_t sealed;             /* shards know of the rows before it; of those behind it tail runs do */
    int64_t sealing_to,
        sealing_at; /* or before this one, for attributes below this id; 0: no seal is under way */
    struct apply_work work;
    struct apply_folding folding;
    uint64_t budget;    /* what may still be written of what is older than this commit (apply_upkeep.h) */
    uint64_t run_bytes; /* of runs and late columns that were written, before they are packed */
    struct json_growth grows; /* of the JSON of clips that the parent has (apply_growth.h) */
    int64_t grown_to;         /* rows before are folded already, of the run that is being folded */
    struct apply_packing *packing;
    struct apply_sources *sources;
    struct apply_counts counts;
};

struct apply {
    struct db *db; /* the parent's copy, which becomes the result */
    struct apply_source source;
    struct apply_identity identity;
    struct apply_setter setter;
    struct apply_output output;
};

/* Borrowed. */
static inline const char *apply_clip_key(const struct apply *apply, const struct apply_clip *clip)
{
    const struct changeset *set = apply->source.set;
    return clip->removed ? strmap_at(set->removals, clip->order)->key
                         : (const char *)set->log.bytes.data + set->clips.list[clip->order];
}
/* Where its operation is in the log. */
static inline size_t apply_clip_at(const struct apply *apply, const struct apply_clip *clip)
{
    return changeset_op_of_text(apply->source.set->clips.list[clip->order],
                                strlen(apply_clip_key(apply, clip)));
}
/* Of its labels in their table. */
static inline unsigned long long apply_clip_place(const struct apply *apply, const struct apply_clip *clip)
{
    return changeset_operation_of(apply->source.set, apply->source.set->clips.list[clip->order]).place;
}
/* NULL: it takes over no labels. */
static inline struct apply_taking *apply_clip_takes(const struct apply *apply, const struct apply_clip *clip)
{
    return clip->takes ? &apply->identity.takes[clip->takes - 1] : NULL;
}

static inline void apply_spend(struct apply *apply, uint64_t bytes)
{
    uint64_t *budget = &apply->output.budget;
    *budget -= bytes < *budget ? bytes : *budget;
}

int apply_intake(struct apply *apply, struct error *err);
int apply_places(struct apply *apply, struct error *err);
int apply_clips(struct apply *apply, struct error *err);
/* In place of these two, for a set of labels. */
int apply_label_places(struct apply *apply, struct error *err);
int apply_labels(struct apply *apply, struct error *err);
/* What a set says of an attribute as such: renamed, described, dropped. */
int apply_attribute_change(struct apply *apply, const struct changeset_op *op, struct error *err);
int apply_to_text(struct apply *apply, struct attribute *attribute, struct error *err);
/* *ret: the parent's attribute of this name, for an import also the one that had it before, or NULL. 1: it
 * was an attribute's name before; with NULL: it was dropped, and an import does not bring it back. */
int apply_attribute_find(struct apply *apply, const char *name, struct attribute **ret, struct error *err);
int apply_attribute_put(struct apply *apply, const struct attribute *attribute, struct error *err);
/* The JSON of all clips that have it gets so many bytes longer. */
int apply_attribute_grow(struct apply *apply, const struct attribute *attribute, int64_t bytes,
                         struct error *err);
void apply_event_find(struct apply_output *output); /* event_at */
bool apply_is_event(const struct apply_output *output, const struct attribute *attribute);

void apply_example(struct apply_examples *examples, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
