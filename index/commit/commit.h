// SPDX-License-Identifier: Apache-2.0
/* Committing a change set to a data set, as its next version. Thread rule: as in index/dataset/dataset.h. */
#pragma once

#include "index/commit/apply/apply.h"
#include "index/commit/changeset.h"
#include "index/dataset/dataset.h"

struct dataset_commit {
    const char *message, *author; /* NULL: no message; user@host */
    const char *source;           /* what an import reads; NULL: not said */
    uint32_t
        base; /* the version that labels were made for: what others have set since is a conflict. 0: any */
    /* What the set does to clips was decided for the version `after`: -EAGAIN if clips came or went since.
     * Labels may have, unless `labels_too`. */
    bool settled, labels_too;
    uint32_t after;
    bool dry;            /* nothing is written: only tells which version it would be, with which counts */
    uint64_t pack_bytes; /* of the catalog's packs, about; 0: as large as the format's */
};
/* Applies the set to the newest version and commits the result. Nothing is visible, or left behind, unless it
 * succeeds; but a root that is new to the data set stays recorded where another import was faster, and the
 * catalog's pack stays where the store's answer was lost and could not be asked for again (the message says
 * so). Both are harmless.
 *
 * -ENOENT, -EEXIST: labels of clips that are not there, or in the place of what others set
 * (index/commit/apply/apply.h). -EAGAIN: lost the race, says which version came first. -EALREADY: nothing
 * new, the newest version already holds this; *ret_counts says what was compared. Roots of the set are
 * recorded in the data set and, as far as this user's configuration can be written, as trusted by this user.
 * ret_version and ret_counts may be NULL. Waits. */
int dataset_commit(struct dataset *dataset, const struct changeset *set, const struct dataset_commit *commit,
                   uint32_t *ret_version, struct apply_counts *ret_counts, struct error *err);
