// SPDX-License-Identifier: Apache-2.0
/* The inside of dataset_commit(). Private to index/commit/commit*.c. Thread rule: one thread at a time. */
#pragma once

#include "index/commit/commit_job.h"
#include "index/dataset/dataset_state.h"
#include "index/pages/pages_write.h"

struct commit_request {
    struct dataset *dataset;
    const struct changeset *set;
    const struct dataset_commit *options;
    const char *id;   /* of the commit */
    bool others_know; /* another process may have committed it, after the version `head` */
    uint32_t head;
    bool fresh; /* the newest version is one that this process has committed a moment ago */
    bool more;  /* another commit follows at once: what is written is brought to where it is read */
};
/* Commits, again and again where others are faster: -EBUSY where they are for too long. All but the hint at
 * the newest version is done. */
int commit_run(const struct commit_request *request, struct commit_answer *ret, struct error *err);
/* The hint. It may be missing, or old. */
void commit_hint(struct dataset *dataset);

struct root_use {
    uint32_t id;
    char *url;
};

struct commit { /* one try */
    struct dataset *dataset;
    const struct commit_request *request;
    struct interim *interim; /* since the set was made, or NULL; kept from try to try */
    const struct manifest *parent;
    struct overlay *file;         /* the new catalog */
    int64_t begun_ns;             /* commit_clock_ns() before it was looked what is purged */
    int64_t uploading_ns;         /* commit_clock_ns() before the first byte of this was: */
    struct pages_written written; /* what was put into the store for it */
    struct root_use *uses;        /* the roots the catalog names by id */
    size_t use_count, use_cap;
    struct apply_counts counts;
    struct manifest manifest;   /* of the new version */
    struct buf bytes;           /* the same, printed */
    struct manifest *read_back; /* and read again */
    bool unsettled;             /* the manifest may still arrive: its packs must stay */
    bool lost;                  /* another writer was faster: -EREMCHG */
    bool fresh;                 /* as requested, and not lost yet */
    bool knows_roots;           /* those of the data set have been read */
};

int commit_manifest_begin(struct commit *commit, struct error *err);
/* Once the catalog is written. What is written for ever is read once before. */
int commit_manifest_end(struct commit *commit, struct error *err);
/* -EUCLEAN: the parent's manifest is not what it was. */
int commit_check_parent(struct commit *commit, struct error *err);
int64_t commit_clock_ns(void);
/* What is referred to and no version needs yet is not freed: -EBUSY, it is being freed; -EREMCHG: it has
 * been.
 */
int commit_keep(struct commit *commit, struct error *err);
/* The same of packs alone, the first of which began to be uploaded at `uploading_ns`. */
int commit_keep_packs(struct dataset *dataset, const uint8_t (*ids)[MAP_ID_BYTES], size_t count,
                      int64_t uploading_ns, struct error *err);
/* -EREMCHG: another writer's is there. */
int commit_manifest_put(struct commit *commit, struct error *err);
