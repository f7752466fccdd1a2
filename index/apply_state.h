// SPDX-License-Identifier: Apache-2.0
/*
 * The insides of apply(): what its steps hand to each other.
 *
 *     intake    reads the log once: roots, objects, attributes; one struct apply_clip a clip
 *     places    known keys get their rows, new ones rows behind the last, sorted; labels that move are read
 *     clips     in row order: streams, record and clip row; what changed in values goes into deltas
 *     deltas    postings, dictionary and columns of each attribute
 */
#pragma once

#include "index/apply.h"
#include "index/apply_delta.h"
#include "index/catalog/attributes.h"
#include "index/catalog/db.h"
#include "index/catalog/record.h"
#include "index/catalog/runs.h"
#include "index/changeset_log.h"

enum { APPLY_SORT_KEYS = 3, APPLY_UNRANKED = UINT32_MAX };

struct apply_clip {
    size_t at;       /* of its operation in the log */
    const char *key; /* borrowed from the log */
    int64_t t0_ns;
    uint32_t
        ranks[APPLY_SORT_KEYS]; /* of site, robot, session among their values; APPLY_UNRANKED: not known */
    uint32_t order;             /* in the change set */
    uint32_t row;
    bool known; /* the row is the parent's */
    bool live;  /* and so is the clip: a row that was removed only keeps its number */
    bool removed;
    bool labels_left;      /* another clip of the set takes over its labels */
    const char *labels_of; /* key of the clip whose labels it takes over, borrowed from the log; or NULL */
    struct buf labels;     /* that clip's record in the parent */
};

struct apply {
    const struct apply_options *options;
    const struct changeset *set;
    struct db *db;
    int64_t rows, clip_count, next_posting, next_object; /* of the catalog */
    int64_t parent_rows;
    struct runs runs;

    struct attributes attributes; /* of the catalog; fixed once intake is through */
    size_t parent_attributes;
    uint32_t *attribute_at;          /* attribute of the set -> index into attributes.list */
    bool *declared;                  /* attributes.list[i] is one of the set's */
    uint32_t *root_ids, *object_ids; /* of the set -> of the catalog */
    size_t root_count, object_count, root_cap, object_cap;

    struct apply_clip *clips; /* by order, those to be removed last; later by row */
    size_t count, removals;

    struct apply_delta *deltas; /* one an attribute, as attributes.list */
    struct rowset *live;        /* of the parent, later of the result */
    struct rowset *changed;     /* rows that come or go */
    struct runs_key *new_keys;
    size_t new_key_count, new_key_cap;
    struct runs_hash *new_hashes;
    size_t new_hash_count, new_hash_cap;
    struct apply_counts counts;
};

int apply_intake(struct apply *apply, struct error *err);
int apply_places(struct apply *apply, struct error *err);
int apply_clips(struct apply *apply, struct error *err);

void apply_hash_add(struct apply *apply, enum schema_hash kind, uint64_t hash, uint32_t number);
uint64_t apply_fingerprint_hash(const uint8_t fingerprint[SHA256_BYTES]);
