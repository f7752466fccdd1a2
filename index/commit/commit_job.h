// SPDX-License-Identifier: Apache-2.0
/* What one process asks another one of the same machine to commit, and the answer, as bytes (index/FORMAT.md,
 * "Commits of one machine"). Only between programs of one version: bytes of another one are not understood.
 * Any thread. Private to index/commit/commit*.c. */
#pragma once

#include "index/commit/commit.h"

struct commit_job {
    char id[LAYOUT_ID_BYTES]; /* of the commit */
    uint32_t head;            /* the newest version when it was put down: none before it has this id */
    struct dataset_commit options;
    const void *log; /* of the change set */
    size_t log_len;
};
void commit_job_print(const struct commit_job *job, struct buf *buf);
/* Borrows from `bytes`. -EINVAL: not understood. */
int commit_job_parse(const struct buf *bytes, struct commit_job *ret, struct error *err);

struct commit_answer {
    int rc; /* 0 or -errno, with its text; */
    struct error err;
    uint32_t version; /* that it became; the newest one where there is nothing new */
    struct apply_counts counts;
};
void commit_answer_print(const struct commit_answer *answer, struct buf *buf);
int commit_answer_parse(const struct buf *bytes, struct commit_answer *ret, struct error *err);
