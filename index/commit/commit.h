// SPDX-License-Identifier: Apache-2.0
/* Committing a change set to a data set, as its next version. Thread rule: as in index/dataset/dataset.h. */
#pragma once

#include "index/commit/apply/apply.h"
#include "index/commit/changeset.h"
#include "index/dataset/dataset.h"

struct dataset_commit {
    const char *message, *author; /* NULL: no message; user@host */
    const char *source;           /* what an import reads; NULL: not said */
    bool based; /* the set was made for the version `base`, which may be 0: what others have committed since
                 * is not undone (index/commit/apply/apply_conflict.h). Else it is for whatever is there */
    bool exact; /* it is for no other version: -EREMCHG if there is a newer one */
    uint32_t base;
    const char *id; /* of the commit, 32 hex digits: what has it already, since version `id_after`, is what it
                     * becomes, and is not committed again. NULL: one that nobody else has */
    uint32_t id_after;
    int64_t patience_ns; /* for so long it is tried again where others are faster; 0: COMMIT_PATIENCE_NS */
    bool dry;            /* nothing is written: only tells which version it would be, with which counts */
    bool anyway;         /* a version, though nothing is new in it */
    uint64_t pack_bytes; /* of the catalog's packs, about; 0: as large as the format's */
    int64_t upload_ns;   /* where it took longer from its first pack to its manifest, it is made sure that
                            nobody frees them; 0: half of MARK_GRACE_LEAST_NS */
};
#define COMMIT_PATIENCE_NS (15 * 60 * INT64_C(1000000000))

/* Applies the set to the newest version and commits the result; where another writer was faster, to that
 * one's version, which costs what the other one changed. Nothing is visible, or left behind, unless it
 * succeeds; but a root that is new to the data set stays recorded where another import was faster, and the
 * catalog's pack stays where the store's answer was lost and could not be asked for again (the message says
 * so). Both are harmless.
 *
 * -EBUSY, naming it: a copy that the set means is being freed (index/house/gc.h).
 * -ENOENT, -EEXIST: labels of clips that are not there, or in the place of what others set; what others have
 * committed since `base` is in the way (index/commit/apply/apply.h). -EREMCHG: the set must be made anew,
 * says why; no store says that, and -EAGAIN is a store's that is busy. -EBUSY: others were faster until
 * patience ended. -EALREADY: nothing new, the newest version already holds this; *ret_counts says what was
 * compared. Roots of the set are recorded in the data set and, as far as this user's configuration can be
 * written, as trusted by this user. ret_version and ret_counts may be NULL. Waits.
 */
int dataset_commit(struct dataset *dataset, const struct changeset *set, const struct dataset_commit *commit,
                   uint32_t *ret_version, struct apply_counts *ret_counts, struct error *err);

/* The version after `after` that the commit of this id has become: 1, 0 or -errno. Waits. */
int dataset_find_commit(struct dataset *dataset, const char *id, uint32_t after, uint32_t *ret,
                        struct error *err);
