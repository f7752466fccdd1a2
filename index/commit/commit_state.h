// SPDX-License-Identifier: Apache-2.0
/* The inside of dataset_commit(): one try to commit a set as the version after the newest one. Private to
 * index/commit/commit*.c. Thread rule: one thread at a time. */
#pragma once

#include "index/commit/commit.h"
#include "index/dataset/dataset_state.h"
#include "index/pages/pages_write.h"

struct root_use {
    uint32_t id;
    char *url;
};

struct commit {
    struct dataset *dataset;
    struct interim *interim; /* since the set was made, or NULL; kept from try to try */
    const struct manifest *parent;
    struct overlay *file;         /* the new catalog */
    struct pages_written written; /* what was put into the store for it */
    struct root_use *uses;        /* the roots the catalog names by id */
    size_t use_count, use_cap;
    uint64_t pack_bytes;
    struct apply_counts counts;
    struct manifest manifest;   /* of the new version */
    struct buf bytes;           /* the same, printed */
    struct manifest *read_back; /* and read again */
    bool unsettled;             /* the manifest may still arrive: its packs must stay */
    bool lost;                  /* another writer was faster: -EAGAIN */
};

int commit_manifest_begin(struct commit *commit, const struct dataset_commit *options, struct error *err);
/* Once the catalog is written. What is written for ever is read once before. */
int commit_manifest_end(struct commit *commit, struct error *err);
/* -EUCLEAN: the parent's manifest is not what it was. */
int commit_check_parent(struct commit *commit, struct error *err);
/* -EAGAIN: another writer's is there. */
int commit_manifest_put(struct commit *commit, struct error *err);
